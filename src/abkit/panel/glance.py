"""What an overview tells of a result, small enough to be kept for every experiment: pure."""

from collections.abc import Iterator
from datetime import datetime

from attrs import field, frozen

from abkit.analysis import times
from abkit.analysis.amounts import amount
from abkit.analysis.experiment_sums import ExperimentSums
from abkit.analysis.findings.badges import Tone
from abkit.analysis.findings.before import BeforeState
from abkit.analysis.findings.metric_result import MetricResult, Treatment
from abkit.analysis.presentation import figures, tones
from abkit.analysis.presentation.bars import IntervalBar, interval_bars
from abkit.analysis.result import Result
from abkit.errors import AbkitError
from abkit.panel.data_health import DataHealth, data_health

BAR_WIDTH = 200.0
"""Of the canvas of a bar, in its own unit."""


@frozen(kw_only=True)
class Outlook:
    """The variant of the deciding metric that is told first, in words.

    Attributes:
        metric: The deciding metric's name.
        variant: The variant.
        lift: Its lift.
        interval: Of the lift.
        value: The lift as a number, to sort by; None where it is undefined.
        bar: Its interval; None where there is nothing to draw.
        badges: What is true of it, each with its tone.
    """

    metric: str
    variant: str
    lift: str
    interval: str
    value: float | None
    bar: IntervalBar | None
    badges: tuple[tuple[str, Tone], ...]


@frozen(kw_only=True)
class Glance:
    """A result in a few words.

    Attributes:
        units: How many units are analyzed.
        planned: How many units are planned; None if no size is.
        progress: The share of these that came; None likewise.
        first: When the first unit was exposed, UTC; None if that is not known.
        period: When units were exposed; empty if that is not known.
        outlook: What was found; None if nothing is compared yet.
        health: What is wrong with the result, in a few words each.
        data: How complete the data are.
        problem: Why there is no result; empty if there is one.
    """

    units: int | None = None
    planned: int | None = None
    progress: float | None = None
    first: datetime | None = None
    period: str = ""
    outlook: Outlook | None = None
    health: tuple[str, ...] = ()
    data: DataHealth = field(factory=DataHealth)
    problem: str = ""


@frozen(kw_only=True)
class KeptGlance:
    """A glance as it is kept.

    Attributes:
        made: When the sums were read, UTC.
        glance: What they say.
        state: Of the events that were read; empty if it is not known.
    """

    made: datetime
    glance: Glance
    state: str = ""


def glance(sums: ExperimentSums) -> Glance:
    """What the sums say by their plan, in a few words."""
    data = data_health(sums)
    try:
        result = sums.result()
    except AbkitError as error:
        return Glance(problem=str(error), data=data)
    planned = result.plan.sample_size
    return Glance(
        units=result.units,
        planned=planned,
        progress=min(1.0, result.units / planned) if planned else None,
        first=result.period[0] if result.period else None,
        period=times.period(result.period) if result.period else "",
        outlook=_outlook(result),
        health=tuple(_health(result, others=len(result.warnings) - len(data.lacking))),
        data=data,
    )


def _outlook(result: Result) -> Outlook | None:
    main = result.deciding
    told = _told_first(main, result)
    if told is None or told.comparison is None:
        return None
    bars = interval_bars([main], width=BAR_WIDTH)[0]
    return Outlook(
        metric=main.metric.name,
        variant=told.arm.variant,
        lift=figures.lift(told.comparison),
        interval=figures.interval(told.comparison),
        value=told.comparison.lift,
        bar=bars.get(told.arm.variant),
        badges=tuple((b.value, tone) for b, tone in tones.toned(told, main.metric, result)),
    )


def _told_first(main: MetricResult, result: Result) -> Treatment | None:
    """The variant that is recommended, else the one that differs most surely from the control."""
    compared = [t for t in main.treatments if t.comparison is not None]
    for treatment in compared:
        if treatment.arm.variant == result.recommendation.variant:
            return treatment
    return min(compared, key=_p_value, default=None)


def _p_value(treatment: Treatment) -> float:
    return 1.0 if treatment.comparison is None else treatment.comparison.p_value


def _health(result: Result, *, others: int) -> Iterator[str]:
    if result.sample_ratio.alarm:
        yield "sample ratio mismatch"
    if any(check.state is BeforeState.DIFFERS for check in result.before):
        yield "arms differed before"
    if result.not_as_planned:
        yield "not as planned"
    if others > 0:
        yield amount(others, "warning")
