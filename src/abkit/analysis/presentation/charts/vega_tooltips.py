"""What a chart in Vega-Lite says of the mark that somebody points at. Pure."""

from collections.abc import Iterator
from typing import Any, TypeAlias

from abkit.analysis.presentation.charts.plot import Ink, Layer, Mark, Names, Numbers, Panel, Times

Told: TypeAlias = dict[str, Any]
"""One line of a tooltip."""

_DAY, _MINUTE = "utcyearmonthdate", "utcyearmonthdatehoursminutes"
_ENDS = (("low", "interval from"), ("high", "to"))


def tooltip(layer: Layer, panel: Panel) -> list[Told]:
    """The values of a mark that are told, in their order; empty for marks that only help the eye.

    Args:
        layer: The marks.
        panel: Where they are; its axes say how numbers are written.
    """
    measured = layer.ink in (Ink.VARIANT, Ink.FIRST) and layer.mark is not Mark.AREA
    if not measured or not layer.rows:
        return []
    return [*_lines(layer, panel)]


def _lines(layer: Layer, panel: Panel) -> Iterator[Told]:
    has = layer.rows[0].keys()
    if "variant" in has:
        yield {"field": "variant", "type": "nominal"}
    for field, axis in ((layer.x, panel.x), (layer.y, panel.y)):
        match axis:
            case Times(form=form) if field is not None:
                unit, title = (_MINUTE, "time, UTC") if "%H" in form else (_DAY, "day")
                yield {"field": field, "type": "temporal", "timeUnit": unit, "title": title}
            case Names() if field is not None:
                yield {"field": field, "type": "nominal"}
            case Numbers() if field in has and field not in ("low", "high"):
                yield _number(field, axis.title or field, axis)
    numbers = panel.x if isinstance(panel.y, Names) else panel.y
    if isinstance(numbers, Numbers):
        if "estimate" in has and "estimate" not in (layer.x, layer.y):
            yield _number("estimate", numbers.title, numbers)
        for field, title in _ENDS:
            if field in has:
                yield _number(field, title, numbers)


def _number(field: str, title: str, axis: Numbers) -> Told:
    return {"field": field, "type": "quantitative", "title": title, "format": axis.form.exact}
