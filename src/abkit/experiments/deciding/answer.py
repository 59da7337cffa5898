"""What an experiment answers for one unit."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias, cast

from abkit.assignment.assignment import Assignment, Parameters, Reason
from abkit.events import Variant
from abkit.experiments.declaring.declaration import Declaration
from abkit.experiments.declaring.subjects import Subjects

if TYPE_CHECKING:
    from abkit.assignment.params import Params

Decision: TypeAlias = tuple[str, Variant, Reason, Mapping[str, object] | None]
"""Unit id, variant, reason, and the parameters if `assign()` wrote any. A plain tuple: it is made for
each request."""

Decide: TypeAlias = Callable[[Subjects], Decision]
Clock: TypeAlias = Callable[[], float]
"""Gives the seconds since the epoch."""


def assignment_of(declaration: Declaration, decision: Decision) -> Assignment:
    """The decision as the value that the application gets."""
    unit_id, variant, reason, params = decision
    return Assignment(
        experiment=declaration.name,
        unit_type=declaration.unit_type,
        unit_id=unit_id,
        variant=variant,
        reason=reason,
        params=Parameters({declaration.param_name: variant} if params is None else _values(params)),
    )


def _values(params: Mapping[str, object]) -> dict[str, object]:
    from abkit.assignment.params import values_of  # It is loaded: params were made.

    return values_of(cast("Params", params))
