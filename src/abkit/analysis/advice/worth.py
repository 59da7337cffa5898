"""What a change is worth: the effect a day, the shrunk lift, and the risk of each choice. Pure."""

from collections.abc import Sequence
from enum import StrEnum
from math import hypot

from attrs import evolve, frozen

from abkit.analysis.advice.daily_units import DailyUnits
from abkit.analysis.declared.past_results import PastLift, PastResults
from abkit.analysis.findings.metric_result import MetricResult, Treatment
from abkit.analysis.inference.comparison import Comparison, Interval
from abkit.analysis.inference.shrinkage import (
    FEWEST,
    MeasuredLift,
    Prior,
    ShrunkLift,
    prior_of,
    shrunk,
)
from abkit.experiments.declaring.metrics import (
    ActiveDays,
    Conversion,
    Direction,
    Distinct,
    Funnel,
    Metric,
    Retention,
    Sum,
    Total,
)
from abkit.extras import extra

USUAL = 0.1
"""The standard deviation of true lifts where neither past results nor a goal say another one: 10%."""

_SUMMED = (Conversion, Retention, Funnel, Total, Sum, Distinct, ActiveDays)
"""Metrics whose values make sense when they are added up over units: they count, or they are amounts."""


class PriorSource(StrEnum):
    """Where a prior comes from."""

    PAST_RESULTS = "past results"
    """The lifts of the team's past experiments."""
    GOAL = "goal"
    """There are too few of these: lifts are about 0, with the metric's goal as standard deviation."""
    USUAL = "usual"
    """There is no goal either: 10% is the standard deviation."""


@frozen(kw_only=True)
class StatedPrior:
    """What was believed of lifts before the data, and why.

    Attributes:
        prior: The normal distribution of true lifts.
        source: Where it comes from.
        experiments: How many past experiments have a lift in the metric that decided.
        same_metric: Whether only those of them made the prior that were decided by the same metric.
        unreadable: How many files in the folder of past results are none.
    """

    prior: Prior
    source: PriorSource
    experiments: int = 0
    same_metric: bool = False
    unreadable: int = 0


@frozen(kw_only=True)
class Choice:
    """What it means to give one variant to everybody, instead of the control.

    Attributes:
        variant: The variant.
        lift: The lift that was measured; None of the control, and where it is undefined.
        shrunk_lift: The lift that is to be expected, given the prior; None as before.
        shrunk_interval: Its credible interval, at the confidence of the plan.
        per_day: The difference of all units of a day, in the metric's unit; None where that is not known, or
            makes no sense.
        per_day_interval: The same of the ends of the comparison's interval.
        shrunk_per_day: The same of the shrunk lift.
        expected_loss: What this choice loses on average, over what is believed, beside the best one: a
            lift, of which 0 is no loss. None where no direction is declared.
        expected_loss_per_day: The same for all units of a day.
    """

    variant: str
    lift: float | None = None
    shrunk_lift: float | None = None
    shrunk_interval: Interval | None = None
    per_day: float | None = None
    per_day_interval: Interval | None = None
    shrunk_per_day: float | None = None
    expected_loss: float | None = None
    expected_loss_per_day: float | None = None


@frozen(kw_only=True)
class Worth:
    """What the change is worth, in the metric that decides.

    Attributes:
        metric: The metric.
        choices: The control first, then the variants that could be compared.
        stated: What was believed before the data.
        daily: How many units a day were taken; None where there is no whole day, or no time.
    """

    metric: Metric
    choices: tuple[Choice, ...]
    stated: StatedPrior
    daily: DailyUnits | None = None

    def __getitem__(self, variant: str) -> Choice:
        """The choice of a variant.

        Raises:
            KeyError: It could not be compared.
        """
        for choice in self.choices:
            if choice.variant == variant:
                return choice
        raise KeyError(variant)


def worth(found: MetricResult, *, past: PastResults, alpha: float) -> Worth | None:
    """What the change is worth, without what it is a day: `per_day`.

    Args:
        found: What was found in the metric that decides.
        past: What is known of past experiments.
        alpha: One minus the credibility of the intervals.

    Returns:
        None where no variant could be compared.

    Raises:
        MissingExtraError: numpy or scipy is not installed.
    """
    compared = [(t, t.comparison) for t in found.treatments if t.comparison is not None]
    if not compared:
        return None
    stated = stated_prior(found.metric, past)
    measured = [
        (t, lift)
        for t, comparison in compared
        if (lift := MeasuredLift.of(comparison)) is not None and lift.standard_error > 0
    ]
    believed = dict(
        zip(
            [t.arm.variant for t, _ in measured],
            shrunk([lift for _, lift in measured], stated.prior),
            strict=True,
        )
    )
    losses = _losses(found, believed)
    control = found.control.variant
    treatments = [
        _choice(t, comparison, believed.get(t.arm.variant), alpha=alpha)
        for t, comparison in compared
    ]
    return Worth(
        metric=found.metric,
        choices=tuple(
            evolve(choice, expected_loss=losses.get(choice.variant))
            for choice in (Choice(variant=control), *treatments)
        ),
        stated=stated,
    )


