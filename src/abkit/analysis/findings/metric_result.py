"""What was found for one metric, per variant; and the gates below which nothing is concluded."""

from collections.abc import Sequence

from attrs import frozen

from abkit.analysis.aggregates import Moments
from abkit.analysis.inference.comparison import Comparison
from abkit.experiments.metrics import Metric

MINIMUM_UNITS = 100
"""Fewer units in either arm, and a comparison is not made."""

MINIMUM_CONVERSIONS = 25
"""Fewer conversions in either arm, and a binary metric is not compared."""


@frozen(kw_only=True)
class Arm:
    """The units of one variant, for one metric.

    Attributes:
        variant: The variant, as text.
        moments: Of the metric over these units.
        conversions: How many of them converted; None if the metric is not binary.
    """

    variant: str
    moments: Moments
    conversions: int | None = None


@frozen(kw_only=True)
class Treatment:
    """One variant beside the control.

    Attributes:
        arm: The variant's units.
        comparison: With the control; None until the gates are passed.
        missing: What the gates still wait for; empty if there is a comparison.
    """

    arm: Arm
    comparison: Comparison | None
    missing: tuple[str, ...] = ()


@frozen(kw_only=True)
class MetricResult:
    """What was found for one metric.

    Attributes:
        metric: The metric.
        control: The control's units.
        treatments: The other variants, in the order of the declaration.
    """

    metric: Metric
    control: Arm
    treatments: tuple[Treatment, ...]


def missing(arms: Sequence[Arm]) -> tuple[str, ...]:
    """What arms lack before they are compared, such as "12 more conversions in variant 1".

    The gates are those of Amplitude Experiment: 100 units in each arm and, for a binary metric, 25
    conversions in each. They only ever remove looks, so they cannot raise a false alarm.
    """
    lacking: list[str] = []
    for arm in arms:
        units = MINIMUM_UNITS - arm.moments.n
        if units > 0:
            lacking.append(f"{_more(units, 'unit')} in variant {arm.variant}")
        if arm.conversions is not None and arm.conversions < MINIMUM_CONVERSIONS:
            conversions = MINIMUM_CONVERSIONS - arm.conversions
            lacking.append(f"{_more(conversions, 'conversion')} in variant {arm.variant}")
    if not lacking and all(arm.moments.variance == 0 for arm in arms):
        lacking.append("any variation: all units of both arms have one value")
    return tuple(lacking)


def _more(count: int, noun: str) -> str:
    return f"{count:,} more {noun}{'' if count == 1 else 's'}"
