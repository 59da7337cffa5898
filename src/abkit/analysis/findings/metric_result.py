"""What was found for one metric, per variant; and the gates below which nothing is concluded."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from attrs import Factory, field, frozen

from abkit.analysis.amounts import amount
from abkit.analysis.inference.comparison import Comparison, Estimate, Interval
from abkit.analysis.statistics.aggregates import Moments
from abkit.analysis.statistics.deferred import Deferred
from abkit.errors import UnknownNameError
from abkit.experiments.declaring.metrics import Metric
from abkit.experiments.declaring.tau import Tau

MINIMUM_UNITS = 100
"""Fewer units in either arm, and a comparison is not made."""

MINIMUM_CONTRIBUTORS = 25
"""Fewer conversions in either arm, or fewer units that make up the sum, and a metric is not compared."""


class Flag(StrEnum):
    """What makes a comparison doubtful, though it could be computed."""

    FEW_UNITS = "few units"
    """Fewer than 1,000 units in an arm: a direction, not a proof."""
    SUSPICIOUS_LIFT = "suspicious lift"
    """The lift is surely larger than changes of a product usually are: look for a fault in the data."""
    NO_VARIANCE = "no variance"
    """An arm does not vary at all."""
    SMALL_ERROR = "standard error too small"
    """The standard error is so small beside the mean that it cannot be believed."""
    FLIPPED_INTERVAL = "flipped interval"
    """The intervals of the looks so far have no point in common: the effect changed over time."""
    ESTIMATE_OUTSIDE = "estimate outside the interval"
    """The estimate lies outside the intersection of the intervals so far."""
    IMPOSSIBLE_MEAN = "impossible mean"
    """A rate outside 0 to 1, or a mean that is not a number."""
    MANY_CAPPED = "many capped"
    """Winsorization changed more than 5% of the units."""
    FEW_LARGE_UNITS = "few large units"
    """The divisor of a ratio is made up by fewer than 20 units in effect."""


@frozen(kw_only=True)
class Arm:
    """The units of one variant, for one metric.

    Attributes:
        variant: The variant, as text.
        moments: Of the metric over these units; adjusted where CUPED is on.
        conversions: How many of them converted; None if the metric is not binary.
        unadjusted: The moments before CUPED; None where that is off.
        capped: The units whose value winsorization changed; None where there is no cap.
        negative: The units whose value is below 0; None where no value can be, or it is not known.
        divided: The units whose divisor is above 0, of a ratio; None of other metrics, and where it is not
            known.
        divisor_units: The units that make up the divisor of a ratio, in effect: their effective number
            (Kish). None of other metrics.
        immature: The units whose time to do what the metric counts is not over at the end of the data;
            they count as they are. None where a unit's time never ends.
        without_value: The units that have no value of the metric in a table of units; the metric's
            `missing` says what became of them. None where every unit must have one.
        posterior_mean: The mean that is believed after the data: 1/3 after one unit that did not
            convert; Bayesian only.
        problem: Why the metric has no value for these units, such as a division by 0; its moments
            say nothing then. Empty if it has one.
    """

    variant: str
    moments: Moments
    conversions: int | None = None
    unadjusted: Moments | None = None
    capped: int | None = None
    negative: int | None = None
    divided: int | None = None
    divisor_units: float | None = None
    immature: int | None = None
    without_value: int | None = None
    posterior_mean: float | None = None
    problem: str = ""

    @property
    def is_rate(self) -> bool:
        """Whether the mean is a share of units that were counted, not one of several phases."""
        return self.conversions is not None and self.moments.effective is None


@frozen(kw_only=True)
class Treatment:
    """One variant beside the control.

    Attributes:
        arm: The variant's units.
        comparison: With the control; its p-value is that of this comparison alone, its alpha and its
            intervals are corrected for all that are read together. None until the gates are passed. Of
            a group sequential test, that of the look that decided, or of the last one so far.
        corrected_p: The p-value after that correction, to compare with the level itself.
        missing: What the gates still wait for; empty if there is a comparison.
        flags: What makes the comparison doubtful.
        chance_to_beat: The chance that the mean is better than the control's; Bayesian only.
        chance_to_be_best: The chance that it is the best of all arms; Bayesian only.
    """

    arm: Arm
    comparison: Comparison | None
    corrected_p: float | None = None
    missing: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()
    chance_to_beat: float | None = None
    chance_to_be_best: float | None = None


@frozen(kw_only=True)
class Adjustment:
    """What CUPED did to a metric, or other covariates.

    Attributes:
        theta: The weight of the metric's own past, over all arms; 0 where that does not adjust it.
        covariates: The weight of each other covariate; 0 of one that says what those before it say.
        variance_reduction: The share of the variance that is gone: 0.3 is 30%.
        days: The length of the window before the first exposure; None where the past is a column, or does
            not adjust the metric.
        balance: The largest difference of the first covariate's means between an arm and the control, in its
            standard errors: beyond 3, the arms differed before the experiment.
    """

    theta: float
    variance_reduction: float
    days: float | None
    balance: float
    covariates: Mapping[str, float] = field(factory=lambda: MappingProxyType({}))


def _estimates(series: "Series") -> Sequence[Estimate | None]:
    return Deferred(
        len(series.comparisons),
        lambda: (None if found is None else found.estimate for found in series.comparisons),
    )


@frozen(kw_only=True)
class Series:
    """One variant over time, beside the control; one entry per look.

    Sequences are computed when they are looked at, as few people look at all of them.

    Attributes:
        arms: The variant's cumulative moments.
        comparisons: With the control at that look; None until the gates are passed.
        estimates: What each of these found; here the last digits may differ, but at the last look.
        running_p: The smallest p-value so far; valid where the method is sequential.
        running_interval: What all intervals of the difference so far have in common; None before the
            first, and where they have nothing in common.
    """

    arms: Sequence[Moments]
    comparisons: Sequence[Comparison | None]
    estimates: Sequence[Estimate | None] = field(default=Factory(_estimates, takes_self=True))
    running_p: Sequence[float]
    running_interval: Sequence[Interval | None]


@frozen(kw_only=True)
class OverTime:
    """A metric over time.

    Attributes:
        ends: The end of each look's day or hour, UTC, in order.
        control: The control's cumulative moments, one per look.
        treatments: The other variants.
    """

    ends: tuple[datetime, ...]
    control: Sequence[Moments]
    treatments: Mapping[str, Series] = field(factory=lambda: MappingProxyType({}))


@frozen(kw_only=True)
class MetricResult:
    """What was found for one metric.

    Attributes:
        metric: The metric.
        control: The control's units.
        treatments: The other variants, in the order of the declaration.
        comparisons: How many comparisons are read together with each of these.
        tau: The difference that the sequential test looks for, or several with their weights; None
            for other tests, and until something can be compared.
        adjustment: What CUPED did; None where it is off or does not apply.
        over_time: The same, look by look; None where that was not asked for.
        control_chance_to_be_best: The chance that the control is the best of all arms; Bayesian only.
    """

    metric: Metric
    control: Arm
    treatments: tuple[Treatment, ...]
    comparisons: int = 1
    tau: Tau | None = None
    control_chance_to_be_best: float | None = None
    adjustment: Adjustment | None = None
    over_time: OverTime | None = None

    def __getitem__(self, variant: str) -> Treatment:
        """What was found for a variant beside the control.

        Raises:
            UnknownNameError: There is no other variant of that name; the control is `control`.
        """
        for treatment in self.treatments:
            if treatment.arm.variant == variant:
                return treatment
        control = self.control.variant
        note = f" {control!r} is the control: ask for .control." if variant == control else ""
        raise UnknownNameError("variant", variant, [*self], note=note)

    def __iter__(self) -> Iterator[str]:
        """The names of the variants beside the control."""
        return (treatment.arm.variant for treatment in self.treatments)

    def __contains__(self, variant: object) -> bool:
        return variant in [*self]


def contributors(arm: Arm) -> float | None:
    """How many units make up an arm's mean; None where that is no measure of its uncertainty.

    Of a binary metric these are the conversions. Of amounts it is their effective number, (sum x)² /
    sum x² (Kish 1965, "Survey Sampling"): a hundred buyers of whom one pays as much as all others
    together count as four. Of a ratio they are the units that have something to divide by. Values that
    may be below 0 have no such number, nor have formulas.
    """
    if arm.conversions is not None:
        return arm.conversions
    if arm.divided is not None:
        return arm.divided
    moments = arm.unadjusted or arm.moments
    if arm.negative != 0 or not moments.n:
        return None
    squares = (moments.n - 1) * moments.variance + moments.n * moments.mean * moments.mean
    return (moments.n * moments.mean) ** 2 / squares if squares > 0 else 0.0


def missing(arms: Sequence[Arm]) -> tuple[str, ...]:
    """What arms lack before they are compared, such as "12 more conversions in variant 1".

    The gates are 100 units in each arm and, for a binary metric, 25 conversions in each, as in
    Amplitude Experiment; and as many units that make up an amount (`contributors`). They only ever
    remove looks, so they cannot raise a false alarm.
    """
    lacking = [arm.problem for arm in arms if arm.problem]
    constant = all(arm.moments.variance == 0 for arm in arms)
    for arm in arms:
        units = MINIMUM_UNITS - arm.moments.n
        if units > 0:
            lacking.append(f"{amount(units, 'more unit')} in variant {arm.variant}")
        if arm.conversions is not None or not constant:
            lacking.extend(_contributors_missing(arm))
    if not lacking and constant:
        lacking.append("some variation: all units of both arms have one value")
    return tuple(lacking)


def _contributors_missing(arm: Arm) -> Iterator[str]:
    found = contributors(arm)
    if found is None or found >= MINIMUM_CONTRIBUTORS or arm.problem:
        return
    if arm.conversions is not None:
        more = amount(MINIMUM_CONTRIBUTORS - arm.conversions, "more conversion")
        yield f"{more} in variant {arm.variant}"
    elif arm.divided is not None:
        more = amount(MINIMUM_CONTRIBUTORS - arm.divided, "more unit")
        yield f"{more} with a divisor above 0 in variant {arm.variant}"
    else:
        yield (
            f"more units that make up the sum in variant {arm.variant} "
            f"({int(found + 1e-9)} of {MINIMUM_CONTRIBUTORS} in effect)"
        )
