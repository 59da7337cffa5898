"""The comparison of a holdout: which units are exposed to it, and on which side each of them is.

A unit is exposed to a holdout where it would be exposed to one of its experiments were there no holdout, or
where an experiment that is concluded gives its winner. So both sides are exposed at the same moments. What a
unit then gets does not change its side: it is a comparison by intention to treat.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from abkit.assignment.assignment import Reason
from abkit.assignment.weights import weights_text
from abkit.events import HELD_OUT, SHIPPED, Variant
from abkit.experiments.deciding.answer import Clock, Decide
from abkit.experiments.deciding.decision import compile_decision
from abkit.experiments.deciding.gates import Check, gate_of
from abkit.experiments.deciding.sticky import Recall
from abkit.experiments.declaring.declaration import Declaration
from abkit.experiments.declaring.experiment import Experiment
from abkit.experiments.declaring.holdout import Holdout
from abkit.experiments.declaring.subjects import Subjects


class Comparison(NamedTuple):
    """A holdout, as an experiment's units are exposed to it.

    Attributes:
        identity: Name, salt and unit type: what all of these exposures share.
        check: From a unit's id to the reason that keeps it out; None if it is not held out.
        weights: The share of each side, as exposures have them.
    """

    identity: tuple[str, str, str]
    check: Check
    weights: str | None

    def weigh(self, _: Mapping[str, Any] | None) -> str | None:
        """The same, whatever the parameters of the decision."""
        return self.weights

    def side_of(self, unit_id: str) -> Variant:
        """The side of a unit: "holdout" or "shipped"."""
        return SHIPPED if self.check(unit_id) is None else HELD_OUT


def comparisons_of(holdouts: Iterable[Holdout], unit_type: str) -> tuple[Comparison, ...]:
    """The holdouts that can be measured: one that keeps nobody out is over, or has not begun."""
    return tuple(
        Comparison(
            (holdout.name, holdout.salt or holdout.name, unit_type),
            gate_of(holdout).check,
            weights_text([*holdout.weights], [*holdout.weights.values()]),
        )
        for holdout in holdouts
        if holdout.bound > 0
    )


class HeldOut:
    """The holdouts of one experiment, as it is in force.

    Args:
        experiment: Its hooks are asked.
        declaration: Its own, or what the settings make of it.
        clock: Gives the seconds since the epoch.
        recall: Knows the variants that units keep; None: they keep none.

    Attributes:
        comparisons: Its holdouts.
        keeps_variants: Whether an enrolled unit may be one that is held out: it keeps a variant from before.
    """

    def __init__(
        self,
        experiment: Experiment,
        declaration: Declaration,
        *,
        clock: Clock,
        recall: Recall | None = None,
    ) -> None:
        self._experiment, self._declaration = experiment, declaration
        self._clock, self._recall = clock, recall
        self.comparisons: tuple[Comparison, ...] = comparisons_of(
            declaration.holdouts, declaration.unit_type
        )
        self.keeps_variants: bool = declaration.sticky

    @cached_property
    def _decide(self) -> Decide:
        """What units would get without the holdouts."""
        without = self._declaration._replace(holdouts=())
        return compile_decision(self._experiment, without, clock=self._clock, recall=self._recall)

    def exposes(self, reason: Reason, subjects: Subjects) -> bool:
        """Whether a unit that is not enrolled is exposed to the holdouts.

        Args:
            reason: Why it is not.
            subjects: Those of the request.

        Raises:
            Exception: Whatever the experiment's own code raises.
        """
        if reason is not Reason.HOLDOUT and reason is not Reason.INACTIVE:
            return False
        if self._declaration.winner is not None:
            return self._declaration.enabled
        return reason is Reason.HOLDOUT and self._decide(subjects)[2] is Reason.ASSIGNED
