"""What a unit gets, and each step of the decision on the way there."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from attrs import frozen

from abkit.assignment.assignment import Assignment, Reason

_NONE: Mapping[str, Any] = MappingProxyType({})


@frozen
class Step:
    """One step of a decision.

    Attributes:
        name: What was asked: "forced here", "forced in the process", "enabled", "winner", "dates",
            "allow-list", "sticky", "eligible", "holdout NAME", "layer NAME", "freeze", "rollout" or
            "variant".
        found: What was found, in words.
        reason: Why the unit has its variant, if the decision ended here; None: it went on.
        numbers: What the words are about: the hashed text, the hash, its bounds, slots, parameters.
    """

    name: str
    found: str
    reason: Reason | None = None
    numbers: Mapping[str, Any] = _NONE


@frozen
class Explanation:
    """What a unit gets, and each step on the way there.

    Attributes:
        assignment: What `ExperimentManager.assign` gives.
        steps: In their order; the decision ended in the last one.
    """

    assignment: Assignment
    steps: tuple[Step, ...]

    @property
    def last(self) -> Step:
        """The step in which the decision ended."""
        return self.steps[-1]

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON can have it unless `assign()` wrote parameters that JSON cannot."""
        found = self.assignment
        return {
            "experiment": found.experiment,
            "unit_type": found.unit_type,
            "unit_id": found.unit_id,
            "variant": found.variant,
            "reason": str(found.reason),
            "params": {**found.params},
            "ended_in": self.last.name,
            "steps": [
                {
                    "step": step.name,
                    "found": step.found,
                    "reason": None if step.reason is None else str(step.reason),
                    "numbers": {**step.numbers},
                }
                for step in self.steps
            ],
        }
