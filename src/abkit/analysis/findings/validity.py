"""What makes a comparison doubtful, though it could be computed.

The flags are those that Amplitude Experiment returns beside a result; it publishes their names, and
only some of their rules. Where it does not, the rule is abkit's own, and cautious: a flag that is
always there is not read.

| flag | holds when | source |
|---|---|---|
| few units | an arm has fewer than 1,000 units, and the lift is not known to half of itself | \
Amplitude: 100 to 1,000 is a direction |
| suspicious lift | all of the lift's interval is beyond 50%, or five goals | own; Twyman's law |
| no variance | an arm does not vary at all | Amplitude: `isVariancePositive` |
| standard error too small | the units differ by less than 1e-8 of the larger mean | own; rounding |
| flipped interval | the lift's intervals so far have no point in common | Amplitude: the same |
| estimate outside | the lift is not in what they have in common | Amplitude: the point estimate |
| impossible mean | a rate is outside 0 to 1, or a mean is infinite | Amplitude: `isMeanValid` |
| many capped | winsorization changed more than 5% of an arm's units | Amplitude's advice |
| few large units | fewer than 20 units in effect make up the divisor of a ratio in an arm | own |

Two of them look at all looks so far; they are known of a sequential test over time only. Where there is no
lift, they look at the difference.
"""

from collections.abc import Iterator, Sequence
from math import inf, isfinite, sqrt

from abkit.analysis.findings.metric_result import Arm, Flag
from abkit.analysis.inference.comparison import Comparison, Estimate, Interval
from abkit.analysis.statistics.aggregates import Moments
from abkit.experiments.declaring.metrics import Metric

FEW_UNITS = 1_000
"""With fewer units in an arm, a result is a direction, not a proof."""

PRECISE = 0.5
"""Unless the lift is known to this share of itself, up and down: a change so clear needs no more units."""

SUSPICIOUS_LIFT = 0.5
"""A lift that is surely beyond this, up or down, is more often a fault of the data than a success.

Surely: of few units, the lifts that are significant at all are large, and mostly smaller than they look."""

GOALS = 5
"""Who looks for large changes is not surprised by one of so many goals."""

SMALLEST_SPREAD = 1e-8
"""Values that differ by less than this share of the means differ by the rounding of their sums."""

MANY_CAPPED = 0.05
"""Limits that change more of the units than this change what is measured."""

FEWEST_IN_DIVISOR = 20
"""With fewer units in effect, (sum of sizes)² / sum of sizes², intervals of 95% hold the difference 88% to
94% of the time if large units have other ratios than small ones; with fewer than 3, 60%."""


def flags(
    control: Arm, treatment: Arm, comparison: Comparison | None, *, metric: Metric
) -> tuple[Flag, ...]:
    """What makes one comparison doubtful, as far as this look alone can tell.

    Args:
        control: The control's units.
        treatment: The variant's units.
        comparison: Of the two; without one there is nothing to doubt.
        metric: The metric.
    """
    if comparison is None:
        return ()
    return tuple(_flags((control, treatment), comparison, metric))


def flags_over_time(
    last: Estimate | None, *, lifts: Interval | None, differences: Interval | None
) -> tuple[Flag, ...]:
    """What makes the last comparison of a sequential test doubtful, beside those before it.

    Lifts rather than differences, where there are any: while units go on doing what is counted, both means
    grow, and with them a difference of the same lift.

    Args:
        last: What the last look found; None if it made no comparison.
        lifts: From the largest lower to the smallest upper end of the intervals of the lift so far; None if
            there was no lift.
        differences: What all intervals of the difference have in common; None if that is nothing.
    """
    if last is None:
        return ()
    common, estimate = lifts, last.lift
    if common is None or estimate is None:
        common, estimate = differences, last.difference
    if common is None or common.low > common.high:
        return (Flag.FLIPPED_INTERVAL,)
    return () if common.low <= estimate <= common.high else (Flag.ESTIMATE_OUTSIDE,)


def lifts_in_common(estimates: Sequence[Estimate | None]) -> Interval | None:
    """From the largest lower to the smallest upper end of the lifts so far; None if there was no lift."""
    intervals = [
        found.lift_interval
        for found in estimates
        if found is not None and found.lift_interval is not None
    ]
    if not intervals:
        return None
    return Interval(max(each.low for each in intervals), min(each.high for each in intervals))


def _flags(arms: tuple[Arm, Arm], comparison: Comparison, metric: Metric) -> Iterator[Flag]:
    moments = [arm.moments for arm in arms]
    if any(of.n < FEW_UNITS for of in moments) and not _is_precise(comparison):
        yield Flag.FEW_UNITS
    if comparison.significant and _least_lift(comparison) > _largest_usual(metric):
        yield Flag.SUSPICIOUS_LIFT
    if any(of.variance == 0 for of in moments):
        yield Flag.NO_VARIANCE
    if _spread(comparison, moments) < SMALLEST_SPREAD * max(abs(of.mean) for of in moments):
        yield Flag.SMALL_ERROR
    if any(not isfinite(of.mean) or (metric.binary and not 0 <= of.mean <= 1) for of in moments):
        yield Flag.IMPOSSIBLE_MEAN
    if any(arm.capped is not None and arm.capped > MANY_CAPPED * arm.moments.n for arm in arms):
        yield Flag.MANY_CAPPED
    if any(arm.divisor_units is not None and arm.divisor_units < FEWEST_IN_DIVISOR for arm in arms):
        yield Flag.FEW_LARGE_UNITS


def _is_precise(comparison: Comparison) -> bool:
    lift, interval = comparison.lift, comparison.lift_interval
    if lift is None or interval is None:
        return False
    return max(interval.high - lift, lift - interval.low) <= PRECISE * abs(lift)


def _spread(comparison: Comparison, moments: Sequence[Moments]) -> float:
    """By how much units differ, as the standard error has it; infinite if there is none."""
    error = comparison.details.get("standard_error")
    sizes = sum(1 / of.n for of in moments if of.n)
    return inf if error is None or not sizes else error / sqrt(sizes)


def _least_lift(comparison: Comparison) -> float:
    """The end of the lift's interval that is nearer to 0, without its sign; 0 if 0 is in it."""
    interval = comparison.lift_interval
    return 0.0 if interval is None else max(0.0, interval.low, -interval.high)


def _largest_usual(metric: Metric) -> float:
    """The largest lift, up or down, at which nobody suspects a fault."""
    return max(SUSPICIOUS_LIFT, GOALS * (metric.goal or 0.0))
