"""Which differences the sequential test looks for: pure.

It is quickest for a difference of about tau, so tau has to be of the size of what can be found at all.
The standard error at the first look is of that size: what is found on the first day is some three of
these, what is found after a hundred days a third of one. A goal, where one is declared, has most of the
weight beside it.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from math import sqrt
from types import MappingProxyType

from abkit.analysis.aggregates import Moments
from abkit.analysis.findings.arms import Arms
from abkit.analysis.findings.metric_result import (
    MINIMUM_CONTRIBUTORS,
    MINIMUM_UNITS,
    Arm,
    contributors,
    missing,
)
from abkit.analysis.inference.sequential import Tau, goal_tau, tau_for_sample_size
from abkit.analysis.inference.variance import at_least_pooled
from abkit.analysis.settings import Settings
from abkit.experiments.metrics import Metric

GOAL_WEIGHT = 0.6
"""Of the goal beside the standard error: a goal that is the true change costs at most 5% more time than
if it alone were looked for, and one that is far too small at most 40% more than the best tau."""


def looked_for(
    metric: Metric, found: Arms, settings: Settings, *, first_look: Mapping[str, float] | None
) -> Tau | None:
    """The tau of a metric; None where nothing can be compared.

    It is made of variances and of the control's mean, which settle as units come, never of the
    difference.

    Args:
        metric: Its goal is the relative change that is worth having.
        found: Its arms now.
        settings: Their taus are taken as they are.
        first_look: By variant, the share of its units that had come by the first look; None: this look
            is the first one, and tau is that with which it finds most.
    """
    given = settings.taus.get(metric.name)
    if given is not None:
        return given
    variance = max(_variances(found, first_look), default=0.0)
    if not variance > 0:
        return None
    size = sqrt(variance)
    if first_look is None:
        size = tau_for_sample_size(variance, units=1, sample_size=1, alpha=settings.level)
    if metric.goal is None:
        return size
    plain = found.control.unadjusted or found.control.moments
    wanted = goal_tau(plain.mean, metric.goal)
    if wanted == size:
        return size
    return MappingProxyType({wanted: GOAL_WEIGHT, size: 1 - GOAL_WEIGHT})


def shares_at_first_look(
    arrivals: Mapping[tuple[datetime, str], int], *, control: str
) -> Mapping[str, float]:
    """By variant, the share of its units that had come by the first look.

    The first look is the end of the first UTC day on which the control and another variant have
    `MINIMUM_UNITS`, however often results are made: so results by the hour and by the day, of today and
    of next week, have the same one.

    Args:
        arrivals: The units by the start of the period of their first exposure, and variant.
        control: The control.
    """
    days = sorted({start.date() for start, _ in arrivals})
    so_far: dict[str, int] = {variant: 0 for _, variant in arrivals}
    for day in days:
        for (start, variant), units in arrivals.items():
            if start.date() == day:
                so_far[variant] += units
        enough = {variant for variant, units in so_far.items() if units >= MINIMUM_UNITS}
        if control in enough and len(enough) > 1:
            break
    total = dict.fromkeys(so_far, 0)
    for (_, variant), units in arrivals.items():
        total[variant] += units
    return MappingProxyType({v: units / total[v] for v, units in so_far.items() if total[v]})


def _variances(found: Arms, first_look: Mapping[str, float] | None) -> Iterator[float]:
    """Of the difference of each variant that can be compared, as it was at the first look."""
    for arm in found.treatments:
        if missing([found.control, arm]):
            continue
        shares = [
            1.0 if first_look is None else first_look.get(a.variant, 1.0)
            for a in (found.control, arm)
        ]
        more = max(
            _to_pass(a, share) for a, share in zip((found.control, arm), shares, strict=True)
        )
        control, treatment = (
            _of_units(a.moments, min(a.moments.n, a.moments.n * share * more))
            for a, share in zip((found.control, arm), shares, strict=True)
        )
        yield at_least_pooled(control, treatment).difference


def _to_pass(arm: Arm, share: float) -> float:
    """How many times the units of the first look an arm needed to be compared at all."""
    units, contributing = arm.moments.n * share, contributors(arm)
    needed = MINIMUM_CONTRIBUTORS / (contributing * share) if contributing else 1.0
    return max(1.0, MINIMUM_UNITS / units, needed)


def _of_units(moments: Moments, units: float) -> Moments:
    return Moments(round(units), moments.mean, moments.variance)
