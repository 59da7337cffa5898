"""The charts: what they draw, and their pictures without a browser."""

import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from math import inf, nan
from pathlib import Path
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import vl_convert
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from abkit import AnalysisError, Conversion, MissingExtraError
from abkit.analysis.findings.cumulative import CumulativeUnits
from abkit.analysis.inference.comparison import Interval
from abkit.analysis.presentation.charts import PAPER, Charts, Size
from abkit.analysis.presentation.charts.drawing import Drawing
from abkit.analysis.presentation.charts.plot import Plot
from abkit.analysis.presentation.charts.series import labels
from abkit.analysis.presentation.charts.shapes import SHAPES
from abkit.analysis.presentation.charts.svg import drawn
from abkit.analysis.presentation.charts.theme import DASHES, DRAWN
from abkit.analysis.presentation.charts.vega import vega_lite
from abkit.analysis.result import Result

Full = Callable[..., Result]
PNG = b"\x89PNG\r\n\x1a\n"
MIDNIGHT = datetime(2026, 11, 3, tzinfo=UTC)


def rows(chart: Any) -> list[dict[str, Any]]:
    """All data of a chart, whatever its layers."""

    def found(spec: Any) -> Iterator[dict[str, Any]]:
        if isinstance(spec, dict):
            yield from spec.get("data", {}).get("values", [])
            for value in spec.values():
                yield from found(value)
        elif isinstance(spec, list):
            for value in spec:
                yield from found(value)

    return list(found(chart.to_dict()))


def inline(chart: Plot | None) -> str:
    """A chart as a page has it."""
    assert chart is not None
    return drawn(chart, size=Size(), label="a label")


def plots(result: Result) -> list[Plot]:
    """All charts of a result."""
    charts = Drawing(result)
    kinds = (charts.over_time, charts.by_day, charts.intervals, charts.segments)
    found = [charts.cumulative(), *(plot for kind in kinds for plot in charts.each(kind).values())]
    return [plot for plot in found if plot is not None]


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - of our own


def without_theme(spec: Any) -> dict[str, Any]:
    """A chart in Vega-Lite without what Altair adds to each: its own version and theme."""
    return {name: value for name, value in spec.items() if name not in ("$schema", "config")}


def texts(svg: str) -> str:
    return " ".join(text.strip() for text in parsed(svg).itertext() if text.strip())


def test_there_is_a_chart_for_each_thing_that_can_be_drawn(full: Full) -> None:
    charts = full().charts()
    compared = ["integration link clicked", "revenue"]
    assert charts.cumulative is not None
    assert list(charts.over_time) == list(charts.intervals) == list(charts.segments) == compared
    assert list(charts.by_day) == compared[:1]
    assert [name for name, _ in charts][:2] == [
        "cumulative-exposures",
        "over-time-1-integration-link-clicked",
    ]


def test_there_is_none_where_there_is_nothing(full: Full, changed: Any) -> None:
    charts = changed["bare"](full()).charts()
    assert charts.cumulative is None
    assert (dict(charts.over_time), dict(charts.segments), dict(charts.by_day)) == ({}, {}, {})
    few = full(units=20).charts()
    assert (list(few.intervals), list(few.by_day)) == ([], [])


def test_pictures_need_no_browser(full: Full, tmp_path: Path) -> None:
    written = full(metrics=(Conversion("clicked"),), values=("a",)).to_png(tmp_path / "png")
    assert sorted(path.name for path in (tmp_path / "png").iterdir()) == [
        "by-day-1-clicked.png",
        "cumulative-exposures.png",
        "intervals-1-clicked.png",
        "over-time-1-clicked.png",
        "segments-1-clicked.png",
    ]
    assert all(path.read_bytes().startswith(PNG) for path in written)


def test_a_picture_says_what_it_shows(full: Full, tmp_path: Path) -> None:
    charts = full().charts()
    written = {path.stem: path.read_text() for path in charts.save(tmp_path, format="svg")}
    growth = texts(written["cumulative-exposures"])
    assert "ShowPluginsExperiment: cumulative exposures" in growth
    assert "dotted: not over yet" in growth
    assert "Nov 2" in growth
    assert "Nov 15" in growth
    over_time = texts(written["over-time-1-integration-link-clicked"])
    assert "beside 0, with 95% intervals; dashed: the goal" in over_time
    assert "running p" in over_time


def test_another_format_is_refused(full: Full, tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match="png or svg, not as 'gif'"):
        full().charts().save(tmp_path, format="gif")


def test_the_last_day_is_dotted_only_while_it_is_not_over(full: Full) -> None:
    result = full()
    assert result.cumulative is not None
    over = evolve(result, cumulative=evolve(result.cumulative, complete=True))

    def dotted(found: Result) -> bool:
        assert found.charts().cumulative is not None
        spec: Any = Charts.of(found).cumulative
        return any(layer["mark"].get("strokeDash") == [1, 4] for layer in spec.to_dict()["layer"])

    assert dotted(result)
    assert not dotted(over)


