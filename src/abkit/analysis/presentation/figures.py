"""How numbers are written for readers, in tables and reports alike."""

import unicodedata
from collections.abc import Iterator, Mapping
from math import isfinite, isinf, isnan
from re import sub
from types import MappingProxyType
from typing import TYPE_CHECKING

from abkit.analysis.findings.metric_result import Arm, Flag, MetricResult, Treatment
from abkit.analysis.inference.comparison import Comparison, Estimate, Interval
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Alternative
from abkit.experiments.declaring.metrics import Direction, Metric, Role

if TYPE_CHECKING:
    pass

NOTHING = "\N{EN DASH}"
"""Stands where there is no number."""

_METHODS = MappingProxyType(
    {
        "sequential": "sequential test (mSPRT), valid at every look",
        "welch": "Welch's t-test, valid at one look at a planned size",
        "bayesian": "Bayesian: the chances, given the data and flat priors",
        "group-sequential": "group sequential test, valid at the planned looks",
    }
)

FLAGS: Mapping[Flag, str] = MappingProxyType(
    {
        Flag.FEW_UNITS: "fewer than 1,000 units in an arm: a direction, not a proof",
        Flag.SUSPICIOUS_LIFT: "surely larger than changes of a product usually are: look for a fault "
        "in the data",
        Flag.NO_VARIANCE: "an arm does not vary at all",
        Flag.SMALL_ERROR: "the standard error is too small beside the mean to be believed",
        Flag.FLIPPED_INTERVAL: "the intervals of the looks so far have no point in common: the "
        "effect changed over time",
        Flag.ESTIMATE_OUTSIDE: "the estimate lies outside what the intervals so far have in common",
        Flag.IMPOSSIBLE_MEAN: "a rate outside 0 to 1, or a mean that is not a number",
        Flag.MANY_CAPPED: "winsorization changed more than 5% of the units",
        Flag.FEW_LARGE_UNITS: "fewer than 20 units in effect make up the divisor of an arm: the interval may "
        "be too narrow",
    }
)
"""What each flag means."""

_OBEYED = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029\ufffe\uffff"
)
"""Not shown but obeyed: they turn the direction of the text around them, or end its line, or XML's."""


