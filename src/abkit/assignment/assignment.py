"""The answer for one unit, and why it is that."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

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


_NOTHING: Mapping[str, object] = MappingProxyType({})


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
    params: Mapping[str, object] = _NOTHING

    @property
    def enrolled(self) -> bool:
        """Whether the unit takes part: its variant was randomized."""
        return self.reason is Reason.ASSIGNED
