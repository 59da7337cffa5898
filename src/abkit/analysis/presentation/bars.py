"""The interval bars within tables: from results to places on a small canvas; a template draws them."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Self

from attrs import frozen

from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.presentation.effects import Effect, Effects, extent


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
        return cls(*extent(values), start, end)


@frozen(kw_only=True)
class IntervalBar:
    """An interval, its estimate, no difference, the goals and the margin, by their places.

    Attributes:
        low: Of the interval's lower end.
        high: Of the upper end.
        estimate: Of the lift or the difference.
        zero: Of no difference.
        goals: Of the goals; one, or two for a metric of any direction.
        margins: Of the margin of a guardrail; none, or one.
        open_low: Whether the interval goes on below.
        open_high: Whether it goes on above.
    """

    low: float
    high: float
    estimate: float
    zero: float
    goals: tuple[float, ...]
    margins: tuple[float, ...]
    open_low: bool
    open_high: bool


def interval_bars(
    founds: Sequence[MetricResult], *, width: float
) -> tuple[dict[str, IntervalBar], ...]:
    """The bars of one metric: by variant, for all units or for each of several segments.

    Args:
        founds: The metric in all units, or in each segment. The bars share one scale.
        width: Of the canvas, in its unit.
    """
    effects = Effects.of(founds)
    shown = [
        {t.arm.variant: effects(t.comparison) for t in found.treatments if t.comparison is not None}
        for found in founds
    ]
    values = [0.0, *effects.marked]
    for by_variant in shown:
        for effect in by_variant.values():
            values += [effect.low, effect.high, effect.estimate]
    scale = Scale.over(values, start=0, end=width)
    return tuple(
        {
            variant: _bar(effect, scale, effects)
            for variant, effect in by_variant.items()
            if effect.drawable
        }
        for by_variant in shown
    )


def lift_bars(
    founds: Sequence[MetricResult], *, width: float
) -> tuple[Mapping[str, IntervalBar], ...]:
    """The bars of several metrics, by variant: of their lifts, on one scale.

    Args:
        founds: The metrics. One of which some variant has no interval of its lift has no bars.
        width: Of the canvas, in its unit.
    """
    effects = [Effects.of([found]) for found in founds]
    shown = [
        {
            t.arm.variant: of(t.comparison)
            for t in found.treatments
            if of.relative and t.comparison is not None
        }
        for found, of in zip(founds, effects, strict=True)
    ]
    values = [0.0]
    for of, by_variant in zip(effects, shown, strict=True):
        values += of.marked if of.relative else ()
        for effect in by_variant.values():
            values += [effect.low, effect.high, effect.estimate]
    scale = Scale.over(values, start=0, end=width)
    return tuple(
        {variant: _bar(e, scale, of) for variant, e in by_variant.items() if e.drawable}
        for of, by_variant in zip(effects, shown, strict=True)
    )


def _bar(effect: Effect, scale: Scale, effects: Effects) -> IntervalBar:
    return IntervalBar(
        low=scale(effect.low),
        high=scale(effect.high),
        estimate=scale(effect.estimate),
        zero=scale(0),
        goals=tuple(map(scale, effects.goals)),
        margins=tuple(map(scale, effects.margins)),
        open_low=not isfinite(effect.low),
        open_high=not isfinite(effect.high),
    )