@pytest.mark.parametrize("complete", [True, False])
def test_one_day_is_a_chart_too(full: Full, complete: bool) -> None:
    units = CumulativeUnits(
        ends=(MIDNIGHT,), units=MappingProxyType({"0": (7,), "1": (0,)}), complete=complete
    )
    result = evolve(full(looks=0), cumulative=units)
    assert {row["units"] for row in rows(result.charts().cumulative)} == {7, 0}
    assert "Nov 2" in texts(inline(Drawing(result).cumulative()))


def test_hours_of_one_day_are_told_by_the_clock(full: Full) -> None:
    units = CumulativeUnits(
        ends=tuple(MIDNIGHT + timedelta(hours=hour) for hour in (1, 2, 3)),
        units=MappingProxyType({"0": (1, 2, 3), "1": (1, 1, 1)}),
    )
    svg = inline(Drawing(evolve(full(looks=0), cumulative=units)).cumulative())
    assert "01:00" in texts(svg)
    assert "03:00" in texts(svg)


def test_welch_has_no_running_p(full: Full) -> None:
    """Its smallest p-value so far is no p-value."""
    result = full()
    welch = evolve(result, plan=evolve(result.plan, method="welch", taus={}))
    drawn = {key for row in rows(welch.charts().over_time["revenue"]) for key in row}
    assert "p" not in drawn
    assert "p" in {key for row in rows(result.charts().over_time["revenue"]) for key in row}


def test_infinite_ends_are_drawn_at_the_edge(full: Full) -> None:
    result = full(looks=0)
    first = result.metrics[0]
    (treatment,) = first.treatments
    assert treatment.comparison is not None
    endless = evolve(treatment.comparison, lift_interval=Interval(-inf, 0.5))
    found = evolve(first, treatments=(evolve(treatment, comparison=endless),))
    changed = evolve(result, metrics=(found,))
    chart = changed.charts().intervals[first.metric.name]
    (row,) = [row for row in rows(chart) if "low" in row and row.get("high") == 0.5][:1]
    assert -10 < row["low"] < 0
    assert not any(word in inline(plot) for plot in plots(changed) for word in ("nan", "inf"))


def test_what_is_no_number_is_not_drawn(full: Full) -> None:
    result = full(looks=0)
    first = result.metrics[0]
    (treatment,) = first.treatments
    assert treatment.comparison is not None
    broken = evolve(treatment.comparison, lift=None, lift_interval=None, difference=nan)
    found = evolve(first, treatments=(evolve(treatment, comparison=broken),))
    assert not evolve(result, metrics=(found,)).charts().intervals


def test_of_fifty_variants_the_first_have_lines_and_all_have_intervals(full: Full) -> None:
    charts = full(tuple(f"v{i}" for i in range(50)), metrics=(Conversion("m"),)).charts()
    assert {row["variant"] for row in rows(charts.cumulative)} == {f"v{i}" for i in range(9)}
    names = {row["name"] for row in rows(charts.intervals["m"]) if "name" in row}
    assert len(names) == 49


def test_variants_that_look_alike_keep_lines_of_their_own() -> None:
    assert list(labels(["a\x01", "a\x02", "a"]).values()) == ["a�", "a� (2)", "a"]


@settings(max_examples=8)
@given(st.text(min_size=1).filter(lambda name: name.strip()))
def test_any_name_is_drawn_as_text(full: Full, name: str) -> None:
    """The renderer would end the process at a character that XML does not have."""
    hostile = f"</text><script>alert(1)</script>{name}"
    found = full(
        ("0", hostile), metrics=(Conversion(hostile),), name=hostile, looks=2, values=(hostile,)
    )
    for plot in plots(found):
        converted = vl_convert.vegalite_to_svg(vega_lite(plot, theme=PAPER, size=Size(200, 100)))
        for svg in (converted, inline(plot)):
            tags = {element.tag for element in parsed(svg).iter()}
            assert not any("script" in tag for tag in tags)


@pytest.mark.parametrize("name", ["datum.x", "'+alert(1)+'", "{{1}}", "[a].b\\", "a,b:Q", "null"])
def test_no_name_is_an_expression_or_a_field(full: Full, tmp_path: Path, name: str) -> None:
    charts = full(("0", name), metrics=(Conversion(name),), name=name, looks=3).charts()
    svg = charts.save(tmp_path, format="svg")[1].read_text()
    assert f"{name} over time" in texts(svg)


def test_the_names_of_files_are_plain(full: Full, tmp_path: Path) -> None:
    found = full(("0", "1"), metrics=(Conversion("../../x/<é>"),), looks=2, values=())
    names = [path.name for path in found.charts().save(tmp_path, format="svg")]
    assert all(re.fullmatch(r"[a-z0-9-]+\.svg", name) for name in names)
    assert len(names) == len(set(names)) == 4


