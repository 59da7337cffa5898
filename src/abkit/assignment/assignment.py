"""The answer for one unit, and why it is that."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple, NoReturn, TypeAlias

from abkit.events import Variant


class Reason(StrEnum):
    """Why a unit has its variant."""

    ASSIGNED = "assigned"
    """By the experiment's randomization: only this is an exposure."""
    FORCED = "forced"
    """By a test, an allow-list, a setting, or the experiment's own code without a random operator."""
    INELIGIBLE = "ineligible"
    """The experiment is not for this unit."""
    NOT_ENROLLED = "not_enrolled"
    """The rollout has not reached this unit yet."""
    EXCLUDED = "excluded"
    """A layer gave the unit to another experiment, or a holdout keeps it out."""
    INACTIVE = "inactive"
    """The experiment is off, has not begun, has ended, or has a winner."""
    ERROR = "error"
    """Something went wrong; it was counted and logged."""


_Refusal: TypeAlias = Callable[..., NoReturn]


class Parameters(dict[str, Any]):
    """The parameters of one unit. It is a dict, to be pickled and written as JSON, but does not change."""

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
        """A dict of its own, which can be changed."""
        return {**self}


_NOTHING = Parameters()


class Assignment(NamedTuple):
    """What one unit gets from one experiment.

    Attributes:
        experiment: The experiment's name.
        unit_type: What is randomized, such as "org" or "user".
        unit_id: The unit's id, as text; "" if the subject was missing.
        variant: What the unit gets; the default value unless the unit is enrolled.
        params: All parameters that `assign()` wrote, the variant among them.
        reason: Why.
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
