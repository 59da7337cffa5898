"""How numbers are written for readers, in tables and reports alike."""

from math import isinf

from abkit.analysis.findings.metric_result import Arm, MetricResult
from abkit.analysis.inference.comparison import Comparison, Interval
from abkit.analysis.settings import Method, Settings
from abkit.experiments.metrics import Direction, Metric, Role

NOTHING = "\N{EN DASH}"
"""Stands where there is no number."""


def percent(share: float, *, digits: int = 2) -> str:
    """A share, such as "12.00%"."""
    return f"{share:.{digits}%}"


def change(share: float) -> str:
    """A relative change with its sign, such as "+2.00%"."""
    if isinf(share):
        return "+∞" if share > 0 else "-∞"
    text = f"{share:+.2%}"
    return "0.00%" if text in {"+0.00%", "-0.00%"} else text


def number(value: float) -> str:
    """A measured value, to about four digits."""
    if isinf(value):
        return "∞" if value > 0 else "-∞"
    size = abs(value)
    if size >= 1e15 or 0 < size < 1e-4:
        return f"{value:.3e}"
    return f"{value:,.{0 if size >= 10_000 else 2 if size >= 10 else 4}f}"


def mean(arm: Arm) -> str:
    """An arm's mean: a rate in percent if the metric is binary."""
    if arm.moments.n == 0:
        return NOTHING
    return number(arm.moments.mean) if arm.conversions is None else percent(arm.moments.mean)


def conversions(arm: Arm) -> str:
    """An arm's conversions."""
    return NOTHING if arm.conversions is None else f"{arm.conversions:,}"


def p_value(value: float) -> str:
    """A p-value to four decimals; the smallest ones as an upper bound."""
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"


def lift(comparison: Comparison) -> str:
    """The lift, or where it is undefined the difference in the metric's unit."""
    if comparison.lift is None:
        return f"{comparison.difference:+.4g} abs."
    return change(comparison.lift)


def interval(comparison: Comparison) -> str:
    """The interval of the lift, or where it is undefined that of the difference."""
    if comparison.lift_interval is None:
        low, high = comparison.interval.low, comparison.interval.high
        return f"{number(low)} to {number(high)} abs."
    return relative_interval(comparison.lift_interval)


def relative_interval(found: Interval) -> str:
    """An interval of relative changes."""
    return f"{change(found.low)} to {change(found.high)}"


def wanted(metric: Metric) -> str:
    """What a metric should do, such as "should increase, goal +2%"."""
    goal = "" if metric.goal is None else f"{metric.goal:.4%}".rstrip("%").rstrip("0").rstrip(".")
    match metric.direction:
        case Direction.INCREASE:
            return "should increase" + (f", goal +{goal}%" if goal else "")
        case Direction.DECREASE:
            return "should decrease" + (f", goal -{goal}%" if goal else "")
        case _:
            return "either direction" + (f", goal ±{goal}%" if goal else "")


def kind(metric: Metric, *, decides: bool) -> str:
    """A metric's type and what it is for, such as "conversion, decides"."""
    role = "" if metric.role is Role.PRIMARY else f", {metric.role.value}"
    return type(metric).__name__.lower() + role + (", decides" if decides else "")


def method(settings: Settings) -> str:
    """The method in words."""
    if settings.method is Method.SEQUENTIAL:
        return "sequential test (mSPRT), valid at every look"
    return "Welch's t-test, valid at one look at a planned size"


def confidence(found: MetricResult, settings: Settings) -> str:
    """The confidence of one metric's intervals, such as "95%"; after a correction it is higher."""
    alphas = [t.comparison.alpha for t in found.treatments if t.comparison is not None]
    level = 1 - alphas[0] if alphas else settings.confidence
    return f"{level * 100:.4g}%"


def tau(comparison: Comparison) -> str | None:
    """The difference that the sequential test looks for; None for other tests."""
    found = comparison.details.get("tau")
    return None if found is None else f"{found:.6g}"
