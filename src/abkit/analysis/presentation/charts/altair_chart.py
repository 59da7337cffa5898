"""A chart in Vega-Lite as an Altair chart, to show and to change in a notebook."""

from collections.abc import Mapping
from typing import Any

from abkit.analysis.presentation.charts.vega import Spec
from abkit.extras import extra


def altair_chart(spec: Spec) -> Any:
    """The chart as an object of Altair.

    It is made of Altair's parts, not by its `from_dict`, which takes seconds; and as `spec` is known to be
    valid, nothing is validated at each step.

    Args:
        spec: As `vega_lite` makes it.

    Raises:
        MissingExtraError: Altair is not installed.
    """
    alt = _module()
    whole = {
        name: value for name, value in spec.items() if name not in ("$schema", "vconcat", "layer")
    }
    with alt.utils.schemapi.debug_mode(False):
        if "vconcat" in spec:
            panels = [_layered(panel["layer"], panel) for panel in spec["vconcat"]]
            return alt.VConcatChart(vconcat=panels, **whole)
        return _layered(spec["layer"], whole)


def _layered(layers: list[Spec], about: Mapping[str, Any]) -> Any:
    alt = _module()
    others = {name: value for name, value in about.items() if name != "layer"}
    return alt.LayerChart(layer=[_layer(layer) for layer in layers], **others)


def _layer(spec: Spec) -> Any:
    alt = _module()
    # Of a list, Altair makes a deep copy at each step of making a chart.
    data = alt.Data(values=tuple(spec["data"]["values"]))
    chart = alt.Chart(data, mark=alt.MarkDef(**spec["mark"]))
    return chart.encode(
        **{channel: _channel(channel, how) for channel, how in spec["encoding"].items()}
    )


def _channel(channel: str, how: Any) -> Any:
    alt = _module()
    if channel == "tooltip":
        return [alt.Tooltip(**each) for each in how]
    if "value" in how:
        return alt.value(how["value"])
    kind = channel[0].upper() + channel[1:]
    return getattr(alt, kind)(**how)


def _module() -> Any:
    with extra("charts"):
        import altair as alt
    return alt
