"""How numbers are written for readers, in tables and reports alike."""

import unicodedata
from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import Enum
from math import isfinite, isinf, isnan
from re import sub
from types import MappingProxyType
from typing import TYPE_CHECKING

import attrs

from abkit.analysis.findings.metric_result import Arm, Flag, MetricResult, Treatment
from abkit.analysis.findings.verdict import Action
from abkit.analysis.inference.comparison import Comparison, Interval
from abkit.analysis.presentation.times import duration
from abkit.analysis.settings import Alternative, Settings
from abkit.experiments.metrics import Direction, Metric, Role

if TYPE_CHECKING:
    from abkit.analysis.outcome import Outcome

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
        Flag.SUSPICIOUS_LIFT: "larger than changes of a product usually are: look for a fault in "
        "the data",
        Flag.NO_VARIANCE: "an arm does not vary at all",
        Flag.SMALL_ERROR: "the standard error is too small beside the mean to be believed",
        Flag.FLIPPED_INTERVAL: "the intervals of the looks so far have no point in common: the "
        "effect changed over time",
        Flag.ESTIMATE_OUTSIDE: "the estimate lies outside what the intervals so far have in common",
        Flag.IMPOSSIBLE_MEAN: "a rate outside 0 to 1, or a mean that is not a number",
        Flag.MANY_CAPPED: "winsorization changed more than 5% of the units",
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


def chance(value: float) -> str:
    """A probability, such as "97.3%"; never quite 0 or 1."""
    if isnan(value):
        return NOTHING
    return "<0.1%" if value < 0.001 else ">99.9%" if value > 0.999 else f"{value:.1%}"


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
    words = sub(r"(?<=[a-z])(?=[A-Z])", " ", type(metric).__name__).lower()
    return words + role + (", decides" if decides else "")


def method(settings: Settings) -> str:
    """The method in words, and whether it tests one side only."""
    words = _METHODS.get(settings.method.value, settings.method.value)
    if settings.alternative is Alternative.ONE_SIDED:
        return f"{words}; one-sided: only the direction that matters"
    return words


def confidence(found: MetricResult, settings: Settings) -> str:
    """The confidence of one metric's intervals, such as "95%"; after a correction it is higher."""
    alphas = [t.comparison.alpha for t in found.treatments if t.comparison is not None]
    level = 1 - alphas[0] if alphas else settings.confidence
    return f"{level * 100:.4g}%"


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


def tau(comparison: Comparison) -> str | None:
    """The difference that the sequential test looks for; None for other tests."""
    found = comparison.details.get("tau")
    return None if found is None else f"{found:.6g}"


def adjustment(found: MetricResult) -> str | None:
    """What CUPED did, in a sentence."""
    if found.adjustment is None:
        return None
    made = found.adjustment
    text = (
        f"Adjusted by the {made.days:g} days before the first exposure (CUPED): the variance is "
        f"{percent(made.variance_reduction, digits=1)} smaller, theta {made.theta:.4g}."
    )
    if abs(made.balance) > 3:
        text += (
            f" The arms differed before the experiment, by {made.balance:.1f} standard errors: "
            "look for the cause."
        )
    return text


def capped(found: MetricResult) -> str | None:
    """How many units winsorization changed, in a sentence."""
    arms = [found.control, *(treatment.arm for treatment in found.treatments)]
    if all(arm.capped is None for arm in arms):
        return None
    units, cut = sum(arm.moments.n for arm in arms), sum(arm.capped or 0 for arm in arms)
    share = f" ({percent(cut / units)})" if units else ""
    return f"Winsorized: the values of {cut:,} of {units:,} units were capped{share}."


def flags(treatment: Treatment) -> Iterator[tuple[str, str]]:
    """What makes a comparison doubtful: each flag's name and its meaning."""
    for flag in treatment.flags:
        yield flag.value, FLAGS[flag]


def remaining(result: "Outcome") -> str | None:
    """How long it still takes; None once it is decided and nothing is left to be waited for."""
    left = result.remaining
    if left is None or (left.days is None and result.recommendation.action is not Action.CONTINUE):
        return None
    return left.message


def chosen(settings: Settings) -> Iterator[tuple[str, str]]:
    """How the test was made: each setting that has a value, with that value in words."""
    for attribute in attrs.fields(type(settings)):
        value = getattr(settings, attribute.name)
        if attribute.name in {"method", "confidence"} or value is None:
            continue
        if attribute.name == "spending" and settings.method.value != "group-sequential":
            continue
        if isinstance(value, Mapping):
            value = ", ".join(f"{key}: {_word(each)}" for key, each in value.items())
        elif isinstance(value, tuple | list):
            value = ", ".join(map(_word, value))
        if value != "":
            yield attribute.name.replace("_", " ").capitalize(), _word(value)


def _word(value: object) -> str:
    if isinstance(value, timedelta):
        return duration(value)
    if isinstance(value, Enum):
        return str(value.value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)
