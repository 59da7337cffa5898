"""A chart in Vega-Lite, for notebooks and pictures: plain values, so that it costs next to nothing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from abkit.analysis.presentation.charts.plot import (
    Ink,
    Layer,
    Mark,
    Names,
    Numbers,
    Panel,
    Plot,
    Times,
)
from abkit.analysis.presentation.charts.shapes import SHAPES, in_vega
from abkit.analysis.presentation.charts.svg_elements import text_width
from abkit.analysis.presentation.charts.theme import DASHES, Size, Theme, inked, series_of
from abkit.analysis.presentation.charts.vega_tooltips import Told, tooltip
from abkit.analysis.presentation.figures import drawable

Spec: TypeAlias = dict[str, Any]

_SPACING = 14
"""Between two panels, in pixels."""

_SYMBOL = 45
"""The symbol of a legend's entry, and what is around it."""


def vega_lite(plot: Plot, *, theme: Theme, size: Size) -> Spec:
    """The chart, in the colours and the font of a theme.

    Args:
        plot: The chart.
        theme: The colours and the font.
        size: Of its main panel.
    """
    panels = [_panel(panel, plot, theme, size) for panel in plot.panels]
    body = panels[0] if len(panels) == 1 else {"vconcat": panels, "spacing": _SPACING}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "config": _config(theme),
        **({"title": _title(plot, size)} if theme.titled else {}),
        **body,
    }


def _panel(panel: Panel, plot: Plot, theme: Theme, size: Size) -> Spec:
    variants = _variants(plot, theme, size)
    places = {"x": _axis(panel.x, size), "y": _axis(panel.y, size)}
    return {
        "layer": [
            _told(_layer(layer, places, variants, theme), tooltip(layer, panel))
            for layer in panel.layers
        ],
        "width": size.width,
        "height": panel.y.row * len(panel.y.names)
        if isinstance(panel.y, Names)
        else panel.share * size.height,
    }


def _layer(
    layer: Layer, places: Mapping[str, Spec], variants: Mapping[str, Spec], theme: Theme
) -> Spec:
    mark: Spec = {"type": layer.mark.value, "opacity": layer.opacity}
    encoding: Spec = {}
    if layer.ink is Ink.VARIANT:
        encoding["color"] = variants["color"]
    else:
        mark["color"] = inked(layer.ink, theme)
    match layer.mark:
        case Mark.POINT:
            mark |= {"filled": True, "size": layer.size}
            if layer.ink is Ink.VARIANT and "shape" in variants:
                encoding["shape"] = variants["shape"]
        case Mark.TEXT:
            mark |= {"align": "left", "baseline": "top", "dx": 4}
            encoding |= {"text": {"field": layer.text, "type": "nominal"}, "y": {"value": 0}}
        case Mark.LINE | Mark.RULE:
            mark["strokeWidth"] = layer.width
            if layer.dash is not None:
                mark["strokeDash"] = [*layer.dash]
                mark["strokeCap"] = "round" if layer.mark is Mark.LINE else "butt"
            elif layer.mark is Mark.LINE:
                encoding["strokeDash"] = variants["strokeDash"]
            if layer.steps:
                mark["interpolate"] = "step-after"
        case Mark.AREA:
            pass
    for channel, field in (("x", layer.x), ("y", layer.y)):
        if field is not None:
            encoding[channel] = {"field": field, **places[channel]}
    for channel, field in (("x2", layer.x2), ("y2", layer.y2)):
        if field is not None:
            encoding[channel] = {"field": field}
    return {"data": {"values": [*layer.rows]}, "mark": mark, "encoding": encoding}


def _told(layer: Spec, told: list[Told]) -> Spec:
    """The layer with its tooltip. A line has one at each of its points, which are not seen."""
    if told:
        layer["encoding"]["tooltip"] = told
        if layer["mark"]["type"] == Mark.LINE.value:
            layer["mark"]["point"] = "transparent"
    return layer


