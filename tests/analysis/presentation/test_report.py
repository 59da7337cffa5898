"""The report: one HTML page that needs nothing else."""

import re
import sys
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from html.parser import HTMLParser
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from abkit import Conversion
from abkit.analysis.advice.verdict import Recommendation, RecommendedAction
from abkit.analysis.inference.comparison import Interval
from abkit.analysis.presentation.report import render, render_cell
from abkit.analysis.result import Result

Full = Callable[..., Result]
EVIL = "<script>alert('b')</script>\"onload=\"x & y"
VOID = {"meta", "wbr", "line", "circle", "path", "br", "hr", "img", "link"}
UNCLOSED = {"th", "td", "tr", "tbody"}
"""HTML closes them where their table goes on, or ends."""


class Page(HTMLParser):
    """Collects the tags and the text of a page, and checks that its tags are balanced."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in UNCLOSED:
            self._close_before(tag)
        if tag not in VOID:
            self.open.append(tag)

    def _close_before(self, tag: str) -> None:
        ended = {
            "th": {"th", "td"},
            "td": {"th", "td"},
            "tr": {"th", "td", "tr"},
            "tbody": UNCLOSED,
        }
        while self.open[-1] in ended[tag]:
            self.open.pop()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        while tag not in UNCLOSED and self.open[-1] in UNCLOSED:
            self.open.pop()
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] not in (["style"], ["script"]):
            self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def evil(full: Full) -> Result:
    return full(("0", EVIL), metrics=(Conversion(EVIL, goal=0.05),), name=EVIL, looks=2)


def test_it_says_what_each_metric_measures(full: Full) -> None:
    text = Page(render(full(metrics=(Conversion("bought", times=2),)))).text
    assert "Share of units that do 'bought' at least 2 times." in text


def test_it_is_the_panel(full: Full) -> None:
    text = Page(render(full(("0", "1", "2")))).text
    headings = (
        "Summary",
        "All metrics",
        "Analysis",
        "Exposure definition",
        "Cumulative exposures",
        "Results over time",
        "Segments",
        "Sample ratio",
        "Assignments and exposures",
        "How this was computed",
    )
    places = [text.index(heading) for heading in headings]
    assert places == sorted(places)
    for wanted in (
        "Showing plugins raises",
        "27,111",
        "From 2026-11-02 until 2026-11-16 UTC",
        "2026-11-02 to 2026-11-15 (14 days)",
        "Computed 2026-11-16 09:12 UTC",
        "Intervals: 95%, corrected for 2 comparisons (each at 97.5%).",
        "+0.49 to +4.71 pp",
        "Recommendation: roll out 1",
        "abkit rollout ShowPluginsExperiment --variant 1",
        "uncorrected 0.0026",
        "+2.35% to +24.85%",
        "Above Goal",
        "Not compared yet: needs 7 more conversions in variant 0",
        "the variance is 43.8% smaller",
        "336 of 27,000 units were capped",
        "Triggered Experiment",
        "Excluded: testers41 units",
        "The exposures grow evenly, day by day.",
        "Dotted: the last day is not over",
        "the smallest p-value so far",
        "(none)",
        "The intervals are those of each segment alone",
        "7 units were exposed without an assignment: 2026-11-03 5, 2026-11-04 2.",
        "Taus",
        "one of 2 comparisons",
        "tau 0.01",
        "abkit 0.1.0, Python 3.11.7, DuckDB 1.4",
        "from exposures -- <all>",
    ):
        assert wanted in text


def test_it_says_whether_the_effect_of_each_variant_changes(full: Full) -> None:
    page = " ".join(Page(render(full(("0", "1", "2")))).text.split())
    assert "Effect by days since exposure" in page
    assert "1: The effect wears off: a lift of +13.00% in the first 7 days" in page
    assert "2: No change of the effect is found" in page
    few = " ".join(Page(render(full(units=80))).text.split())
    assert "Whether the effect changes is not tested yet: 20 more units in variant 0" in few


def test_what_is_absent_is_not_mentioned(full: Full, changed: Any) -> None:
    page = Page(render(changed["bare"](full())))
    for unwanted in (
        *("Cumulative", "over time", "Segments", "Assignments", "corrected", "CUPED", "capped"),
        *("Exposure definition", "abkit roll", "Time frame", "Excluded", "charts]"),
    ):
        assert unwanted not in page.text
    assert "None" not in page.text
    assert "one row for each org" in page.text


def test_flags_are_told_with_what_they_mean(full: Full) -> None:
    assert "Few units: fewer than 1,000 units in an arm" in Page(render(full(units=900))).text


def test_chances_stand_where_p_values_would(full: Full, changed: Any) -> None:
    text = Page(render(evolve(changed["bayesian"](full(looks=2)), segments=()))).text
    assert "Chance to beat control" in text
    assert re.search(r">99\.9%\s+best of all 93\.0%", text)
    assert "p-value" not in text


@pytest.mark.parametrize(
    ("action", "wanted"),
    [
        (RecommendedAction.ROLL_BACK, "Everybody gets the default again"),
        (RecommendedAction.CONTINUE, "To stop it instead"),
    ],
)
def test_the_summary_names_the_command_that_acts_on_it(
    full: Full, action: RecommendedAction, wanted: str
) -> None:
    advice = Recommendation(action=action, reasons=("Because.",))
    text = Page(render(evolve(full(looks=0), recommendation=advice))).text
    assert f"{wanted}: abkit rollback ShowPluginsExperiment" in text


def test_names_are_shown_and_not_run(full: Full) -> None:
    """HTML in the name of an experiment, a variant or a metric adds no element and no attribute."""
    usual, page = (
        Page(render(full(("0", "1"), metrics=(Conversion("m", goal=0.05),), looks=2))),
        Page(render(evil(full))),
    )
    assert page.text.count(EVIL) >= 12
    assert page.of("script") == [{}]
    assert not any(key.startswith("on") for _, attributes in page.tags for key in attributes)
    html = ("svg", "text", "path", "g", "title", "line", "wbr")
    assert [t for t, _ in page.tags if t not in html] == [t for t, _ in usual.tags if t not in html]
    labels = [attributes.get("aria-label") for attributes in page.of("svg")]
    assert any(EVIL in (label or "") for label in labels)


@settings(max_examples=6)
@given(st.text(min_size=1).filter(lambda name: name.strip()))
def test_any_name_can_be_shown(full: Full, name: str) -> None:
    found = full(
        ("0", name + "!"),
        metrics=(Conversion(name),),
        name=name,
        looks=0,
        values=(name,),
        prop=name,
    )
    found = evolve(found, cumulative=None)
    html = render(found)
    Page(html)
    html.encode("utf-8")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", html)


def test_it_needs_no_network(full: Full) -> None:
    for found in (full(), evil(full)):
        html = render(found)
        page = Page(html)
        assert "http://" not in html
        assert "https://" not in html
        assert not re.search(r"@import|url\(", html)
        for tag in ("link", "img", "iframe", "object", "embed", "base", "form"):
            assert page.of(tag) == []
        assert not any({"src", "href", "xlink:href"} & set(attrs) for _, attrs in page.tags)
        (policy,) = [m for m in page.of("meta") if m.get("http-equiv") == "Content-Security-Policy"]
        assert (policy["content"] or "").startswith("default-src 'none';")


def test_the_browser_runs_no_script_but_the_one_of_the_charts(full: Full) -> None:
    html = render(evil(full))
    (script,) = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)
    digest = b64encode(sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'\"" in html


def test_tables_say_what_their_cells_are(full: Full) -> None:
    page = Page(render(full()))
    assert len(page.of("caption")) == len(page.of("table")) >= 10
    assert all(cell.get("scope") in {"row", "rowgroup", "col"} for cell in page.of("th"))
    assert all(svg.get("aria-label") for svg in page.of("svg"))
    assert all(svg.get("role") == "img" for svg in page.of("svg"))


def test_a_picture_has_its_numbers_beneath(full: Full) -> None:
    text = Page(render(full())).text
    assert re.search(r"2026-11-15\s*9,000\s*9,037", text)
    assert re.search(r"2026-11-15\s*1\s*9,000\s*22\.60%\s*\+13\.00%", text)


def test_long_parts_are_closed_at_first(full: Full) -> None:
    details = Page(render(full())).of("details")
    assert len(details) == 3 + 1 + 1 + 1 + 3
    assert all("open" not in attributes for attributes in details)


def test_its_charts_need_no_extra(full: Full, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("altair", "vl_convert"):
        monkeypatch.setitem(sys.modules, module, None)
    labels = [svg.get("aria-label") for svg in Page(render(full())).of("svg")]
    revenue = [label for label in labels if (label or "").startswith("revenue over time. ")]
    assert len(revenue) == len(("wide", "narrow"))


def test_fifty_variants_are_all_in_the_table(full: Full) -> None:
    variants = tuple(f"v{i}" for i in range(50))
    text = Page(render(full(variants, metrics=(Conversion("m"),), looks=2, values=()))).text
    assert all(f"v{i}" in text for i in range(50))
    assert "43 more variants are in the table below." in text
    assert text.count("The first 8 of 49 variants are shown") == 2


def test_each_day_of_a_quarter_can_be_read(full: Full) -> None:
    page = Page(render(full(("0", "1", "2"), metrics=(Conversion("m"),), looks=90, values=())))
    spanning = [cell for cell in page.of("th") if cell.get("rowspan") == "2"]
    assert len(spanning) == 90 + 14 + 2  # and the days since exposure, with their two parts
    (stops,) = {
        len((svg["data-stops"] or "").split())
        for svg in page.of("svg")
        if (svg["aria-label"] or "").startswith("m over time")
    }
    assert stops == 90


def test_hundreds_of_looks_make_a_short_table(full: Full) -> None:
    found = full(metrics=(Conversion("m"),), looks=400, values=())
    page = render(evolve(found, cumulative=None))
    assert page.count('<tbody><tr><th scope="row">202') == 124


def test_empty_arms_and_no_numbers_are_shown_as_such(full: Full) -> None:
    result = full(looks=2)
    first = result.metrics[0]
    (treatment,) = first.treatments
    assert treatment.comparison is not None
    endless = evolve(treatment.comparison, lift_interval=Interval(-inf, inf), p_value=nan)
    treatment = evolve(treatment, comparison=endless, corrected_p=None)
    found = evolve(first, treatments=(treatment,))
    assert "-∞ to +∞" in Page(render(evolve(result, metrics=(found,)))).text
    assert "nan" not in Page(render(evolve(result, metrics=(found,)))).text.lower().replace(
        "finan", ""
    )
    empty = Page(render(full(units=0, looks=0))).text
    assert "Not compared yet: needs 100 more units in variant 0" in empty


def test_the_page_is_written_as_utf_8(full: Full, tmp_path: Path) -> None:
    result = evolve(full(looks=0), cumulative=None, warnings=("Größe ✓ \udc80",))
    path = result.to_html(tmp_path / "r.html")
    assert "Größe ✓ \ufffd" in path.read_text(encoding="utf-8")


def test_a_cell_of_a_notebook_has_the_panel_and_keeps_its_style_to_itself(full: Full) -> None:
    cell = full()._repr_html_()
    assert cell == render_cell(full())
    page = Page(cell)
    assert "Recommendation: roll out 1" in page.text
    assert not {"html", "head", "body", "main", "script", "meta"} & {tag for tag, _ in page.tags}
    style = cell.partition("<style>")[2].partition("</style>")[0]
    bare = re.sub(r"@media[^{]*\{|[^{}]*(?=\})", "", re.sub(r"\{[^{}]*\}", "{}", style))
    selectors = [one.strip() for rule in bare.split("{}") for one in rule.strip(" }\n").split(",")]
    assert len(selectors) > 100
    assert all(re.match(r"(body|div)?\.abkit", one) for one in selectors if one)
