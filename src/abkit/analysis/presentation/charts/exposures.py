"""The chart of cumulative exposures."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from abkit.analysis.presentation.charts.plot import Ink, Layer, Mark, Numbers, Panel, Plot, Row
from abkit.analysis.presentation.charts.scales import COUNT, rounded_up
from abkit.analysis.presentation.charts.series import Looks, drawn, labels, stops
from abkit.analysis.presentation.phase_marks import PhaseMark

if TYPE_CHECKING:
    from abkit.analysis.findings.cumulative import CumulativeUnits

_TICKS = 4


def cumulative_chart(units: "CumulativeUnits", marks: Sequence[PhaseMark] = ()) -> Plot:
    """Units by the end of each day, one line a variant; dotted where the last day is not over.

    Args:
        units: The units.
        marks: Where phases begin: a rule with the phase's number, dashed where units are compared across it.
    """
    looks = Looks.of(units.ends)
    control, *treatments = units.units
    names = labels([control, *drawn(treatments)])
    lines = {label: units.units[variant] for variant, label in names.items()}
    last = len(units.ends) - 1
    until = last if units.complete else max(0, last - 1)
    most = max(1, *(count for counts in lines.values() for count in counts))
    layers = [_line(_rows(looks, lines, 0, until))]
    if until < last:
        layers.append(_line(_rows(looks, lines, until, last), dash=(1, 4)))
    layers += _phases(looks, marks)
    ends = _rows(looks, lines, last, last)
    layers.append(Layer(mark=Mark.POINT, rows=ends, x="time", y="units"))
    panel = Panel(
        x=looks.axis([looks.moment(mark.at) for mark in marks]),
        y=Numbers(low=0, high=rounded_up(most, about=_TICKS), form=COUNT, ticks=_TICKS, whole=True),
        layers=layers,
    )
    return Plot(
        panels=[panel],
        variants=[*lines],
        stops=[looks.places[number] for number in stops(len(looks.places))],
        ends=MappingProxyType({label: f"{counts[-1]:,}" for label, counts in lines.items()}),
    )


def _line(rows: Sequence[Row], *, dash: tuple[int, ...] | None = None) -> Layer:
    return Layer(mark=Mark.LINE, rows=rows, x="time", y="units", width=2.5, dash=dash)


def _phases(looks: Looks, marks: Sequence[PhaseMark]) -> list[Layer]:
    """A vertical rule for each phase that begins, and its number above."""
    layers = []
    for dash, splits in (((1, 0), True), ((3, 3), False)):
        rows = [
            {"time": looks.moment(mark.at), "number": str(mark.number)}
            for mark in marks
            if mark.splits is splits
        ]
        if rows:
            layers.append(Layer(mark=Mark.RULE, rows=rows, x="time", ink=Ink.QUIET, dash=dash))
            layers.append(Layer(mark=Mark.TEXT, rows=rows, x="time", ink=Ink.QUIET, text="number"))
    return layers


def _rows(looks: Looks, lines: Mapping[str, Sequence[int]], first: int, last: int) -> list[Row]:
    return [
        {"time": looks.places[number], "variant": variant, "units": counts[number]}
        for variant, counts in lines.items()
        for number in range(first, last + 1)
    ]
