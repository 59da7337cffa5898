"""The chart of one metric by days since exposure: the lift of each day with its interval."""

from collections.abc import Mapping
from typing import Any

from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.findings.novelty import Novelty
from abkit.analysis.presentation.charts.series import Row, colours, drawn, labels
from abkit.analysis.presentation.charts.theme import Size, Theme, change_labels, module, rows_of
from abkit.analysis.presentation.effects import Effects, extent
from abkit.analysis.statistics.days import early_days

_APART = 0.14
"""How far intervals of several variants stand apart, in days."""


def by_day_chart(found: MetricResult, novelty: Novelty, *, theme: Theme, size: Size) -> Any | None:
    """A metric's lift on each day since exposure, or its difference; None while nothing is compared.

    The dashed lines are the lifts of the two parts of the time that the test compares.

    Args:
        found: The metric's result.
        novelty: The same by days.
        theme: The colours.
        size: Of the plot.
    """
    alt = module()
    effects = Effects.of([found])
    names = labels(drawn([effect.variant for effect in novelty.treatments]))
    rows = _rows(novelty, names, effects)
    if not rows:
        return None
    parts = _parts(novelty, names, effects)
    low, high = extent([0.0, *(_real(row["estimate"]) for row in (*rows, *parts)), *_ends(rows)])
    for row in rows:
        row["low"] = max(low, _real(row["low"]))
        row["high"] = min(high, _real(row["high"]))
    encoding = colours(list(names.values()), theme, size, first=1)
    scale = alt.Scale(domain=[low, high], nice=False, zero=False)
    written = change_labels(low, high, relative=effects.relative)
    y = alt.Y(
        "estimate:Q",
        title="lift" if effects.relative else "difference",
        scale=scale,
        axis=alt.Axis(labelExpr=written, tickCount=5),
    )
    last = max(_real(row["day"]) for row in rows)
    x = alt.X(
        "day:Q",
        title="day since the first exposure",
        scale=alt.Scale(domain=[-0.5, round(last) + 0.5], nice=False),
        axis=alt.Axis(tickMinStep=1, grid=False, format="d"),
    )
    zero = alt.Chart(rows_of([{"estimate": 0.0}])).mark_rule(color=theme.ink).encode(y)
    base = alt.Chart(rows_of(rows))
    layers = [
        zero,
        base.mark_rule(strokeWidth=2, opacity=0.55).encode(
            x, alt.Y("low:Q", scale=scale), y2="high:Q", color=encoding["color"]
        ),
        base.mark_point(filled=True, size=55, opacity=1).encode(x, y, color=encoding["color"]),
    ]
    if parts:
        of_parts = alt.Chart(rows_of(parts)).mark_rule(strokeWidth=2, strokeDash=[6, 4])
        layers.append(of_parts.encode(alt.X("from:Q"), y, x2="to:Q", color=encoding["color"]))
    return alt.layer(*layers).properties(width=size.width, height=size.height)


def _rows(novelty: Novelty, names: Mapping[str, str], effects: Effects) -> list[Row]:
    shown = [effect for effect in novelty.treatments if effect.variant in names]
    middle = (len(shown) - 1) / 2
    return [
        {
            "day": day + _APART * (place - middle),
            "variant": names[of.variant],
            "estimate": effect.estimate,
            "low": effect.low,
            "high": effect.high,
        }
        for place, of in enumerate(shown)
        for day, comparison in enumerate(of.days)
        if comparison is not None and effects.fits(comparison)
        for effect in [effects(comparison)]
        if effect.drawable
    ]


def _parts(novelty: Novelty, names: Mapping[str, str], effects: Effects) -> list[Row]:
    """The two parts of the time; where lifts are shown: the difference of days is not that of weeks."""
    if not effects.relative:
        return []
    first = early_days(novelty.length)
    return [
        {
            "variant": names[of.variant],
            "estimate": comparison.lift,
            "from": start - 0.5,
            "to": end - 0.5,
        }
        for of in novelty.treatments
        if of.variant in names
        for comparison, start, end in ((of.early, 0, first), (of.late, first, novelty.length))
        if comparison is not None and comparison.lift is not None
    ]


def _ends(rows: list[Row]) -> list[float]:
    """The ends of the intervals, but for the widest: these are cut."""
    ends = sorted(abs(_real(row[key])) for row in rows for key in ("low", "high"))
    usual = ends[(len(ends) - 1) * 9 // 10]
    return [max(-usual, min(usual, _real(row[key]))) for row in rows for key in ("low", "high")]


def _real(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
