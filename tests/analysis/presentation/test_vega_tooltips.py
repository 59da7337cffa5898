"""What charts of notebooks and pictures say: in full beneath their titles, and of each mark."""

from collections.abc import Callable, Iterator
from typing import Any

from abkit.analysis.presentation.charts import PAPER, Size
from abkit.analysis.presentation.charts.drawing import Drawing
from abkit.analysis.presentation.charts.plot import Plot
from abkit.analysis.presentation.charts.svg_elements import text_width
from abkit.analysis.presentation.charts.vega import vega_lite
from abkit.analysis.result import Result

Full = Callable[..., Result]


def specs(result: Result) -> dict[str, dict[str, Any]]:
    return {
        name: vega_lite(plot, theme=PAPER, size=Size()) for name, plot in Drawing(result).named()
    }


def tooltips(spec: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """The kind of mark and the fields that it tells, of each layer."""
    for panel in spec.get("vconcat", [spec]):
        for layer in panel["layer"]:
            told = layer["encoding"].get("tooltip", [])
            yield layer["mark"]["type"], [each["field"] for each in told]


def test_no_subtitle_is_wider_than_its_chart_and_none_loses_a_word(full: Full) -> None:
    result = full(("0", "1", "2"))
    named = dict[str, Plot](Drawing(result).named())
    lines = {name: spec["title"]["subtitle"] for name, spec in specs(result).items()}
    assert max(map(len, lines.values())) > 1
    for name, plot in named.items():
        assert " ".join(lines[name]) == plot.subtitle
        assert all(text_width(line) <= Size().width for line in lines[name])


def test_who_points_at_a_line_is_told_the_numbers_of_that_look(full: Full) -> None:
    shown = specs(full(("0", "1", "2")))
    assert ("line", ["variant", "time", "units"]) in [*tooltips(shown["cumulative-exposures"])]
    over_time = next(spec for name, spec in shown.items() if name.startswith("over-time"))
    told = [*tooltips(over_time)]
    assert ("line", ["variant", "time", "estimate", "low", "high"]) in told
    assert ("line", ["variant", "time", "p"]) in told
    assert all(fields == [] for mark, fields in told if mark == "area")


def test_who_points_at_an_interval_is_told_its_ends(full: Full) -> None:
    shown = specs(full(("0", "1", "2")))
    intervals = next(spec for name, spec in shown.items() if name.startswith("intervals"))
    told = {mark: {*fields} for mark, fields in tooltips(intervals) if fields}
    assert told["point"] == told["rule"] == {"name", "estimate", "low", "high"}
    formats = {
        each["field"]: each.get("format")
        for layer in intervals["layer"]
        for each in layer["encoding"].get("tooltip", [])
    }
    assert formats == {"name": None, "estimate": "+.2%", "low": "+.2%", "high": "+.2%"}
