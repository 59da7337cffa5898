"""The chart of one metric over time: the lift with its interval, and the running p-value."""

from collections.abc import Iterator, Mapping
from math import isfinite
from types import MappingProxyType

from abkit.analysis.findings.metric_result import MetricResult, OverTime
from abkit.analysis.presentation import figures
from abkit.analysis.presentation.charts.plot import Ink, Layer, Mark, Numbers, Panel, Plot, Row
from abkit.analysis.presentation.charts.scales import TENTH, changes
from abkit.analysis.presentation.charts.series import Looks, drawn, labels, stops
from abkit.analysis.presentation.effects import Effects, extent

_BANDS = 3
"""More bands than that hide each other: then lines only."""

_DASHED = (3, 3)


def over_time_chart(found: MetricResult, series: OverTime, *, p_values: bool) -> Plot | None:
    """A metric's lift over time, or its difference; None before there is any comparison.

    Args:
        found: The metric's result.
        series: The same over time.
        p_values: Whether the running p-values are valid, and so drawn beneath.
    """
    looks = Looks.of(series.ends)
    names = labels(drawn(list(series.treatments)))
    effects = Effects.of([found])
    rows = _effects(series, names, looks, effects)
    if not rows:
        return None
    panels = [_effect_panel(rows, effects, looks)]
    alphas = [t.comparison.alpha for t in found.treatments if t.comparison is not None]
    if p_values and alphas:
        panels.append(_p_panel(_p_rows(series, names, looks), alphas[0], looks))
    return Plot(
        panels=panels,
        variants=[*names.values()],
        first=1,
        stops=[looks.places[number] for number in stops(len(looks.places))],
        ends=MappingProxyType(dict(_last_of(series, names))),
    )


def _last_of(series: OverTime, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """By label, the lift at the last look and its interval."""
    for variant, label in names.items():
        last = series.treatments[variant].estimates[-1]
        if last is not None:
            yield label, f"{figures.lift(last)}, from {figures.interval(last)}"


def _effect_panel(rows: list[Row], effects: Effects, looks: Looks) -> Panel:
    low, high = _domain(rows, effects)
    within: list[Row] = [
        {**row, "low": max(low, row["low"]), "high": min(high, row["high"])} for row in rows
    ]
    layers = [_level(0.0, Ink.INK, field="estimate")]
    layers += [_level(goal, Ink.GOAL, dash=_DASHED, field="estimate") for goal in effects.goals]
    layers += [_level(of, Ink.MARGIN, dash=_DASHED, field="estimate") for of in effects.margins]
    if len({row["variant"] for row in within}) <= _BANDS:
        layers.append(
            Layer(mark=Mark.AREA, rows=within, x="time", y="low", y2="high", opacity=0.13)
        )
    layers.append(Layer(mark=Mark.LINE, rows=within, x="time", y="estimate", width=2.5))
    last = max(row["time"] for row in within)
    ends = [row for row in within if row["time"] == last]
    layers.append(Layer(mark=Mark.POINT, rows=ends, x="time", y="estimate"))
    y = Numbers(
        low=low,
        high=high,
        form=changes(low, high, relative=effects.relative),
        title="lift" if effects.relative else "difference",
        ticks=5,
    )
    return Panel(x=looks.axis(), y=y, layers=layers)


def _p_panel(rows: list[Row], alpha: float, looks: Looks) -> Panel:
    layers = [
        _level(alpha, Ink.INK, dash=_DASHED, field="p"),
        Layer(mark=Mark.LINE, rows=rows, x="time", y="p", width=2, steps=True),
    ]
    y = Numbers(low=0, high=1, form=TENTH, title="running p", ticks=3)
    return Panel(x=looks.axis(), y=y, layers=layers, share=0.45)


def _level(value: float, ink: Ink, *, field: str, dash: tuple[int, ...] = (1, 0)) -> Layer:
    """A horizontal line."""
    return Layer(mark=Mark.RULE, rows=[{field: value}], y=field, ink=ink, dash=dash)


def _effects(
    series: OverTime, names: Mapping[str, str], looks: Looks, effects: Effects
) -> list[Row]:
    return [
        {
            "time": looks.places[number],
            "variant": label,
            "estimate": effect.estimate,
            "low": effect.low,
            "high": effect.high,
        }
        for variant, label in names.items()
        for number, comparison in enumerate(series.treatments[variant].estimates)
        if comparison is not None and effects.fits(comparison)
        for effect in [effects(comparison)]
        if effect.drawable
    ]


def _p_rows(series: OverTime, names: Mapping[str, str], looks: Looks) -> list[Row]:
    return [
        {"time": looks.places[number], "variant": label, "p": p}
        for variant, label in names.items()
        for number, p in enumerate(series.treatments[variant].running_p)
        if isfinite(p)
    ]


def _domain(rows: list[Row], effects: Effects) -> tuple[float, float]:
    """What is shown: all estimates, and the later half of the intervals; the first ones are huge."""
    later = sorted(rows, key=lambda row: row["time"])[len(rows) // 3 :]
    values = [0.0, *effects.marked, *(row["estimate"] for row in rows)]
    for row in later:
        values += [row["low"], row["high"]]
    return extent(values)
