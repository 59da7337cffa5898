"""The chart of cumulative exposures."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from abkit.analysis.presentation.charts.series import Looks, Row, colours, drawn, labels
from abkit.analysis.presentation.charts.theme import Size, Theme, module, rows_of
from abkit.analysis.presentation.phase_marks import PhaseMark

if TYPE_CHECKING:
    from abkit.analysis.findings.cumulative import CumulativeUnits


def cumulative_chart(
    units: "CumulativeUnits", marks: Sequence[PhaseMark] = (), *, theme: Theme, size: Size
) -> Any:
    """Units by the end of each day, one line a variant; dotted where the last day is not over.

    Args:
        units: The units.
        marks: Where phases begin: a rule with the phase's number, dashed where units are compared across it.
        theme: The colours.
        size: Of the panel.
    """
    alt = module()
    looks = Looks.of(units.ends)
    control, *treatments = units.units
    names = labels([control, *drawn(treatments)])
    lines = {label: units.units[variant] for variant, label in names.items()}
    last = len(units.ends) - 1
    until = last if units.complete else max(0, last - 1)
    x = looks.axis(size)
    y = alt.Y("units:Q", title=None, axis=alt.Axis(format=",d", tickCount=4, tickMinStep=1))
    encoding = colours(list(lines), theme, size)
    layers = [
        alt.Chart(_rows(looks, lines, 0, until)).mark_line(strokeWidth=2.5).encode(x, y, **encoding)
    ]
    if until < last:
        layers.append(
            alt.Chart(_rows(looks, lines, until, last))
            .mark_line(strokeWidth=2.5, strokeDash=[1, 4], strokeCap="round")
            .encode(x, y, color=encoding["color"])
        )
    layers += _phases(looks, marks, theme)
    layers.append(
        alt.Chart(_rows(looks, lines, last, last))
        .mark_point(size=50, filled=True, opacity=1)
        .encode(x, y, color=encoding["color"])
    )
    return alt.layer(*layers).properties(width=size.width, height=size.height)


def _phases(looks: Looks, marks: Sequence[PhaseMark], theme: Theme) -> list[Any]:
    """A vertical rule for each phase that begins, and its number above."""
    alt = module()
    layers = []
    for dash, splits in (([1, 0], True), ([3, 3], False)):
        rows = [
            {"time": looks.moment(mark.at), "number": str(mark.number)}
            for mark in marks
            if mark.splits is splits
        ]
        if rows:
            base = alt.Chart(rows_of(rows)).encode(x="time:T")
            layers.append(base.mark_rule(color=theme.quiet, strokeDash=dash))
            number = base.mark_text(align="left", baseline="top", dx=4, color=theme.quiet)
            layers.append(number.encode(text="number:N", y=alt.value(0)))
    return layers


def _rows(looks: Looks, lines: dict[str, tuple[int, ...]], first: int, last: int) -> Any:
    rows: list[Row] = [
        {"time": looks.instant(number), "variant": variant, "units": counts[number]}
        for variant, counts in lines.items()
        for number in range(first, last + 1)
    ]
    return rows_of(rows)
