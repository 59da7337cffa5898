"""All experiments as rows, in words and in numbers to sort by: pure."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from attrs import field, frozen

from abkit.analysis import times
from abkit.analysis.findings.badges import Tone
from abkit.analysis.findings.before import BeforeState
from abkit.analysis.findings.metric_result import Treatment
from abkit.analysis.presentation import figures, tones
from abkit.analysis.presentation.bars import IntervalBar, interval_bars
from abkit.analysis.result import Result
from abkit.experiments.declaring.declaration import Declaration
from abkit.panel.reading import Reading
from abkit.panel.states import ACTIVE, State

BAR_WIDTH = 120.0
"""Of the canvas of a row's interval bar, in its own unit."""


class Order(StrEnum):
    """What the overview is sorted by."""

    STATE = "state"
    NAME = "name"
    OWNER = "owner"
    UNITS = "units"
    LIFT = "lift"


@frozen(kw_only=True)
class Outlook:
    """The variant of the deciding metric that is told first, in words.

    Attributes:
        metric: The deciding metric's name.
        variant: The variant.
        lift: Its lift.
        interval: Of the lift.
        value: The lift as a number, to sort by.
        bar: Its interval; None where there is nothing to draw.
        badges: What is true of it, each with its tone.
        advice: What the result recommends.
    """

    metric: str
    variant: str
    lift: str
    interval: str
    value: float | None
    bar: IntervalBar | None
    badges: tuple[tuple[str, Tone], ...]
    advice: str


@frozen(kw_only=True)
class OverviewRow:
    """One experiment.

    Attributes:
        name: Its name.
        owner: Who owns it; empty if that is not declared.
        hypothesis: Of the experiment; empty if none is declared.
        state: What it does now.
        detail: What belongs to the state: the rollout, the variant that everybody gets.
        period: When units were exposed; empty if none were.
        units: How many units are analyzed; None while that is not known.
        progress: The share of the planned units that came; None if no size is planned.
        outlook: What was found; None while nothing is known, or nothing is compared.
        health: What is wrong with the data, in a few words each.
        told: What is to be said instead of a result; empty where there is one.
        reading: Whether its sums are being read.
    """

    name: str
    owner: str
    hypothesis: str
    state: State
    detail: str
    period: str = ""
    units: int | None = None
    progress: float | None = None
    outlook: Outlook | None = None
    health: tuple[str, ...] = ()
    told: str = ""
    reading: bool = False


@frozen(kw_only=True)
class Found:
    """What is known of an experiment.

    Attributes:
        reading: Of its sums.
        result: As planned; None if there is none.
        problem: Why there is none; empty while nothing is known.
    """

    reading: Reading = field(factory=Reading)
    result: Result | None = None
    problem: str = ""


def overview_row(declaration: Declaration, state: State, found: Found) -> OverviewRow:
    """The row of an experiment."""
    result = found.result
    return OverviewRow(
        name=declaration.name,
        owner=declaration.owner,
        hypothesis=declaration.hypothesis,
        state=state,
        detail=_detail(declaration, state),
        period=times.period(result.period) if result is not None and result.period else "",
        units=None if result is None else result.units,
        progress=_progress(result),
        outlook=None if result is None else _outlook(result),
        health=() if result is None else tuple(_health(result)),
        told=found.problem,
        reading=found.reading.progress is not None,
    )


def _detail(declaration: Declaration, state: State) -> str:
    if state is State.CONCLUDED:
        return f"everybody gets {declaration.winner}"
    if state is State.RAMPING:
        return f"{100 * declaration.rollout:.4g}% of the units"
    return ""


def _progress(result: Result | None) -> float | None:
    if result is None or not result.plan.sample_size:
        return None
    return min(1.0, result.units / result.plan.sample_size)


def _outlook(result: Result) -> Outlook | None:
    main = result.deciding
    compared = [treatment for treatment in main.treatments if treatment.comparison is not None]
    if not compared:
        return None
    best = next(
        (t for t in compared if t.arm.variant == result.recommendation.variant),
        max(compared, key=_distance),
    )
    comparison = best.comparison
    if comparison is None:
        return None
    bars = interval_bars([main], width=BAR_WIDTH)[0]
    return Outlook(
        metric=main.metric.name,
        variant=best.arm.variant,
        lift=figures.lift(comparison),
        interval=figures.interval(comparison),
        value=comparison.lift,
        bar=bars.get(best.arm.variant),
        badges=tuple((b.value, tone) for b, tone in tones.toned(best, main.metric, result)),
        advice=result.recommendation.action.value,
    )


def _distance(treatment: Treatment) -> float:
    """How far a variant is from no difference, in p-values."""
    return 0.0 if treatment.comparison is None else 1 - treatment.comparison.p_value


def _health(result: Result) -> Iterable[str]:
    if result.sample_ratio.alarm:
        yield "sample ratio mismatch"
    if any(check.state is BeforeState.DIFFERS for check in result.before):
        yield "arms differed before"
    if result.not_as_planned:
        yield "not as planned"
    if result.warnings:
        yield f"{len(result.warnings)} warning{'s' if len(result.warnings) > 1 else ''}"


def chosen(
    rows: Sequence[OverviewRow], *, search: str, states: Sequence[State], order: Order
) -> list[OverviewRow]:
    """The rows that are wanted, in the order that is wanted.

    Args:
        rows: All.
        search: A text that the name, the owner or the hypothesis contains; in any case.
        states: Only these; empty: all.
        order: What they are sorted by; those of which it is not known are last.
    """
    words = search.casefold().split()
    wanted = [
        row
        for row in rows
        if (not states or row.state in states)
        and all(w in f"{row.name} {row.owner} {row.hypothesis}".casefold() for w in words)
    ]
    return sorted(wanted, key=lambda row: (*_place(row, order), row.name.casefold()))


def _place(row: OverviewRow, order: Order) -> tuple[float | str, ...]:
    """Where a row stands; rows of which it is not known stand last."""
    match order:
        case Order.STATE:
            return (0 if row.state in ACTIVE else 1 + [*State].index(row.state),)
        case Order.OWNER:
            return (not row.owner, row.owner.casefold())
        case Order.UNITS:
            return (row.units is None, -(row.units or 0))
        case Order.LIFT:
            lift = None if row.outlook is None else row.outlook.value
            return (lift is None, -(lift or 0.0))
        case Order.NAME:
            return ()
