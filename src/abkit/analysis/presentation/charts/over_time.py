"""The chart of one metric over time: the lift with its interval, and the running p-value."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from abkit.analysis.findings.metric_result import MetricResult, OverTime
from abkit.analysis.presentation.charts.series import Looks, Row, colours, drawn, labels
from abkit.analysis.presentation.charts.theme import Size, Theme, change_labels, module, rows_of
from abkit.analysis.presentation.effects import Effects, extent

_BANDS = 3
"""More bands than that hide each other: then lines only."""


def over_time_chart(
    found: MetricResult, series: OverTime, *, theme: Theme, size: Size, p_values: bool
) -> Any | None:
    """A metric's lift over time, or its difference; None before there is any comparison.

    Args:
        found: The metric's result.
        series: The same over time.
        theme: The colours.
        size: Of a panel.
        p_values: Whether the running p-values are valid, and so drawn beneath.
    """
    alt = module()
    looks = Looks.of(series.ends)
    names = labels(drawn(list(series.treatments)))
    effects = Effects.of([found])
    rows = _effects(series, names, looks, effects)
    if not rows:
        return None
    encoding = colours(list(names.values()), theme, size, first=1)
    panel = _effect_panel(rows, effects, looks, encoding, theme=theme, size=size)
    charts = [panel.properties(width=size.width, height=size.height)]
    alphas = [t.comparison.alpha for t in found.treatments if t.comparison is not None]
    if p_values and alphas:
        below = _p_panel(_p_rows(series, names, looks), alphas[0], looks, encoding, theme, size)
        charts.append(below.properties(width=size.width, height=size.height * 0.45))
    return alt.vconcat(*charts, spacing=14)


def _effect_panel(
    rows: list[Row],
    effects: Effects,
    looks: Looks,
    encoding: dict[str, Any],
    *,
    theme: Theme,
    size: Size,
) -> Any:
    alt = module()
    low, high = _domain(rows, effects)
    for row in rows:
        row["low"], row["high"] = max(low, _real(row["low"])), min(high, _real(row["high"]))
    title = "lift" if effects.relative else "difference"
    scale = alt.Scale(domain=[low, high], nice=False, zero=False)
    written = change_labels(low, high, relative=effects.relative)
    axis = alt.Axis(labelExpr=written, tickCount=5)
    x = looks.axis(size)
    y = alt.Y("estimate:Q", title=title, scale=scale, axis=axis)
    data = rows_of(rows)
    layers = [_level(0.0, theme.ink, dash=[1, 0], field="estimate")]
    layers += [_level(goal, theme.goal, dash=[3, 3], field="estimate") for goal in effects.goals]
    layers += [_level(of, theme.margin, dash=[3, 3], field="estimate") for of in effects.margins]
    if len({row["variant"] for row in rows}) <= _BANDS:
        band = alt.Chart(data).mark_area(opacity=0.13)
        layers.append(band.encode(x, alt.Y("low:Q"), alt.Y2("high:Q"), color=encoding["color"]))
    layers.append(alt.Chart(data).mark_line(strokeWidth=2.5).encode(x, y, **encoding))
    last = max(_real(row["time"]) for row in rows)
    ends = rows_of([row for row in rows if row["time"] == last])
    dot = alt.Chart(ends).mark_point(size=50, filled=True, opacity=1)
    layers.append(dot.encode(x, y, color=encoding["color"]))
    return alt.layer(*layers)


def _p_panel(
    rows: list[Row],
    alpha: float,
    looks: Looks,
    encoding: dict[str, Any],
    theme: Theme,
    size: Size,
) -> Any:
    alt = module()
    y = alt.Y(
        "p:Q",
        title="running p",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(tickCount=3, format=".1f"),
    )
    line = alt.Chart(rows_of(rows)).mark_line(strokeWidth=2, interpolate="step-after")
    return alt.layer(
        _level(alpha, theme.ink, dash=[3, 3], field="p"),
        line.encode(looks.axis(size), y, **encoding),
    )


def _level(value: float, colour: str, *, dash: list[int], field: str) -> Any:
    """A horizontal line."""
    alt = module()
    rule = alt.Chart(rows_of([{field: value}])).mark_rule(strokeDash=dash, color=colour)
    return rule.encode(y=f"{field}:Q")


def _effects(
    series: OverTime, names: Mapping[str, str], looks: Looks, effects: Effects
) -> list[Row]:
    return [
        {
            "time": looks.instant(number),
            "variant": label,
            "estimate": effect.estimate,
            "low": effect.low,
            "high": effect.high,
        }
        for variant, label in names.items()
        for number, comparison in enumerate(series.treatments[variant].comparisons)
        if comparison is not None and effects.fits(comparison)
        for effect in [effects(comparison)]
        if effect.drawable
    ]


def _p_rows(series: OverTime, names: Mapping[str, str], looks: Looks) -> list[Row]:
    return [
        {"time": looks.instant(number), "variant": label, "p": p}
        for variant, label in names.items()
        for number, p in enumerate(series.treatments[variant].running_p)
        if isfinite(p)
    ]


def _domain(rows: list[Row], effects: Effects) -> tuple[float, float]:
    """What is shown: all estimates, and the later half of the intervals; the first ones are huge."""
    later = sorted(rows, key=lambda row: _real(row["time"]))[len(rows) // 3 :]
    values = [0.0, *effects.marked, *(_real(row["estimate"]) for row in rows)]
    for row in later:
        values += [_real(row["low"]), _real(row["high"])]
    return extent(values)


def _real(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
