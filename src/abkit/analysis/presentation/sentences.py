"""What is said of a result in sentences, in tables and reports alike."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING

from abkit.analysis import times
from abkit.analysis.advice.verdict import RecommendedAction
from abkit.analysis.amounts import amount
from abkit.analysis.findings.metric_result import MetricResult, Treatment
from abkit.analysis.presentation import figures
from abkit.analysis.presentation.advice import compared
from abkit.analysis.presentation.phase_marks import compared_in
from abkit.analysis.statistics.estimands import waits
from abkit.analysis.statistics.phases import Phase
from abkit.analysis.times import duration
from abkit.experiments.declaring.analysis_plan import AnalysisPlan, fields_of_a_plan
from abkit.experiments.declaring.metrics import Conversion, Mean, Missing

if TYPE_CHECKING:
    from abkit.analysis.outcome import Outcome

_FORESEEN = 10
"""A size that is so many times today's is too far away to say when."""


def facts(result: "Outcome") -> Iterator[str]:
    """How many units, of where, when, and when that was looked at."""
    held_out = compared(result)
    if held_out is not None:
        yield held_out
    yield f"{result.units:,} units in {len(result.counts)} variants"
    if "units" in result.sources:
        yield f"from {result.sources['units']}"
    if result.period is not None:
        yield times.period(result.period)
    if result.made is not None:
        yield f"computed {times.made(result.made)}"


def phases(result: "Outcome") -> str | None:
    """That variants are compared within phases, and what that means; None if there was one."""
    if not result.phases:
        return None
    return (
        f"Compared within {amount(len(result.phases), 'phase')} of equal weights, as the weights changed "
        "while the experiment ran. The rate or mean of a variant is its average over the phases, which weigh "
        "the same in all variants; so it is not simply its conversions divided by its units."
    )


def phase(of: Phase, variants: Sequence[str]) -> str:
    """When a phase began, the weights, the units, and what was compared in it, in a line.

    Args:
        of: The phase.
        variants: In their order; the first is the control.
    """
    began = "" if of.first is None else f"from {times.day(of.first)}: "
    weights = "weights not known"
    if of.weights:
        weights = " : ".join(figures.percent(of.weights.get(v, 0.0), digits=1) for v in variants)
    units = " : ".join(f"{of.units.get(variant, 0):,}" for variant in variants)
    return f"{began}{weights}; {units} units; compared: {compared_in(of, variants[0])}"


def waiting(treatment: Treatment) -> str:
    """What a variant that is not compared yet waits for."""
    return f"Not compared yet: needs {' and '.join(treatment.missing) or 'more data'}."


def confidence(found: MetricResult, plan: AnalysisPlan) -> str | None:
    """Why intervals are wider than the confidence alone would have them; None if they are not."""
    note = figures.corrected_for(found, plan)
    return f"Intervals: {figures.confidence(plan)}, {note}." if note else None


def look(found: MetricResult) -> str | None:
    """Which planned look the comparisons are those of, in a sentence; None of other tests."""
    series = found.over_time
    compared = [(t.arm.variant, t.comparison) for t in found.treatments if t.comparison is not None]
    made: dict[str, list[str]] = {}
    for variant, comparison in compared:
        details = comparison.details
        if series is None or "look" not in details:
            return None
        place = series.treatments[variant].comparisons.index(comparison)
        end = times.look(series.ends[place], by_day=times.daily(series.ends))
        text = (
            f"look {details['look']:.0f} of {details['looks']:.0f}, at {details['look_units']:,.0f} "
            f"units at the end of {end}"
        )
        made.setdefault(text, []).append(variant)
    if not made:
        return None
    alone = len(made) == 1
    said = "; ".join(
        text if alone else f"{text} ({', '.join(variants)})" for text, variants in made.items()
    )
    waits = dict.fromkeys(
        int(each.details["next_look_units"])
        for _, each in compared
        if not each.decided and "next_look_units" in each.details
    )
    later = f" The next is at {max(waits):,} units{_about(max(waits), found)}." if waits else ""
    return f"Compared at {said}; the means are those of all units so far.{later}"


def _about(target: int, found: MetricResult) -> str:
    """When so many units will have come, if they go on as they did; empty where that cannot be said."""
    ends = found.over_time.ends if found.over_time is not None else ()
    units = sum(arm.moments.n for arm in (found.control, *(t.arm for t in found.treatments)))
    if not ends or not units < target < _FORESEEN * units:
        return ""
    by_day = times.daily(ends)
    so_far = timedelta(days=1) * len(ends) if by_day else timedelta(hours=1) * len(ends)
    when = ends[-1] + so_far * ((target - units) / units)
    return f", about {times.within(when, by_day=by_day)}"