def stated_prior(metric: Metric, past: PastResults) -> StatedPrior:
    """What is believed of lifts of a metric before the data.

    It is made of the lifts of five past experiments or more: of those that were decided by the same metric,
    if these are so many, else of all. Else lifts are 0 on average, with the goal as standard deviation, or
    `USUAL`.
    """
    same = [lifts for lifts in past.lifts if lifts[0].metric == metric.name]
    used = same if len(same) >= FEWEST else past.lifts
    if len(used) >= FEWEST:
        return StatedPrior(
            prior=_in_direction(_of_experiments(used), metric),
            source=PriorSource.PAST_RESULTS,
            experiments=len(used),
            same_metric=used is same,
            unreadable=past.unreadable,
        )
    return StatedPrior(
        prior=Prior(deviation=USUAL if metric.goal is None else metric.goal),
        source=PriorSource.USUAL if metric.goal is None else PriorSource.GOAL,
        experiments=len(past.lifts),
        unreadable=past.unreadable,
    )


def per_day(found: Worth, main: MetricResult, daily: DailyUnits | None) -> Worth:
    """With what the change is a day, if all units that the experiment reaches get it.

    Only of metrics whose values can be added up over units: conversions, counts and sums. Of an average, a
    ratio, a formula or a logarithm there is no sum, and so nothing a day.

    Args:
        found: What the change is worth.
        main: What was found in the metric that decides.
        daily: How many units a day the experiment reaches, in all variants; None: not known.
    """
    if daily is None or not has_sum(found.metric):
        return found
    comparisons = {t.arm.variant: t.comparison for t in main.treatments}
    return evolve(
        found,
        daily=daily,
        choices=tuple(
            _per_day(choice, comparisons.get(choice.variant), main, daily.units)
            for choice in found.choices
        ),
    )


def has_sum(metric: Metric) -> bool:
    """Whether the values of a metric make sense when they are added up over units."""
    return isinstance(metric, _SUMMED) and not getattr(metric, "log", False)


def _per_day(
    choice: Choice, comparison: Comparison | None, main: MetricResult, units: float
) -> Choice:
    base = units * (comparison.control if comparison is not None else main.control.moments).mean
    loss = choice.expected_loss
    choice = evolve(choice, expected_loss_per_day=None if loss is None else loss * base)
    if comparison is None:
        return choice
    interval, lift = comparison.interval, choice.shrunk_lift
    return evolve(
        choice,
        per_day=comparison.difference * units,
        per_day_interval=Interval(interval.low * units, interval.high * units),
        shrunk_per_day=None if lift is None else lift * base,
    )


def _choice(
    treatment: Treatment, comparison: Comparison, believed: ShrunkLift | None, *, alpha: float
) -> Choice:
    if believed is None:
        return Choice(variant=treatment.arm.variant, lift=comparison.lift)
    return Choice(
        variant=treatment.arm.variant,
        lift=comparison.lift,
        shrunk_lift=believed.mean,
        shrunk_interval=believed.interval(alpha),
    )


def _losses(found: MetricResult, believed: dict[str, ShrunkLift]) -> dict[str, float]:
    """The expected loss of each choice; none where no direction is declared, or a lift is not known."""
    compared = [t for t in found.treatments if t.comparison is not None]
    if found.metric.direction is Direction.ANY or len(believed) < len(compared):
        return {}
    with extra("analysis"):
        from abkit.analysis.inference.expected_loss import expected_losses
    lower = found.metric.direction is Direction.DECREASE
    losses = expected_losses([*believed.values()], lower_is_better=lower)
    return dict(zip([found.control.variant, *believed], losses, strict=True))


def _of_experiments(lifts: Sequence[Sequence[PastLift]]) -> Prior:
    every = [lift for of in lifts for lift in of]
    return prior_of([lift.lift for lift in every], [lift.standard_error for lift in every])


def _in_direction(prior: Prior, metric: Metric) -> Prior:
    """Past lifts are above 0 where they were wanted; without a wanted direction their mean says nothing."""
    if metric.direction is Direction.ANY:
        return Prior(deviation=hypot(prior.mean, prior.deviation))
    return evolve(prior, mean=-prior.mean) if metric.direction is Direction.DECREASE else prior
