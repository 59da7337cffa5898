"""What the report says of days and hours: the tables behind its charts."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from abkit.analysis import times
from abkit.analysis.findings.metric_result import MetricResult, OverTime
from abkit.analysis.presentation import figures
from abkit.analysis.presentation.charts.series import drawn, stops
from abkit.analysis.presentation.report.numbers import Look, bodies, cell
from abkit.analysis.statistics.aggregates import Moments

if TYPE_CHECKING:
    from markupsafe import Markup

    from abkit.analysis.outcome import Outcome


@frozen(kw_only=True)
class Growth:
    """The cumulative exposures as a table.

    Attributes:
        step: "day" or "hour".
        variants: Those in the table.
        body: The rows of the table, one for each look.
        omitted: What is not shown, in a sentence; else empty.
    """

    step: str
    variants: tuple[str, ...]
    body: "Markup"
    omitted: str


@frozen(kw_only=True)
class History:
    """One metric over time as a table.

    Attributes:
        metric: Its name.
        step: "day" or "hour".
        value: "Rate" or "Mean".
        caption: Of the chart.
        tested: Whether there are p-values; Bayes' rule has none.
        running: Whether the running p-value is valid.
        body: The rows of the table, one for each look and variant.
        omitted: What is not shown, in a sentence; else empty.
    """

    metric: str
    step: str
    value: str
    caption: str
    tested: bool
    running: bool
    body: "Markup"
    omitted: str


def growth(result: "Outcome") -> Growth | None:
    """The cumulative exposures; None if there are none over time."""
    cumulative = result.cumulative
    if cumulative is None or not cumulative.ends:
        return None
    by_day = times.daily(cumulative.ends)
    control, *treatments = cumulative.units
    variants = (control, *drawn(treatments))
    return Growth(
        step=_step(by_day=by_day),
        variants=variants,
        body=bodies(
            Look(
                times.look(cumulative.ends[number], by_day=by_day),
                [[f"{cumulative.units[variant][number]:,}" for variant in variants]],
            )
            for number in stops(len(cumulative.ends))
        ),
        omitted=_omitted(treatments),
    )


def histories(result: "Outcome") -> list[History]:
    """Each metric that was computed over time."""
    running = result.plan.method.value == "sequential"
    return [
        _history(found, found.over_time, result, running=running)
        for found in result.metrics
        if found.over_time is not None and found.over_time.ends
    ]


def _history(found: MetricResult, series: OverTime, result: "Outcome", *, running: bool) -> History:
    by_day = times.daily(series.ends)
    step = _step(by_day=by_day)
    level = figures.confidence(result.plan)
    note = figures.corrected_for(found, result.plan)
    caption = (
        f"The lift until the end of each {step}, and its {level} interval{note and f', {note}'}."
    )
    if result.period is not None:
        caption += f" {times.period(result.period)}."
    if found.metric.goal:
        caption += " Dashed: the goal."
    if found.metric.margin:
        caption += " Dashed in red: the margin."
    if running:
        caption += " Beneath: the smallest p-value so far, and the level that it must reach."
    return History(
        metric=found.metric.name,
        step=step,
        value="Rate" if found.metric.binary else "Mean",
        caption=caption,
        tested=not figures.bayesian(found),
        running=running,
        body=bodies(_looks(found, series, running=running, by_day=by_day)),
        omitted=_omitted(list(series.treatments)),
    )


def _looks(found: MetricResult, series: OverTime, *, running: bool, by_day: bool) -> Iterator[Look]:
    lines = [
        (cell(variant), series.treatments[variant]) for variant in drawn(list(series.treatments))
    ]
    tested = not figures.bayesian(found)
    for number in stops(len(series.ends)):
        rows = []
        for variant, line in lines:
            comparison = line.estimates[number]
            row = [variant, f"{line.arms[number].n:,}", _mean(line.arms[number], found)]
            if comparison is None:
                row += [figures.NOTHING] * (3 if tested else 2)
            else:
                row += [figures.lift(comparison), figures.interval(comparison)]
                row += [figures.p_value(comparison.p_value)] if tested else []
            row += [figures.p_value(line.running_p[number])] if running else []
            rows.append(row)
        yield Look(times.look(series.ends[number], by_day=by_day), rows)


def _mean(moments: Moments, found: MetricResult) -> str:
    if moments.n == 0:
        return figures.NOTHING
    return (figures.percent if found.metric.binary else figures.number)(moments.mean)


def _step(*, by_day: bool) -> str:
    return "day" if by_day else "hour"


def _omitted(treatments: Sequence[str]) -> str:
    shown = len(drawn(treatments))
    if shown == len(treatments):
        return ""
    return f" The first {shown} of {len(treatments)} variants are shown; the exports have all."
