"""How long an experiment still takes, and why: pure."""

from collections.abc import Iterator
from datetime import datetime

from abkit.analysis import times
from abkit.analysis.advice.daily_units import daily_units
from abkit.analysis.advice.verdict import RecommendedAction
from abkit.analysis.presentation import figures, sentences
from abkit.analysis.presentation.advice import advised
from abkit.analysis.result import Result
from abkit.panel.states import ACTIVE, State


def remaining_time(
    result: Result, state: State, *, ends: datetime | None
) -> Iterator[tuple[str, str]]:
    """What is still to come, and the numbers that it follows from, each with its name.

    Args:
        result: Of the experiment.
        state: What it does now.
        ends: Its declared end, UTC; None: it has none.
    """
    yield "Still to come", _still_to_come(result, state)
    yield "Units so far", f"{result.units:,}" + _planned(result)
    arriving = None if result.cumulative is None else daily_units(result.cumulative)
    if arriving is not None:
        days = f"{arriving.first} to {arriving.last}"
        yield "New units a day", f"{arriving.units:,.0f}, the mean of {days}"
    if ends is not None:
        yield "Declared end", times.made(ends)
    metric = result.deciding.metric
    if metric.goal is not None:
        yield "Looked for", f"{metric.name} {figures.wanted(metric)}"
    for treatment in result.deciding.treatments:
        found = treatment.comparison
        if found is not None:
            level = figures.confidence(result.plan)
            text = f"{figures.lift(found)}, {level} interval {figures.interval(found)}"
            yield f"Found so far, {treatment.arm.variant}", text


def _still_to_come(result: Result, state: State) -> str:
    if state not in ACTIVE:
        return f"Nothing: the experiment is {state.value}."
    if result.sample_ratio.alarm:
        return "No estimate: the sample ratio is wrong, and the cause must be found first."
    told = sentences.remaining(result)
    if told:
        return told
    if result.recommendation.action is not RecommendedAction.CONTINUE:
        return f"Nothing to wait for: the recommendation is to {advised(result)}."
    if result.remaining is None:
        return "Nothing: the declared end, or that of the time frame, is over."
    return result.remaining.message


def _planned(result: Result) -> str:
    size = result.plan.sample_size
    return "" if not size else f" of the planned {size:,} ({result.units / size:.0%})"
