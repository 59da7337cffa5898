"""The charts of intervals beneath each other: by variant, and by segment."""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING

from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.presentation.charts.plot import (
    Ink,
    Layer,
    Mark,
    Names,
    Numbers,
    Panel,
    Plot,
    Row,
)
from abkit.analysis.presentation.charts.scales import changes
from abkit.analysis.presentation.charts.series import labels
from abkit.analysis.presentation.effects import Effects, extent
from abkit.analysis.presentation.figures import drawable

if TYPE_CHECKING:
    from abkit.analysis.outcome import Segment

_ROW = 34
"""The height of one interval, in pixels."""

_LONGEST = 100
"""More intervals than that are no picture."""


def intervals_chart(found: MetricResult) -> Plot | None:
    """The interval of each variant; None if none is compared yet."""
    names = labels([treatment.arm.variant for treatment in found.treatments])
    return _forest([(names, found)], lambda label, _: label)


def segments_chart(segments: Sequence["Segment"], *, number: int) -> Plot | None:
    """The intervals of one metric in segments; None if none is compared yet.

    Args:
        segments: The segments.
        number: Which of the metrics, from 0.
    """
    called = labels([f"{s.property}: {'(none)' if s.value is None else s.value}" for s in segments])
    groups = [
        ({t.arm.variant: name for t in segment.metrics[number].treatments}, segment.metrics[number])
        for segment, name in zip(segments, called.values(), strict=True)
    ]
    several = any(len(found.treatments) > 1 for _, found in groups)

    def name(label: str, variant: str) -> str:
        return f"{label}, {drawable(variant)}" if several else label

    return _forest(groups, name)


def _forest(
    groups: Sequence[tuple[Mapping[str, str], MetricResult]], name: Callable[[str, str], str]
) -> Plot | None:
    effects = Effects.of([found for _, found in groups])
    rows: list[Row] = []
    ends: list[float] = [0.0, *effects.marked]
    for names, found in groups:
        for treatment in found.treatments:
            if treatment.comparison is None or len(rows) == _LONGEST:
                continue
            effect = effects(treatment.comparison)
            if effect.drawable:
                label = name(names[treatment.arm.variant], treatment.arm.variant)
                row = {"name": label, "estimate": effect.estimate}
                rows.append({**row, "low": effect.low, "high": effect.high})
                ends += [effect.estimate, effect.low, effect.high]
    if not rows:
        return None
    low, high = extent(ends)
    within: list[Row] = [
        {**row, "low": _end(row["low"], low), "high": _end(row["high"], high)} for row in rows
    ]
    return _drawn(within, effects, (low, high))


def _end(value: float, edge: float) -> float:
    """The end of an interval; of an endless one the edge."""
    return value if isfinite(value) else edge


def _drawn(rows: list[Row], effects: Effects, domain: tuple[float, float]) -> Plot:
    low, high = domain
    lines = [
        (0.0, Ink.INK, (1, 0)),
        *((goal, Ink.GOAL, (3, 3)) for goal in effects.goals),
        *((margin, Ink.MARGIN, (3, 3)) for margin in effects.margins),
    ]
    layers = [
        Layer(mark=Mark.RULE, rows=[{"estimate": place}], x="estimate", ink=ink, dash=dash)
        for place, ink, dash in lines
    ]
    layers += [
        Layer(mark=Mark.RULE, rows=rows, x="low", x2="high", y="name", ink=Ink.FIRST, width=3),
        Layer(mark=Mark.POINT, rows=rows, x="estimate", y="name", ink=Ink.FIRST, size=90),
    ]
    x = Numbers(
        low=low,
        high=high,
        form=changes(low, high, relative=effects.relative),
        title="lift" if effects.relative else "difference",
        ticks=5,
    )
    names = list(dict.fromkeys(str(row["name"]) for row in rows))
    return Plot(panels=[Panel(x=x, y=Names(names=names, row=_ROW), layers=layers)])
