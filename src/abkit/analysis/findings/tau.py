"""Which differences the sequential test looks for: pure.

It is quickest for a difference of about tau, so tau has to be of the size of what can be found at all.
The standard error at the first look is of that size: what is found on the first day is some three of
these, what is found after a hundred days a third of one. A goal, where one is declared, has most of the
weight beside it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import accumulate
from math import sqrt
from types import MappingProxyType
from typing import TypeAlias

from attrs import frozen

from abkit.analysis.findings.arms import Arms
from abkit.analysis.findings.metric_result import (
    MINIMUM_CONTRIBUTORS,
    MINIMUM_UNITS,
    Arm,
    contributors,
    missing,
)
from abkit.analysis.inference.sequential import goal_mixture, goal_tau, tau_for_sample_size
from abkit.analysis.inference.variance import at_least_pooled
from abkit.analysis.statistics.aggregates import Moments
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Metric
from abkit.experiments.declaring.tau import Tau

FirstLook: TypeAlias = Mapping[str, tuple[float, float]]
"""By variant beside the control, the shares of the control's and of its own units that had come by the
first look of the two."""


def looked_for(
    metric: Metric, found: Arms, plan: AnalysisPlan, *, first_look: FirstLook | None
) -> Tau | None:
    """The tau of a metric; None where nothing can be compared.

    It is made of variances and of the control's mean, which settle as units come, never of the
    difference.

    Args:
        metric: Its goal is the relative change that is worth having; its margin, that to be ruled out.
        found: Its arms now.
        plan: Their taus are taken as they are.
        first_look: The shares of the units that had come by the first look; None: this look is the
            first one, and tau is that with which it finds most.
    """
    given = plan.taus.get(metric.name)
    if given is not None:
        return given
    variance = max(_variances(found, first_look), default=0.0)
    if not variance > 0:
        return None
    size = sqrt(variance)
    if first_look is None:
        size = tau_for_sample_size(variance, units=1, sample_size=1, alpha=plan.level)
    change = sought(metric)
    if change is None:
        return size
    plain = found.control.unadjusted or found.control.moments
    return goal_mixture(goal_tau(plain.mean, change), size)


def sought(metric: Metric) -> float | None:
    """The relative change that is looked for: the margin of a guardrail, or else the goal.

    Without any change, the margin is that far away.
    """
    return metric.goal if metric.margin is None else metric.margin


@frozen(kw_only=True)
class Arrivals:
    """How many units had come by the end of each UTC day.

    Attributes:
        days: The days on which some unit came.
        so_far: By variant, its units by the end of each of them.
    """

    days: Sequence[date]
    so_far: Mapping[str, Sequence[int]]

    @classmethod
    def of(
        cls,
        new_units: Mapping[tuple[datetime, str, int], int],
        *,
        window: timedelta = timedelta(0),
    ) -> "Arrivals":
        """From the units by the start of the period of their first exposure, variant and phase.

        Args:
            new_units: The units.
            window: How long after its first exposure a unit counts.
        """
        by_day: dict[str, dict[date, int]] = {variant: {} for _, variant, _ in new_units}
        for (start, variant, _), new in new_units.items():
            of, day = by_day[variant], (start + window).date()
            of[day] = of.get(day, 0) + new
        days = sorted({day for of in by_day.values() for day in of})
        so_far = {v: [*accumulate(of.get(day, 0) for day in days)] for v, of in by_day.items()}
        return cls(days=days, so_far=so_far)

    def until(self, last: date) -> "Arrivals":
        """The same, of the units that had come by the end of a day."""
        count = bisect_right(self.days, last)
        return Arrivals(
            days=self.days[:count], so_far={v: of[:count] for v, of in self.so_far.items()}
        )

    def at_first_look(self, control: str, *, counted: Mapping[str, int] | None = None) -> FirstLook:
        """The shares of the units that had come by the first look.

        The first look of a variant is the end of the first day on which it and the control have
        `MINIMUM_UNITS`, however often results are made: so results by the hour and by the day, of today and
        of next week, have the same one. A variant that starts a week later has its own. That day may have
        begun minutes before its end: so it counts for no fewer units than half of it and the next one.

        Args:
            control: The control.
            counted: By variant, the units that count now; None: all.
        """
        if control not in self.so_far:
            return MappingProxyType({})
        controls = self.so_far[control]
        shares: dict[str, tuple[float, float]] = {}
        for variant, own in self.so_far.items():
            at = max(_reached(controls), _reached(own))
            if variant == control or at >= len(self.days):
                continue
            after = min(at + 1, len(self.days) - 1)
            first = [max(of[at], of[after] / 2) for of in (controls, own)]
            last = (controls[-1], own[-1])
            if counted is not None:
                last = (counted.get(control, 0), counted.get(variant, 0))
            if all(last):
                shares[variant] = min(1.0, first[0] / last[0]), min(1.0, first[1] / last[1])
        return MappingProxyType(shares)


def _reached(so_far: Sequence[int]) -> int:
    """On which day there were enough units to compare; the number of days if on none."""
    return bisect_left(so_far, MINIMUM_UNITS)


def variance_at_first_look(pair: Sequence[Arm], first_look: FirstLook | None) -> float:
    """The sampling variance of a difference, as it was when it could first be looked at.

    Args:
        pair: The control and a variant that can be compared; of all units, or of a part of them.
        first_look: As for `looked_for`.
    """
    whole, variant = (1.0, 1.0), pair[1].variant
    shares = whole if first_look is None else first_look.get(variant, whole)
    more = max(_to_pass(a, share) for a, share in zip(pair, shares, strict=True))
    control, treatment = (
        _of_units(a.moments, min(a.moments.n, a.moments.n * share * more))
        for a, share in zip(pair, shares, strict=True)
    )
    return at_least_pooled(control, treatment).difference


def _variances(found: Arms, first_look: FirstLook | None) -> Iterator[float]:
    """Of the difference of each variant that can be compared, as it was at the first look."""
    for pair in found.pairs:
        if not missing(pair):
            yield variance_at_first_look(pair, first_look)


def _to_pass(arm: Arm, share: float) -> float:
    """How many times the units of the first look an arm needed to be compared at all."""
    units, contributing = arm.moments.n * share, contributors(arm)
    needed = MINIMUM_CONTRIBUTORS / (contributing * share) if contributing else 1.0
    return max(1.0, MINIMUM_UNITS / units, needed)


def _of_units(moments: Moments, units: float) -> Moments:
    n = round(units)
    effective = None if moments.effective is None else moments.effective * (n / moments.n)
    return Moments(n, moments.mean, moments.variance, effective, moments.alike)