def legible(text: str, *, lines: bool = False) -> str:
    """Text in which every character is shown, not obeyed: control characters become a sign.

    Args:
        text: From anywhere; names may hold whatever was tracked.
        lines: Whether line ends and tabs are kept, as in a query.
    """
    if text.isprintable():  # Of these nothing is obeyed, and most texts are.
        return text
    return "".join(
        character
        if _shown(character) or (lines and character in "\n\t")
        else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


def drawable(text: str) -> str:
    """Legible text for charts, whose renderer ends at a character that it cut in two (UTF-16)."""
    return "".join(c if ord(c) < 0x10000 else "\N{REPLACEMENT CHARACTER}" for c in legible(text))


def _shown(character: str) -> bool:
    return character not in _OBEYED and unicodedata.category(character) not in {"Cc", "Cs"}


def percent(share: float, *, digits: int = 2) -> str:
    """A share, such as "12.00%"."""
    return f"{share:.{digits}%}" if isfinite(share) else number(share)


def change(share: float) -> str:
    """A relative change with its sign, such as "+2.00%"."""
    if isinf(share):
        return "+∞" if share > 0 else "-∞"
    if isnan(share):
        return NOTHING
    if abs(share) >= 1e4:
        return f"{share * 100:+.3e}%"
    text = f"{share:+.2%}"
    return "0.00%" if text in {"+0.00%", "-0.00%"} else text


def number(value: float) -> str:
    """A measured value, to about four digits."""
    if isinf(value):
        return "∞" if value > 0 else "-∞"
    if isnan(value):
        return NOTHING
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
    if isnan(value):
        return NOTHING
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"


def p_is(value: float) -> str:
    """A p-value in a sentence: "p = 0.0193", or "p < 0.0001"."""
    text = p_value(value)
    return f"p < {text.removeprefix('<')}" if text.startswith("<") else f"p = {text}"


def chance(value: float) -> str:
    """A probability, such as "97.3%"; never quite 0 or 1."""
    if isnan(value):
        return NOTHING
    return "<0.1%" if value < 0.001 else ">99.9%" if value > 0.999 else f"{value:.1%}"


def lift(comparison: Comparison | Estimate) -> str:
    """The lift, or where it is undefined the difference in the metric's unit."""
    if comparison.lift is None:
        return f"{signed(comparison.difference)} abs."
    return change(comparison.lift)


def interval(comparison: Comparison | Estimate) -> str:
    """The interval of the lift, or where it is undefined that of the difference."""
    if comparison.lift_interval is None:
        low, high = comparison.interval.low, comparison.interval.high
        return f"{number(low)} to {number(high)} abs."
    return relative_interval(comparison.lift_interval)


def signed(value: float) -> str:
    """A measured difference with its sign."""
    text = number(value)
    return f"+{text}" if value > 0 and isfinite(value) else text


def difference(comparison: Comparison, metric: Metric) -> str:
    """The difference in the metric's unit; of rates in percentage points, such as "+2.44 pp"."""
    if not metric.binary:
        return signed(comparison.difference)
    return f"{_points(comparison.difference)} pp"


def difference_interval(comparison: Comparison, metric: Metric) -> str:
    """The interval of the difference, in the same unit."""
    low, high = comparison.interval.low, comparison.interval.high
    if not metric.binary:
        return f"{signed(low)} to {signed(high)}"
    return f"{_points(low)} to {_points(high)} pp"


def _points(share: float) -> str:
    if not isfinite(share):
        return number(share)
    text = f"{share * 100:+.2f}"
    return "0.00" if text in {"+0.00", "-0.00"} else text


def relative_interval(found: Interval) -> str:
    """An interval of relative changes."""
    return f"{change(found.low)} to {change(found.high)}"


def wanted(metric: Metric) -> str:
    """What a metric should do, such as "should increase, goal +2%, margin -1%"."""
    return _wanted(metric) + (f", margin {margin(metric)}" if metric.margin is not None else "")


def margin(metric: Metric) -> str:
    """The worst relative change of a guardrail that is acceptable, such as "-2%"."""
    sign = "+" if metric.direction is Direction.DECREASE else "-"
    return NOTHING if metric.margin is None else f"{sign}{metric.margin * 100:.4g}%"


def _wanted(metric: Metric) -> str:
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
    words = sub(r"(?<=[a-z])(?=[A-Z])", " ", type(metric).__name__).lower()
    return words + role + (", decides" if decides else "")


def method(plan: AnalysisPlan) -> str:
    """The method in words, and whether it tests one side only."""
    words = _METHODS.get(plan.method.value, plan.method.value)
    if plan.alternative is Alternative.ONE_SIDED:
        return f"{words}; one-sided: only the direction that matters"
    return words


def confidence(plan: AnalysisPlan) -> str:
    """The confidence of all that is read together, such as "95%"."""
    return f"{plan.confidence * 100:.4g}%"


def corrected_for(found: MetricResult, plan: AnalysisPlan) -> str:
    """Why one metric's intervals are wider than that; empty if they are not.

    Such as "corrected for 3 comparisons (each at 98.33%)".
    """
    compared = [t.comparison for t in found.treatments if t.comparison is not None]
    if not compared or all(c.alpha == plan.level for c in compared):
        return ""
    levels = [f"{(1 - alpha) * 100:.4g}%" for alpha in {c.alpha: None for c in compared}]
    each = f"each at {levels[0]}" if len(levels) == 1 else f"at {levels[0]} and others"
    looks = compared[0].details.get("looks")
    reasons = [
        *([f"corrected for {found.comparisons} comparisons"] if found.comparisons > 1 else []),
        *([f"for {looks:.0f} planned looks"] if looks else []),
    ]
    return f"{' and '.join(reasons) or 'corrected'} ({each})"


def proof(treatment: Treatment) -> str:
    """The p-value, corrected where several are read together; or the chance to beat the control."""
    if treatment.comparison is None:
        return NOTHING
    if treatment.chance_to_beat is not None:
        return chance(treatment.chance_to_beat)
    corrected = treatment.corrected_p
    return p_value(treatment.comparison.p_value if corrected is None else corrected)


def bayesian(found: MetricResult) -> bool:
    """Whether chances are told instead of p-values."""
    return any(treatment.chance_to_beat is not None for treatment in found.treatments)


def corrected(found: MetricResult) -> bool:
    """Whether p-values were corrected, so that both are to be shown."""
    return any(
        treatment.corrected_p is not None
        and treatment.comparison is not None
        and treatment.corrected_p != treatment.comparison.p_value
        for treatment in found.treatments
    )


def tau(found: MetricResult) -> str | None:
    """The differences that the sequential test looks for; None for other tests."""
    if found.tau is None:
        return None
    if not isinstance(found.tau, Mapping):
        return f"{found.tau:.6g}"
    return " and ".join(f"{size:.6g} ({weight:.0%})" for size, weight in found.tau.items())


def flags(treatment: Treatment) -> Iterator[tuple[str, str]]:
    """What makes a comparison doubtful: each flag's name and its meaning."""
    for flag in treatment.flags:
        yield flag.value, FLAGS[flag]
