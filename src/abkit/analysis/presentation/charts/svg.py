"""A chart as an SVG element of an HTML page, drawn here: a page has dozens of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape
from math import ceil, pi
from typing import Any

from attrs import frozen

from abkit.analysis.presentation.charts.plot import (
    Ink,
    Layer,
    Mark,
    Names,
    Numbers,
    Panel,
    Plot,
    Row,
    Times,
)
from abkit.analysis.presentation.charts.scales import ticks
from abkit.analysis.presentation.charts.shapes import CIRCLE, SHAPES, Shape, outline
from abkit.analysis.presentation.charts.svg_elements import (
    LETTER,
    cut,
    path_element,
    text_element,
    text_width,
    through,
)
from abkit.analysis.presentation.charts.theme import (
    DASHES,
    PAGE,
    Size,
    Theme,
    inked,
    series_of,
)

_LINE = 20
"""The height of a line of text."""

_GAP = 14
"""Between two panels."""

_SYMBOL = 28
"""The width of a legend's line, and what is between it and its label."""

_TICK = 40
"""Pixels for each label of an axis that has as many as have room."""


@frozen(kw_only=True)
class Frame:
    """A panel on the canvas.

    Attributes:
        left: Its left side.
        top: Its upper side.
        width: Its width.
        height: Its height.
        panel: What is drawn in it.
    """

    left: float
    top: float
    width: float
    height: float
    panel: Panel

    @property
    def right(self) -> float:
        """Its right side."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Its lower side."""
        return self.top + self.height

    def x(self) -> Callable[[float], float]:
        """From values to places from the left."""
        axis = self.panel.x
        return _places(axis.low, axis.high, self.left, self.right)

    def y(self) -> Callable[[Any], float]:
        """From values or names to places from the top."""
        axis = self.panel.y
        if isinstance(axis, Names):
            places = {name: (n + 0.5) * axis.row for n, name in enumerate(axis.names)}
            return lambda name: self.top + places[name]
        return _places(axis.low, axis.high, self.bottom, self.top)


