"""The charts of intervals beneath each other: by variant, and by segment."""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.presentation.charts.series import Row, labels
from abkit.analysis.presentation.charts.theme import Size, Theme, change_labels, module, rows_of
from abkit.analysis.presentation.effects import Effects, extent
from abkit.analysis.presentation.figures import drawable

if TYPE_CHECKING:
    from abkit.analysis.outcome import Segment

_ROW = 34
"""The height of one interval, in pixels."""

_LONGEST = 100
"""More intervals than that are no picture."""


def intervals_chart(found: MetricResult, *, theme: Theme, size: Size) -> Any | None:
    """The interval of each variant; None if none is compared yet."""
    names = labels([treatment.arm.variant for treatment in found.treatments])
    return _forest([(names, found)], lambda label, _: label, theme=theme, size=size)


def segments_chart(
    segments: Sequence["Segment"], *, number: int, theme: Theme, size: Size
) -> Any | None:
    """The intervals of one metric in segments; None if none is compared yet.

    Args:
        segments: The segments.
        number: Which of the metrics, from 0.
        theme: The colours.
        size: Its width is the plot's.
    """
    called = labels([f"{s.property}: {'(none)' if s.value is None else s.value}" for s in segments])
    groups = [
        ({t.arm.variant: name for t in segment.metrics[number].treatments}, segment.metrics[number])
        for segment, name in zip(segments, called.values(), strict=True)
    ]
    several = any(len(found.treatments) > 1 for _, found in groups)

    def name(label: str, variant: str) -> str:
        return f"{label}, {drawable(variant)}" if several else label

    return _forest(groups, name, theme=theme, size=size)


def _forest(
    groups: Sequence[tuple[Mapping[str, str], MetricResult]],
    name: Callable[[str, str], str],
    *,
    theme: Theme,
    size: Size,
) -> Any | None:
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
    for row in rows:
        for key, end in (("low", low), ("high", high)):
            value = row[key]
            row[key] = value if isinstance(value, float) and isfinite(value) else end
    return _drawn(rows, effects, (low, high), theme=theme, size=size)


def _drawn(
    rows: list[Row], effects: Effects, domain: tuple[float, float], *, theme: Theme, size: Size
) -> Any:
    alt = module()
    title = "lift" if effects.relative else "difference"
    written = change_labels(*domain, relative=effects.relative)
    x = alt.X(
        "estimate:Q",
        title=title,
        scale=alt.Scale(domain=list(domain), nice=False, zero=False),
        axis=alt.Axis(labelExpr=written, tickCount=5),
    )
    names = list(dict.fromkeys(str(row["name"]) for row in rows))
    y = alt.Y("name:N", title=None, sort=names, axis=alt.Axis(grid=False, ticks=False))
    base = alt.Chart(rows_of(rows))
    lines = [
        (0.0, theme.ink, [1, 0]),
        *((goal, theme.goal, [3, 3]) for goal in effects.goals),
        *((margin, theme.margin, [3, 3]) for margin in effects.margins),
    ]
    layers = [
        alt.Chart(rows_of([{"estimate": place}])).mark_rule(color=colour, strokeDash=dash).encode(x)
        for place, colour, dash in lines
    ]
    layers += [
        base.mark_rule(color=theme.series[1], strokeWidth=3).encode(alt.X("low:Q"), y, x2="high:Q"),
        base.mark_point(color=theme.series[1], filled=True, size=90, opacity=1).encode(x, y),
    ]
    return alt.layer(*layers).properties(width=size.width, height=_ROW * len(names))
