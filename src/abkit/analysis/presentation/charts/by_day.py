"""The chart of one metric by days since exposure: the lift of each day with its interval."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.findings.novelty import Novelty
from abkit.analysis.presentation import figures
from abkit.analysis.presentation.charts.plot import Ink, Layer, Mark, Numbers, Panel, Plot, Row
from abkit.analysis.presentation.charts.scales import COUNT, changes
from abkit.analysis.presentation.charts.series import drawn, labels
from abkit.analysis.presentation.effects import Effects, extent
from abkit.analysis.statistics.days import early_days

_APART = 0.14
"""How far intervals of several variants stand apart, in days."""


def by_day_chart(found: MetricResult, novelty: Novelty) -> Plot | None:
    """A metric's lift on each day since exposure, or its difference; None while nothing is compared.

    The dashed lines are the lifts of the two parts of the time that the test compares.

    Args:
        found: The metric's result.
        novelty: The same by days.
    """
    effects = Effects.of([found])
    names = labels(drawn([effect.variant for effect in novelty.treatments]))
    rows = _rows(novelty, names, effects)
    if not rows:
        return None
    parts = _parts(novelty, names, effects)
    low, high = extent([0.0, *(row["estimate"] for row in (*rows, *parts)), *_ends(rows)])
    within: list[Row] = [
        {**row, "low": max(low, row["low"]), "high": min(high, row["high"])} for row in rows
    ]
    layers = [
        Layer(mark=Mark.RULE, rows=[{"estimate": 0.0}], y="estimate", ink=Ink.INK),
        Layer(mark=Mark.RULE, rows=within, x="day", y="low", y2="high", width=2, opacity=0.55),
        Layer(mark=Mark.POINT, rows=within, x="day", y="estimate", size=55),
    ]
    if parts:
        layers.append(
            Layer(mark=Mark.RULE, rows=parts, x="from", x2="to", y="estimate", width=2, dash=(6, 4))
        )
    last = max(row["day"] for row in rows)
    panel = Panel(
        x=Numbers(
            low=-0.5,
            high=round(last) + 0.5,
            form=COUNT,
            title="day since the first exposure",
            whole=True,
            grid=False,
        ),
        y=Numbers(
            low=low,
            high=high,
            form=changes(low, high, relative=effects.relative),
            title="lift" if effects.relative else "difference",
            ticks=5,
        ),
        layers=layers,
    )
    return Plot(
        panels=[panel],
        variants=[*names.values()],
        first=1,
        stops=range(max(len(effect.days) for effect in novelty.treatments)),
        ends=MappingProxyType(dict(_last_of(novelty, names))),
    )


def _last_of(novelty: Novelty, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """By label, the lift on the last day that is compared, and its interval."""
    for of in novelty.treatments:
        compared = [(day, found) for day, found in enumerate(of.days) if found is not None]
        if compared and of.variant in names:
            day, last = compared[-1]
            said = f"{figures.lift(last)}, from {figures.interval(last)}, on day {day}"
            yield names[of.variant], said


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
    ends = sorted(abs(row[key]) for row in rows for key in ("low", "high"))
    usual = ends[(len(ends) - 1) * 9 // 10]
    return [max(-usual, min(usual, row[key])) for row in rows for key in ("low", "high")]