def _places(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """From values to places; those beyond an end are there. Of one value only, it is in the middle."""
    if not low < high:
        return lambda _: (start + end) / 2
    pixels = (end - start) / (high - low)

    def place(value: float) -> float:
        within = low if value < low else high if value > high else value
        return start + (within - low) * pixels

    return place


@frozen(kw_only=True)
class Look:
    """What tells a variant from the others."""

    colour: str
    dash: Sequence[int] = ()
    shape: Shape = CIRCLE
    said: str = ""


def drawn(plot: Plot, *, size: Size, label: str, theme: Theme = PAGE) -> str:
    """A chart as an SVG element.

    Args:
        plot: The chart.
        size: Of its main panel.
        label: What it shows, in words, for those who do not see it.
        theme: The colours; those that the page defines.
    """
    looks = {
        name: Look(colour=colour, dash=dash, shape=shape, said=_said(name, plot))
        for name, colour, dash, shape in zip(
            plot.variants,
            series_of(plot.variants, theme.series, first=plot.first),
            series_of(plot.variants, DASHES, first=plot.first),
            series_of(plot.variants, SHAPES, first=plot.first),
            strict=False,
        )
    }
    left = 8 + max(text_width(text) for panel in plot.panels for _, text in _y_labels(panel.y))
    left += _LINE + 4 if any(_title(panel.y) for panel in plot.panels) else 0
    dashed = plot.has_lines
    legend, top = _legend(looks, left=left, width=size.width, theme=theme, dashed=dashed)
    parts = [legend]
    frames: list[Frame] = []
    for panel in plot.panels:
        height = size.height * panel.share
        if isinstance(panel.y, Names):
            height = panel.y.row * len(panel.y.names)
        frame = Frame(left=left, top=top, width=size.width, height=height, panel=panel)
        parts += [*_axes(frame, size, theme), *_marks(frame, looks, theme)]
        frames.append(frame)
        top = frame.bottom + _LINE + (_LINE if _title(panel.x) else 0) + _GAP
    box = f"0 0 {ceil(left + size.width + LETTER)} {ceil(top - _GAP)}"
    return (
        f'<svg class="chart" role="img" aria-label="{escape(label)}" viewBox="{box}"{_stops(plot, frames)} '
        f'font-size="{LETTER}" font-family="{theme.font}">{"".join(parts)}</svg>'
    )


def _said(name: str, plot: Plot) -> str:
    """The tooltip of a series, which needs no script."""
    return f"{name}: {plot.ends[name]}" if name in plot.ends else name


def _stops(plot: Plot, frames: Sequence[Frame]) -> str:
    """Where the numbers of the table belong on the canvas, for the script that shows them."""
    if not plot.stops:
        return ""
    x = frames[0].x()
    places = " ".join(f"{x(stop):.0f}" for stop in plot.stops)
    band = f"{frames[0].top:.0f} {frames[-1].bottom:.0f}"
    return f' data-band="{band}" data-first="{plot.first}" data-stops="{places}"'


def _legend(
    looks: Mapping[str, Look], *, left: float, width: int, theme: Theme, dashed: bool
) -> tuple[str, float]:
    """The legend, and where the first panel begins: names stand whole, in as many lines as they need."""
    if not looks:
        return "", LETTER
    entries = []
    x, y = left, 9.0
    for name, look in looks.items():
        text = cut(name, width - _SYMBOL)
        if x > left and x + _SYMBOL + text_width(text) > left + width:
            x, y = left, y + _LINE
        dash = look.dash if dashed else ()
        entries.append(path_element(f"M{x:.1f} {y}h20", look.colour, width=2.5, dash=dash))
        entries.append(_points([(x + 10, y)], look, half=4))
        entries.append(text_element(text, x + _SYMBOL, y + 4))
        x += _SYMBOL + text_width(text) + 2 * LETTER
    return f'<g fill="{theme.ink}">{"".join(entries)}</g>', y + _LINE + 5


def _axes(frame: Frame, size: Size, theme: Theme) -> Iterator[str]:
    """The grid, the labels and the titles of a panel."""
    x, y = frame.x(), frame.y()
    labels = _x_labels(frame.panel.x, size)
    rows = [(y(value), text) for value, text in _y_labels(frame.panel.y)]
    grid = "".join(f"M{frame.left:.1f} {place:.1f}h{frame.width}" for place, _ in rows)
    if isinstance(frame.panel.y, Names):
        grid = "".join(f"M{x(value):.1f} {frame.top}v{frame.height}" for value, _ in labels)
    beneath = "".join(f"M{x(value):.1f} {frame.bottom:.1f}v5" for value, _ in labels)
    sides = f"M{frame.left:.1f} {frame.top:.1f}V{frame.bottom:.1f}h{frame.width}"
    yield path_element(grid + beneath + sides, theme.rule)
    texts = [text_element(text, frame.left - 7, place + 4, anchor="end") for place, text in rows]
    for value, text in labels:
        place = x(value)
        half = text_width(text) / 2
        inside = isinstance(frame.panel.x, Times)
        anchor = (
            "start"
            if inside and place - half < frame.left
            else "end"
            if inside and place + half > frame.right
            else "middle"
        )
        texts.append(text_element(text, place, frame.bottom + 17, anchor=anchor))
    if title := _title(frame.panel.x):
        middle = frame.left + frame.width / 2
        texts.append(text_element(title, middle, frame.bottom + 17 + _LINE * 0.85, anchor="middle"))
    if title := _title(frame.panel.y):
        turned = f"rotate(-90 {LETTER} {frame.top + frame.height / 2:.1f})"
        middle = frame.top + frame.height / 2
        texts.append(text_element(title, LETTER, middle, anchor="middle", transform=turned))
    yield f'<g fill="{theme.quiet}">{"".join(texts)}</g>'


def _marks(frame: Frame, looks: Mapping[str, Look], theme: Theme) -> Iterator[str]:
    for layer in frame.panel.layers:
        if layer.ink is not Ink.VARIANT:
            look = Look(colour=inked(layer.ink, theme))
            yield _mark(layer, layer.rows, frame, look)
            continue
        by_variant: dict[str, list[Row]] = {}
        for row in layer.rows:
            by_variant.setdefault(str(row["variant"]), []).append(row)
        for variant, rows in by_variant.items():
            look = looks[variant]
            drawing = _mark(layer, rows, frame, look)
            yield f"<g><title>{escape(look.said, quote=False)}</title>{drawing}</g>"


def _mark(layer: Layer, rows: Sequence[Row], frame: Frame, look: Look) -> str:
    """The rows of one layer and colour."""
    x, y = frame.x(), frame.y()
    match layer.mark:
        case Mark.LINE:
            dash = look.dash if layer.dash is None else layer.dash
            points = [(x(row[layer.x or ""]), y(row[layer.y or ""])) for row in rows]
            return path_element(
                through(points, steps=layer.steps), look.colour, width=layer.width, dash=dash
            )
        case Mark.AREA:
            over = [(x(row[layer.x or ""]), y(row[layer.y2 or ""])) for row in rows]
            under = [(x(row[layer.x or ""]), y(row[layer.y or ""])) for row in reversed(rows)]
            shape = through([*over, *under])
            return f'<path d="{shape}z" fill="{look.colour}" fill-opacity="{layer.opacity}"/>'
        case Mark.POINT:
            points = [(x(row[layer.x or ""]), y(row[layer.y or ""])) for row in rows]
            return _points(points, look, half=(layer.size / pi) ** 0.5)
        case Mark.RULE:
            rules = "".join(
                "M{:.1f} {:.1f}L{:.1f} {:.1f}".format(*_ends(layer, row, frame)) for row in rows
            )
            return path_element(
                rules, look.colour, width=layer.width, dash=layer.dash or (), opacity=layer.opacity
            )
        case Mark.TEXT:
            texts = (
                text_element(str(row[layer.text or ""]), x(row[layer.x or ""]) + 4, frame.top + 11)
                for row in rows
            )
            return f'<g fill="{look.colour}">{"".join(texts)}</g>'


def _points(points: Iterable[tuple[float, float]], look: Look, *, half: float) -> str:
    """Points of one variant, all of them as one element."""
    if look.shape:
        shapes = "".join(outline(look.shape, x, y, half=half) for x, y in points)
        return f'<path d="{shapes}" fill="{look.colour}"/>'
    # A line of no length with round ends is a dot.
    dots = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in points)
    return path_element(dots, look.colour, width=round(2 * half, 1), cap="round")