def adjustment(found: MetricResult) -> str | None:
    """What CUPED did, in a sentence."""
    if found.adjustment is None:
        return None
    made = found.adjustment
    before = "a column of the time before (CUPED)" if made.theta else ""
    if made.days is not None:
        before = f"the {made.days:g} day{'' if made.days == 1 else 's'} before the first exposure (CUPED)"
    used = [name for name, weight in made.covariates.items() if weight]
    by = " and ".join(filter(None, [before, ", ".join(used)]))
    theta = f", theta {made.theta:.4g}" if before else ""
    idle = [name for name, weight in made.covariates.items() if not weight]
    without = f" Left out, as it says nothing beside these: {', '.join(idle)}." if idle else ""
    more = made.variance_reduction < 0
    size = figures.percent(abs(made.variance_reduction), digits=1)
    return f"Adjusted by {by}: the variance is {size} {'larger' if more else 'smaller'}{theta}.{without}"


def capped(found: MetricResult) -> str | None:
    """How many units winsorization changed, in a sentence."""
    arms = [found.control, *(treatment.arm for treatment in found.treatments)]
    if all(arm.capped is None for arm in arms):
        return None
    units, cut = sum(arm.moments.n for arm in arms), sum(arm.capped or 0 for arm in arms)
    share = f" ({figures.percent(cut / units)})" if units else ""
    return f"Winsorized: the values of {cut:,} of {units:,} units were capped{share}."


def immature(found: MetricResult) -> str | None:
    """How many units are not mature yet, in a sentence; None if all are, or there is no such time."""
    arms = [found.control, *(treatment.arm for treatment in found.treatments)]
    units, waiting = sum(arm.moments.n for arm in arms), sum(arm.immature or 0 for arm in arms)
    if not waiting:
        return None
    if waits(found.metric):
        do, wait = ("counts", "waits") if units == 1 else ("count", "wait")
        return (
            f"Not mature: {amount(units, 'unit')} {do}, {waiting:,} {wait} for the end of "
            f"{'its' if waiting == 1 else 'their'} window."
        )
    return (
        f"Not mature: for {waiting:,} of {units:,} units ({figures.percent(waiting / units)}) the time that "
        "counts is not over at the end of the data; they count as they are now."
    )


def without_value(found: MetricResult) -> str | None:
    """How many units have no value of the metric, in a sentence; None if all have one."""
    arms = [found.control, *(treatment.arm for treatment in found.treatments)]
    lacking = sum(arm.without_value or 0 for arm in arms)
    if not lacking:
        return None
    by_variant = ", ".join(f"{arm.variant} {arm.without_value or 0:,}" for arm in arms)
    drops = isinstance(found.metric, Conversion | Mean) and found.metric.missing is Missing.DROP
    became = "left out of this metric" if drops else "counted as 0"
    return f"Missing: {amount(lacking, 'unit')} without a value, {became} ({by_variant})."


def several(result: "Outcome") -> str | None:
    """How many units saw several variants, in a sentence; None if none did."""
    if not result.in_several or result.several is None:
        return None
    # As units are left out only within a phase, those that a change of the weights moved are not.
    excluded = (
        "those that a change of the weights moved are counted for the variant seen first, all others left out"
        if result.phases
        else "left out"
    )
    became = {
        "exclude": excluded,
        "first": "counted for the variant seen first",
        "include": "counted for each of these",
    }[result.several.value]
    units = amount(result.in_several, "unit")
    verb = "was" if result.in_several == 1 else "were"
    return f"{units} {verb} exposed to several variants: {became}."


def remaining(result: "Outcome") -> str | None:
    """How long it still takes; None where nothing is to be waited for."""
    left, advice = result.remaining, result.recommendation
    if left is None or advice.action is not RecommendedAction.CONTINUE or result.sample_ratio.alarm:
        return None
    needs = {text for treatment in result.deciding.treatments for text in treatment.missing}
    told = " ".join(advice.reasons)
    if needs and all(text in told and text in left.message for text in needs):
        return f"No estimate before {result.deciding.metric.name} can be compared."
    return left.message


_SHOWN_ELSEWHERE = {
    "method",
    "confidence",
    "over_time",
    "segments",
    "several",
    "exclude",
    "novelty",
}


def chosen(plan: AnalysisPlan) -> Iterator[tuple[str, str]]:
    """How the test was made: each setting that has a value, with that value in words."""
    for name in fields_of_a_plan():
        value = getattr(plan, name)
        if name in _SHOWN_ELSEWHERE or value is None:
            continue
        if name == "spending" and plan.method.value != "group-sequential":
            continue
        if isinstance(value, Mapping):
            value = ", ".join(f"{key}: {_value(each)}" for key, each in value.items())
        elif isinstance(value, tuple | list):
            value = ", ".join(map(_value, value))
        if value != "":
            yield name.replace("_", " ").capitalize(), _value(value)


def _value(value: object) -> str:
    if isinstance(value, timedelta):
        return duration(value)
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