def test_a_chart_of_a_page_brings_no_colours_and_no_identifiers(full: Full) -> None:
    """Colours are the page's, which knows the dark; identifiers would meet those of other charts."""
    for plot in plots(full()):
        svg = inline(plot)
        assert "http" not in svg
        assert "url(" not in svg
        assert not re.search(r'\bid="', svg)
        assert not re.search(r'(?:fill|stroke)="#', svg)
        root = parsed(svg)
        assert (root.get("role"), root.get("aria-label")) == ("img", "a label")


def test_what_notebooks_get_is_valid_and_can_be_changed(full: Full) -> None:
    """Making a chart validates nothing; Altair's own schema says here that nothing is wrong."""
    for _, chart in full(("0", "1", "2")).charts():
        assert "vega-lite" in chart.to_dict(validate=True)["$schema"]
        changed = chart.properties(background="red")
        assert changed.to_dict()["background"] == "red"
        assert "background" not in chart.to_dict()


def test_altair_changes_nothing_of_a_definition(full: Full) -> None:
    result = full(("0", "1", "2"))
    for plot, (_, chart) in zip(plots(result), Charts.of(result), strict=True):
        spec = vega_lite(plot, theme=PAPER, size=Size())
        assert without_theme(chart.to_dict(validate=False)) == without_theme(spec)


def test_every_variant_is_in_the_legend_by_its_whole_name(full: Full) -> None:
    names = ("control", "one_page_checkout_with_long_name", "express_checkout")
    plot = Drawing(full(names)).cumulative()
    assert plot is not None
    for size in (Size(), Size(270, 190)):
        assert all(name in texts(drawn(plot, size=size, label="")) for name in names)


def test_a_picture_has_every_variant_by_its_whole_name(full: Full, tmp_path: Path) -> None:
    names = ("control", "one_page_checkout_with_long_name", "express_checkout")
    found = full(names, metrics=(Conversion("m"),), looks=3, values=())
    written = {
        path.stem: texts(path.read_text()) for path in found.charts().save(tmp_path, format="svg")
    }
    for chart in ("cumulative-exposures", "over-time-1-m", "by-day-1-m"):
        assert all(name in written[chart] for name in names[1:]), chart


def test_without_colours_every_variant_is_still_told_apart(full: Full) -> None:
    """Lines differ in their dashes, points in their shapes."""
    assert len({*map(tuple, DASHES)}) == len({*SHAPES}) == DRAWN + 1 == len(PAPER.series)
    charts = Drawing(full(tuple(f"v{i}" for i in range(DRAWN + 1)), metrics=(Conversion("m"),)))
    (points,) = charts.each(charts.by_day).values()
    lines = charts.cumulative()
    assert lines is not None
    for plot, channel in ((lines, "strokeDash"), (points, "shape")):
        encodings = [
            layer["encoding"][channel]["scale"]["range"]
            for layer in vega_lite(plot, theme=PAPER, size=Size())["layer"]
            if channel in layer["encoding"]
        ]
        assert {len({*map(str, values)}) for values in encodings} == {len(plot.variants)}
        legend = parsed(inline(plot))[0]
        looks = [
            re.sub(r"-?[\d.]+ ", "", str(sorted(path.attrib.items())))
            for path in legend
            if path.tag.endswith("path")
        ]
        without = [re.sub(r"var\(--series-\d\)", "", look) for look in looks]
        pairs = {*zip(without[::2], without[1::2], strict=True)}
        assert len(pairs) == len(plot.variants)


def test_a_series_says_how_it_ends_without_a_script(full: Full) -> None:
    charts = Drawing(full(("0", "1", "2")))
    over_time = next(iter(charts.each(charts.over_time).values()))
    assert over_time.ends == {
        "1": "+13.00%, from +2.35% to +24.85%",
        "2": "+4.00%, from -6.03% to +15.14%",
    }
    titles = [e.text for e in parsed(inline(over_time)).iter() if e.tag.endswith("title")]
    assert {*titles} == {"1: +13.00%, from +2.35% to +24.85%", "2: +4.00%, from -6.03% to +15.14%"}
    by_day = next(iter(charts.each(charts.by_day).values()))
    assert by_day.ends["1"] == "+13.00%, from +2.35% to +24.85%, on day 13"
    growth = charts.cumulative()
    assert growth is not None
    assert growth.ends == {"0": "9,000", "1": "9,037", "2": "9,074"}


def test_a_name_wider_than_the_chart_is_cut(full: Full) -> None:
    plot = Drawing(full(("0", "wide" * 100))).cumulative()
    assert plot is not None
    assert re.search(r"(wide)+w?i?d?…", texts(drawn(plot, size=Size(), label="")))


@pytest.mark.parametrize("missing", ["altair", "vl_convert"])
def test_without_the_extra_the_error_names_it(
    full: Full, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtraError, match=r"abkit-sdk\[charts\]"):
        full().to_png(tmp_path)