def _ends(layer: Layer, row: Row, frame: Frame) -> tuple[float, float, float, float]:
    """The ends of a rule: x1, y1, x2, y2."""
    x, y = frame.x(), frame.y()
    x1, x2 = (frame.left, frame.right) if layer.x is None else (x(row[layer.x]),) * 2
    y1, y2 = (frame.top, frame.bottom) if layer.y is None else (y(row[layer.y]),) * 2
    if layer.x2 is not None:
        x2 = x(row[layer.x2])
    if layer.y2 is not None:
        y2 = y(row[layer.y2])
    return x1, y1, x2, y2


def _y_labels(axis: Numbers | Names) -> Sequence[tuple[float | str, str]]:
    if isinstance(axis, Names):
        return [(name, name) for name in axis.names]
    found = ticks(axis.low, axis.high, about=axis.ticks or 5, whole=axis.whole)
    return [(value, axis.form(value)) for value in found]


def _x_labels(axis: Times | Numbers, size: Size) -> Sequence[tuple[float, str]]:
    if isinstance(axis, Times):
        return [(axis.looks[n], axis.written[n]) for n in axis.labelled(size.ticks)]
    about = axis.ticks or max(1, size.width // _TICK)
    return [
        (value, axis.form(value))
        for value in ticks(axis.low, axis.high, about=about, whole=axis.whole)
    ]


def _title(axis: Times | Numbers | Names) -> str:
    return axis.title if isinstance(axis, Numbers) else ""