def _axis(axis: Times | Numbers | Names, size: Size) -> Spec:
    """How values become places."""
    match axis:
        case Times():
            return _times(axis, size)
        case Numbers():
            return _numbers(axis)
        case Names(names=names):
            plain = {"grid": False, "ticks": False}
            return {"type": "nominal", "title": None, "sort": [*names], "axis": plain}


def _times(axis: Times, size: Size) -> Spec:
    shown = [axis.looks[number] for number in axis.labelled(size.ticks)]
    return {
        "type": "temporal",
        "title": None,
        "scale": {"type": "utc", "domain": [axis.low, axis.high], "nice": False},
        "axis": {"values": shown, "format": axis.form, "grid": False, "labelFlush": True},
    }


def _numbers(axis: Numbers) -> Spec:
    labels: Spec = {"labelExpr": axis.form.expression, "grid": axis.grid}
    if axis.ticks is not None:
        labels["tickCount"] = axis.ticks
    if axis.whole:
        labels["tickMinStep"] = 1
    return {
        "type": "quantitative",
        "title": axis.title or None,
        "scale": {"domain": [axis.low, axis.high], "nice": False, "zero": False},
        "axis": labels,
    }


def _variants(plot: Plot, theme: Theme, size: Size) -> Mapping[str, Spec]:
    """The colour of each variant, and the dashes of its lines or else the shape of its points; one legend."""
    legend = _legend(plot, size)
    ranges: dict[str, Sequence[object]] = {
        "color": series_of(plot.variants, theme.series, first=plot.first),
    }
    if plot.has_lines:
        ranges["strokeDash"] = series_of(plot.variants, DASHES, first=plot.first)
    else:
        ranges["shape"] = [*map(in_vega, series_of(plot.variants, SHAPES, first=plot.first))]
    return {
        channel: {
            "field": "variant",
            "type": "nominal",
            "scale": {"domain": [*plot.variants], "range": [*values]},
            "legend": legend,
        }
        for channel, values in ranges.items()
    }


def _legend(plot: Plot, size: Size) -> Spec:
    """Names stand whole beside each other, as many as have room; the symbol is a line, or a point."""
    longest = max(map(text_width, plot.variants), default=0)
    beside = int(size.width // (longest + _SYMBOL))
    columns = max(1, min(size.entries, beside, len(plot.variants)))
    symbol = (
        {"symbolType": "stroke"} if plot.has_lines else {"symbolSize": 70, "symbolStrokeWidth": 0}
    )
    return {"columns": columns, "labelLimit": size.width - _SYMBOL, **symbol}


def _title(plot: Plot, size: Size) -> Spec:
    return {
        "text": drawable(plot.title),
        "subtitle": [*_broken(drawable(plot.subtitle), size.width)],
    }


def _broken(text: str, width: int) -> Iterator[str]:
    """The lines of a text, none of which is wider, unless one word is."""
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if line and text_width(longer) > width:
            yield line
            line = word
        else:
            line = longer
    yield line


def _config(theme: Theme) -> Spec:
    return {
        "background": theme.paper,
        "font": theme.font,
        "padding": 14 if theme.titled else 4,
        "view": {"stroke": None},
        "aria": False,
        "axis": {
            "labelColor": theme.quiet,
            "titleColor": theme.quiet,
            "gridColor": theme.rule,
            "domainColor": theme.rule,
            "tickColor": theme.rule,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "labelLimit": 180,
        },
        "legend": {
            "labelColor": theme.ink,
            "labelFontSize": 12,
            "labelLimit": 150,
            "symbolType": "stroke",
            "symbolSize": 420,
            "symbolOpacity": 1,
            "symbolStrokeWidth": 2.5,
            "orient": "top",
            "title": None,
        },
        "title": {
            "anchor": "start",
            "color": theme.ink,
            "subtitleColor": theme.quiet,
            "fontSize": 15,
            "subtitleFontSize": 12,
            "subtitlePadding": 4,
            "limit": 640,
            "offset": 12,
        },
    }
