"""The answer for one unit, and why it is that."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple, NoReturn, TypeAlias

from abkit.events import Variant


class Reason(StrEnum):
    """Why a unit has its variant."""

    ASSIGNED = "assigned"
    """By the experiment's randomization. Only these units are exposed."""
    FORCED = "forced"
    """By a test, an allow-list, a setting, or the experiment's own code without a random operator."""
    INELIGIBLE = "ineligible"
    """The unit is not eligible for the experiment."""
    NOT_ENROLLED = "not_enrolled"
    """The unit is not in the rollout yet, or came after the freeze."""
    EXCLUDED = "excluded"
    """The unit belongs to another experiment of the layer."""
    HOLDOUT = "holdout"
    """A holdout keeps the unit out. It is exposed to the holdout, not to the experiment."""
    INACTIVE = "inactive"
    """The experiment is off, has not started, has ended, or has a winner."""
    ERROR = "error"
    """An error, which was counted and logged."""


_Refusal: TypeAlias = Callable[..., NoReturn]


class Parameters(dict[str, Any]):
    """The parameters of one unit: an immutable dict that can be pickled and written as JSON."""

    __slots__ = ()

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        message = "the parameters of an assignment do not change; change a copy, {**params}"
        raise TypeError(message)

    __setitem__: _Refusal = _refuse
    __delitem__: _Refusal = _refuse
    __ior__: _Refusal = _refuse
    clear: _Refusal = _refuse
    pop: _Refusal = _refuse
    popitem: _Refusal = _refuse
    setdefault: _Refusal = _refuse
    update: _Refusal = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return Parameters, ({**self},)

    def __copy__(self) -> "Parameters":
        return self

    def copy(self) -> dict[str, Any]:
        """Return a mutable copy."""
        return {**self}


_NOTHING = Parameters()


class Assignment(NamedTuple):
    """What one unit gets from one experiment.

    Attributes:
        experiment: The experiment's name.
        unit_type: The type of unit that is randomized, such as "org" or "user".
        unit_id: The unit's id, as text; "" if the subject was missing.
        variant: The unit's variant; the default value unless the unit is enrolled or forced, or the
            experiment has a winner and no holdout keeps the unit out.
        params: All parameters that `assign()` wrote, including the variant.
        reason: Why the unit has this variant.
    """

    experiment: str
    unit_type: str
    unit_id: str
    variant: Variant
    reason: Reason
    params: Parameters = _NOTHING

    @property
    def enrolled(self) -> bool:
        """Whether the unit takes part: its variant was randomized."""
        return self.reason is Reason.ASSIGNED
