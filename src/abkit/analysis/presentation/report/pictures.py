"""The charts of a report as SVG within the page, for wide screens and for phones."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from abkit.analysis.presentation.charts.drawing import Drawing
from abkit.analysis.presentation.charts.rendering import inline
from abkit.analysis.presentation.charts.theme import PAGE, Size
from abkit.analysis.presentation.figures import legible
from abkit.errors import MissingExtraError

if TYPE_CHECKING:
    from markupsafe import Markup

    from abkit.analysis.outcome import Outcome

_SIZES = (Size(width=790, height=240), Size(width=270, height=190))
"""One drawing shrunk to a phone could not be read."""


@frozen(kw_only=True)
class Pictures:
    """Each chart twice: wide and narrow; only one of them is shown.

    Attributes:
        cumulative: Of the exposures; empty if there are none over time.
        over_time: For each metric that was computed over time; empty where there is nothing to draw.
        by_day: By metric, its effect by days since exposure; only where there is something to draw.
    """

    cumulative: "tuple[Markup, ...]"
    over_time: "tuple[tuple[Markup, ...], ...]"
    by_day: "Mapping[str, tuple[Markup, ...]]"


def pictures(result: "Outcome") -> Pictures | None:
    """The charts of a report; None if the extra `charts` is not installed."""
    names = [found.metric.name for found in result.metrics if found.over_time is not None]
    if result.cumulative is None and not names:
        return None
    drawings = [Drawing(result, PAGE, size) for size in _SIZES]
    try:
        cumulative = [drawing.cumulative() for drawing in drawings]
        over_time = [drawing.each(drawing.over_time) for drawing in drawings]
        by_day = [drawing.each(drawing.by_day) for drawing in drawings]
        return Pictures(
            cumulative=_inline(cumulative, _cumulative_label(result)),
            over_time=tuple(
                _inline([charts.get(name) for charts in over_time], f"{name} over time")
                for name in names
            ),
            by_day={
                name: _inline([of[name] for of in by_day], f"{name} by days since exposure")
                for name in by_day[0]
            },
        )
    except MissingExtraError:
        return None


def _inline(charts: "Sequence[object | None]", label: str) -> "tuple[Markup, ...]":
    from markupsafe import Markup, escape

    text = str(escape(legible(label)))
    return tuple(
        Markup(inline(chart, label=text))  # noqa: S704 - Vega escapes the names within
        for chart in charts
        if chart is not None
    )


def _cumulative_label(result: "Outcome") -> str:
    units = result.cumulative.units if result.cumulative is not None else {}
    ends = ", ".join(f"{variant} {counts[-1]:,}" for variant, counts in units.items() if counts)
    return f"Units exposed over time; at the end {ends}"
