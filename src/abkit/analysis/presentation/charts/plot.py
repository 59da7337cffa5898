"""The definition of a chart, without its colours and its size: page, notebook and picture share it."""

from collections.abc import Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Any, TypeAlias

from attrs import field, frozen

from abkit.analysis import times
from abkit.analysis.presentation.charts.scales import Form

Row: TypeAlias = Mapping[str, Any]
"""Values by their names: numbers, and the labels of variants."""


class Mark(Enum):
    """What a layer draws: Vega-Lite's words."""

    LINE = "line"
    AREA = "area"
    RULE = "rule"
    POINT = "point"
    TEXT = "text"


class Ink(Enum):
    """What a colour is for; a theme says which one that is."""

    VARIANT = "variant"
    FIRST = "first"
    INK = "ink"
    QUIET = "quiet"
    GOAL = "goal"
    MARGIN = "margin"


@frozen(kw_only=True)
class Numbers:
    """An axis of numbers.

    Attributes:
        low: Its beginning.
        high: Its end.
        form: How its labels are written.
        title: What the numbers are; empty where it is said elsewhere.
        ticks: About how many labels there are; None: as many as have room.
        whole: Whether only whole numbers have labels.
        grid: Whether lines lead from the labels through the panel.
    """

    low: float
    high: float
    form: Form
    title: str = ""
    ticks: int | None = None
    whole: bool = False
    grid: bool = True


@frozen(kw_only=True)
class Times:
    """An axis of looks, in milliseconds since 1970.

    Attributes:
        low: Its beginning.
        high: Its end.
        looks: Where labels may stand.
        written: Their labels.
        form: How these are written, in the words of d3-time-format.
    """

    low: float
    high: float
    looks: Sequence[float]
    written: Sequence[str]
    form: str

    def labelled(self, room: int) -> Sequence[int]:
        """Which looks have labels, where there is room for so many."""
        return times.spread(len(self.looks), at_most=room)


@frozen(kw_only=True)
class Names:
    """An axis of names, one beneath the other.

    Attributes:
        names: The names.
        row: The height of each, in pixels.
    """

    names: Sequence[str]
    row: int


@frozen(kw_only=True)
class Layer:
    """Marks of one kind. Which places they have is said by the names of the rows' values.

    Attributes:
        mark: The kind.
        rows: What is drawn: one mark each, or a point of the line or the area of its "variant".
        x: The horizontal place; None: from side to side.
        y: The vertical place; None: from top to bottom.
        x2: Where the mark ends horizontally, if it is long.
        y2: Where the mark ends vertically, if it is long.
        ink: The colour.
        dash: Of a line; None: none, or those of the variants for lines.
        width: Of a line.
        size: Of a point, as an area.
        opacity: From 0 to 1.
        steps: Whether a line keeps its height until the next point.
        text: Which value is written.
    """

    mark: Mark
    rows: Sequence[Row]
    x: str | None = None
    y: str | None = None
    x2: str | None = None
    y2: str | None = None
    ink: Ink = Ink.VARIANT
    dash: tuple[int, ...] | None = None
    width: float = 1
    size: float = 50
    opacity: float = 1
    steps: bool = False
    text: str | None = None


@frozen(kw_only=True)
class Panel:
    """An area with two axes.

    Attributes:
        x: The horizontal axis.
        y: The vertical one.
        layers: From back to front.
        share: The height, in that of the chart's main panel.
    """

    x: Times | Numbers
    y: Numbers | Names
    layers: Sequence[Layer]
    share: float = 1


@frozen(kw_only=True)
class Plot:
    """A chart.

    Attributes:
        panels: One beneath the other.
        variants: The labels of the variants, if colours tell them apart.
        first: The place of the first of them among all variants: 0 is the control's.
        stops: The horizontal places whose numbers can be read, one after the other: a row each, or several,
            of the table beside the chart.
        ends: What the series of each variant says at its end, in words.
        title: For a chart that stands alone.
        subtitle: The same.
    """

    panels: Sequence[Panel]
    variants: Sequence[str] = field(default=())
    first: int = 0
    stops: Sequence[float] = field(default=())
    ends: Mapping[str, str] = field(factory=lambda: MappingProxyType({}))
    title: str = ""
    subtitle: str = ""

    @property
    def has_lines(self) -> bool:
        """Whether variants have lines, so that their dashes tell them apart; else only their points do."""
        return any(
            layer.mark is Mark.LINE and layer.ink is Ink.VARIANT
            for panel in self.panels
            for layer in panel.layers
        )
