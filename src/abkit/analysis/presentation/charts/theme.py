"""How charts look: in a picture, and within a page that has colours of its own."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from abkit.analysis.presentation.figures import drawable
from abkit.extras import extra

DASHES = ([1, 0], [1, 0], [7, 3], [2, 2], [7, 3, 2, 3], [4, 2], [10, 2], [1, 3], [5, 1, 1, 1])
"""Lines differ in their dashes as well as in their colours: for print, and for the colour-blind."""

DRAWN = len(DASHES) - 1
"""So many variants beside the control are drawn; tables have all of them."""


@frozen(kw_only=True)
class Theme:
    """Colours and the font.

    Attributes:
        ink: Of what matters.
        quiet: Of labels.
        rule: Of the grid.
        paper: Of the background.
        goal: Of the line of the goal.
        margin: Of the line of a guardrail's margin.
        series: Of the variants, the control first.
        font: Of all texts.
        titled: Whether charts have titles; a page has headings instead.
    """

    ink: str
    quiet: str
    rule: str
    paper: str
    goal: str
    margin: str
    series: tuple[str, ...]
    font: str
    titled: bool


PAPER = Theme(
    ink="#1c2024",
    quiet="#5c6670",
    rule="#dfe3e6",
    paper="#ffffff",
    goal="#15803d",
    margin="#b3261e",
    series=(
        *("#6b7680", "#1f6fd1", "#c2570c", "#8a3ffc", "#b8327a"),
        *("#0f766e", "#a16207", "#be123c", "#4338ca"),
    ),
    font="sans-serif",
    titled=True,
)
"""Dark on white: for pictures and notebooks."""

PAGE = Theme(
    ink="var(--ink)",
    quiet="var(--quiet)",
    rule="var(--rule)",
    paper="transparent",
    goal="var(--goal)",
    margin="var(--bad)",
    series=tuple(f"var(--series-{number})" for number in range(len(DASHES))),
    font="inherit",
    titled=False,
)
"""The custom properties of the report's style sheet, which know light, dark and print."""


@frozen
class Size:
    """The area of the plot, in pixels.

    Attributes:
        width: From the first look to the last.
        height: Of one panel.
    """

    width: int = 620
    height: int = 230

    @property
    def ticks(self) -> int:
        """How many labels have room beneath it."""
        return max(2, self.width // 110)

    @property
    def entries(self) -> int:
        """How many entries of a legend have room beside each other."""
        return max(1, self.width // 130)


def module() -> Any:
    """Altair.

    Raises:
        MissingExtraError: It is not installed.
    """
    with extra("charts"):
        import altair as alt
    return alt


def rows_of(rows: Sequence[Mapping[str, object]]) -> Any:
    """The data of a chart. Of a list, Altair makes a deep copy at each step of making a chart."""
    return module().Data(values=tuple(rows))


def styled(chart: Any, theme: Theme, *, title: str, subtitle: str = "") -> Any:
    """A chart with its title, in the colours and the font of a theme."""
    if theme.titled:
        chart = chart.properties(title={"text": drawable(title), "subtitle": drawable(subtitle)})
    axis = {
        "labelColor": theme.quiet,
        "titleColor": theme.quiet,
        "gridColor": theme.rule,
        "domainColor": theme.rule,
        "tickColor": theme.rule,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelLimit": 180,
    }
    legend = {
        "labelColor": theme.ink,
        "labelFontSize": 12,
        "labelLimit": 150,
        "symbolType": "stroke",
        "symbolSize": 420,
        "symbolOpacity": 1,
        "symbolStrokeWidth": 2.5,
        "orient": "top",
        "title": None,
    }
    heading = {
        "anchor": "start",
        "color": theme.ink,
        "subtitleColor": theme.quiet,
        "fontSize": 15,
        "subtitleFontSize": 12,
        "subtitlePadding": 4,
        "limit": 640,
        "offset": 12,
    }
    return chart.configure(
        background=theme.paper,
        font=theme.font,
        padding=14 if theme.titled else 4,
        axis=axis,
        view={"stroke": None},
        legend=legend,
        title=heading,
        aria=False,
    )


def change_labels(low: float, high: float, *, relative: bool) -> str:
    """The labels of an axis of changes from `low` to `high`, as an expression: signed, but for 0."""
    if not relative:
        return "datum.value === 0 ? '0' : format(datum.value, '+.3~g')"
    form = "+.0%" if 0.08 < high - low < 100 else "+.2~%"
    return f"datum.value === 0 ? '0%' : format(datum.value, '{form}')"
