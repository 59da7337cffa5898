"""What an experiment answers for one unit."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from abkit.assignment.assignment import Assignment, Reason
from abkit.events import Variant
from abkit.experiments.declaration import Declaration
from abkit.experiments.subjects import Subjects

Parameters: TypeAlias = Mapping[str, object]
Decision: TypeAlias = tuple[str, Variant, Reason, Parameters | None]
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
        params=MappingProxyType({declaration.param_name: variant} if params is None else params),
    )
