"""The geometry of charts: from results to places on a canvas; a template draws them."""

from collections.abc import Sequence
from math import floor, isfinite, log10
from typing import Self

from attrs import frozen

from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.inference.comparison import Comparison, Interval
from abkit.analysis.result import CumulativeUnits
from abkit.experiments.metrics import Direction, Metric


@frozen
class Scale:
    """A line from values to places.

    Attributes:
        low: The value at `start`.
        high: The value at `end`.
        start: The place of `low`, in units of the canvas.
        end: The place of `high`.
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The place of a value; beyond the ends it stays at the end."""
        if self.high == self.low:
            return self.start
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + (self.end - self.start) * min(1.0, max(0.0, share)), 2)

    @classmethod
    def over(cls, values: Sequence[float], *, start: float, end: float) -> Self:
        """A scale that has room for all finite values, with a margin."""
        finite = [value for value in values if isfinite(value)] or [0.0]
        margin = 0.08 * (max(finite) - min(finite)) or 1.0
        return cls(min(finite) - margin, max(finite) + margin, start, end)


@frozen(kw_only=True)
class IntervalBar:
    """An interval, its estimate, no difference and the goals, by their places.

    Attributes:
        low: Of the interval's lower end.
        high: Of the upper end.
        estimate: Of the lift or the difference.
        zero: Of no difference.
        goals: Of the goals; one, or two for a metric of any direction.
        open_low: Whether the interval goes on below.
        open_high: Whether it goes on above.
    """

    low: float
    high: float
    estimate: float
    zero: float
    goals: tuple[float, ...]
    open_low: bool
    open_high: bool


def interval_bars(found: MetricResult, *, width: float) -> dict[str, IntervalBar]:
    """A bar for each variant that has an interval, on one scale for all of the metric.

    The bars are of lifts; of differences, in the metric's unit, if some lift has no interval.
    """
    compared = {t.arm.variant: t.comparison for t in found.treatments if t.comparison is not None}
    relative = all(c.lift_interval is not None for c in compared.values())
    shown = {variant: _shown(c, relative=relative) for variant, c in compared.items()}
    control = found.control.moments.mean
    goals = _goals(found.metric, unit=1.0 if relative else abs(control))
    values = [0.0, *goals]
    for interval, estimate in shown.values():
        values += [interval.low, interval.high, estimate]
    scale = Scale.over(values, start=0, end=width)
    return {
        variant: IntervalBar(
            low=scale(interval.low),
            high=scale(interval.high),
            estimate=scale(estimate),
            zero=scale(0),
            goals=tuple(map(scale, goals)),
            open_low=not isfinite(interval.low),
            open_high=not isfinite(interval.high),
        )
        for variant, (interval, estimate) in shown.items()
    }


def _shown(comparison: Comparison, *, relative: bool) -> tuple[Interval, float]:
    if relative and comparison.lift_interval is not None and comparison.lift is not None:
        return comparison.lift_interval, comparison.lift
    return comparison.interval, comparison.difference


def _goals(metric: Metric, *, unit: float) -> tuple[float, ...]:
    if metric.goal is None:
        return ()
    goal = metric.goal * unit
    match metric.direction:
        case Direction.INCREASE:
            return (goal,)
        case Direction.DECREASE:
            return (-goal,)
        case _:
            return (-goal, goal)


@frozen(kw_only=True)
class Tick:
    """A mark on an axis."""

    place: float
    label: str


@frozen(kw_only=True)
class Line:
    """One variant's line.

    Attributes:
        variant: The variant.
        points: The points, as SVG wants them.
        last: The place of the last point.
        total: The last value.
    """

    variant: str
    points: str
    last: tuple[float, float]
    total: int


@frozen(kw_only=True)
class LineChart:
    """Lines over days."""

    width: float
    height: float
    left: float
    bottom: float
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


def cumulative_chart(units: CumulativeUnits, *, width: float, height: float) -> LineChart:
    """The cumulative exposures of each variant over the days."""
    left, right, top, bottom = 76.0, width - 16, 12.0, height - 32
    days = units.days
    ordinals = [day.toordinal() for day in days]
    x = Scale(ordinals[0], ordinals[-1], left, right)
    ticks = nice_ticks(max(line[-1] for line in units.units.values()))
    y = Scale(0, ticks[-1], bottom, top)
    lines = [
        Line(
            variant=variant,
            points=" ".join(f"{x(day)},{y(n)}" for day, n in zip(ordinals, counts, strict=True)),
            last=(x(ordinals[-1]), y(counts[-1])),
            total=counts[-1],
        )
        for variant, counts in units.units.items()
    ]
    return LineChart(
        width=width,
        height=height,
        left=left,
        bottom=bottom,
        lines=tuple(lines),
        x_ticks=tuple(
            Tick(place=x(ordinals[i]), label=f"{days[i]:%b} {days[i].day}")
            for i in _spread(len(days), at_most=5)
        ),
        y_ticks=tuple(Tick(place=y(value), label=f"{value:,}") for value in ticks),
    )


def nice_ticks(highest: int) -> tuple[int, ...]:
    """Round values from 0 to at least the highest one, about four steps apart."""
    if highest <= 4:
        return tuple(range(max(2, highest + 1)))
    magnitude = 10 ** floor(log10(highest / 4))
    step = next(int(m * magnitude) for m in (1, 2, 2.5, 5, 10) if m * magnitude * 4 >= highest)
    return tuple(range(0, highest + step, max(1, step)))


def _spread(count: int, *, at_most: int) -> list[int]:
    """Indices from first to last, evenly spread."""
    if count <= at_most:
        return list(range(count))
    return [round(i * (count - 1) / (at_most - 1)) for i in range(at_most)]
