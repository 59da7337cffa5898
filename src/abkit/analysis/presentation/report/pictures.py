"""The charts of a report as SVG within the page, for wide screens and for phones."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from abkit.analysis.presentation.charts.drawing import Drawing
from abkit.analysis.presentation.charts.plot import Plot
from abkit.analysis.presentation.charts.svg import drawn
from abkit.analysis.presentation.charts.theme import Size
from abkit.analysis.presentation.figures import legible

if TYPE_CHECKING:
    from markupsafe import Markup

    from abkit.analysis.outcome import Outcome

_SIZES = (Size(width=790, height=240), Size(width=270, height=190))
"""One drawing shrunk to a phone could not be read."""


class Pictures:
    """Each chart twice: wide and narrow; only one of them is shown. They are drawn when they are looked at.

    Args:
        result: The result of an analysis.
    """

    def __init__(self, result: "Outcome") -> None:
        self._charts = Drawing(result)

    @cached_property
    def cumulative(self) -> "tuple[Markup, ...]":
        """Of the exposures; empty if there are none over time."""
        return _inline(self._charts.cumulative(), "Units exposed over time")

    @cached_property
    def over_time(self) -> "Mapping[str, tuple[Markup, ...]]":
        """By metric, its lift over time; only where there is something to draw."""
        charts = self._charts.each(self._charts.over_time)
        return {name: _inline(chart, f"{name} over time") for name, chart in charts.items()}

    @cached_property
    def by_day(self) -> "Mapping[str, tuple[Markup, ...]]":
        """By metric, its effect by days since exposure; likewise."""
        charts = self._charts.each(self._charts.by_day)
        return {
            name: _inline(chart, f"{name} by days since exposure") for name, chart in charts.items()
        }


def _inline(chart: Plot | None, what: str) -> "tuple[Markup, ...]":
    from markupsafe import Markup

    if chart is None:
        return ()
    label = legible(_label(chart, what))
    return tuple(
        Markup(drawn(chart, size=size, label=label))  # noqa: S704 - all texts are escaped
        for size in _SIZES
    )


def _label(chart: Plot, what: str) -> str:
    """What a chart shows, and how each series ends, for those who do not see it."""
    ends = "; ".join(f"{variant}: {said}" for variant, said in chart.ends.items())
    return f"{what}. At the end {ends}." if ends else what
