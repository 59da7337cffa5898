"""The report: one HTML page that needs nothing else."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from attrs import evolve

from abkit import Conversion, Mean
from abkit.analysis.analysis import Analysis
from abkit.analysis.plan import Plan
from abkit.analysis.presentation.report import render
from abkit.analysis.result import Result
from abkit.analysis.units import UnitsAnalysis

EVIL = "<script>alert('b')</script>\"onload=\"x & y"
VOID = {"meta", "line", "circle", "polyline", "br", "hr", "img", "link"}


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
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(params=["b", EVIL])
def result(request: pytest.FixtureRequest, tables: Any, plan: Plan) -> Result:
    name: str = request.param
    arms = {"a": (500, 100), name: (520, 180)}
    exposures = [
        {"unit_id": f"{v}{i}", "variant": v, "experiment": name, "hour": i % 70}
        for v, (units, _) in arms.items()
        for i in range(units)
    ]
    actions = [
        {"action": name, "user_id": f"{v}{i}", "hour": 90}
        for v, (_, conversions) in arms.items()
        for i in range(conversions)
    ]
    evil = evolve(
        plan,
        name=name,
        hypothesis=f"Will {name} work?",
        weights={"a": 0.5, name: 0.5},
        metrics=(
            Conversion(name, goal=0.2, direction="any"),
            Conversion("rare", action="never", role="guardrail"),
        ),
    )
    return Analysis(evil, **tables(exposures, actions)).run()


def test_it_has_all_sections(result: Result) -> None:
    page = Page(render(result))
    for wanted in (
        result.plan.hypothesis,
        "Recommendation: continue",
        "Significant",
        "Above Goal",
        "Above Control",
        "Not compared yet: needs 25 more conversions in variant a",
        "Exposure definition",
        "Triggered Experiment",
        "Cumulative exposures",
        "As designed",
        "How this was computed",
        "sequential test (mSPRT)",
        "tau 0.04",
        f"DuckDB {result.versions['engine'].split()[-1]}",
        "select",
    ):
        assert wanted in page.text


def test_names_are_shown_and_not_run(result: Result) -> None:
    """HTML in the name of an experiment, a variant or a metric adds no element and no attribute."""
    page = Page(render(result))
    name = result.plan.name
    assert page.text.count(name) >= 8
    assert page.of("script") == []
    assert not any(key.startswith("on") for _, attributes in page.tags for key in attributes)
    labels = [attributes.get("aria-label") for attributes in page.of("svg")]
    assert any(name in (label or "") for label in labels)


def test_it_needs_no_network(result: Result) -> None:
    html = render(result)
    page = Page(html)
    assert "http://" not in html.replace("http-equiv", "")
    assert "https://" not in html
    assert not re.search(r"@import|url\(", html)
    for tag in ("link", "img", "iframe", "object", "embed", "base", "form"):
        assert page.of(tag) == []
    assert not any({"src", "href", "xlink:href"} & set(attributes) for _, attributes in page.tags)
    (policy,) = [m for m in page.of("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in (policy["content"] or "")


def test_it_serves_phones_dark_mode_and_paper(result: Result) -> None:
    html = render(result)
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in Page(html).of(
        "meta"
    )
    for query in ("prefers-color-scheme: dark", "max-width", "@media print"):
        assert query in html


def test_tables_say_what_their_cells_are(result: Result) -> None:
    page = Page(render(result))
    assert len(page.of("caption")) == len(page.of("table")) == 4
    assert all(cell.get("scope") in {"row", "col"} for cell in page.of("th"))
    assert all(svg.get("aria-label") or svg.get("aria-hidden") for svg in page.of("svg"))


def test_long_parts_are_closed_at_first(result: Result) -> None:
    details = Page(render(result)).of("details")
    assert len(details) == 1 + len(result.queries)
    assert all("open" not in attributes for attributes in details)


def test_the_chart_ends_at_the_units_analyzed(result: Result) -> None:
    text = Page(render(result)).text
    assert re.search(r"a\s*500", text)
    assert "Mar 1" in text
    assert "Mar 3" in text


def units(**columns: Any) -> Result:
    frame = pd.DataFrame({"id": range(400), "v": ["a", "b"] * 200, **columns})
    return UnitsAnalysis(
        frame, unit="id", variant="v", control="a", metrics=[Mean("x", goal=0.1)]
    ).run()


def test_a_table_of_units_has_no_exposures_to_report() -> None:
    text = Page(render(units(x=[float(i % 7) for i in range(400)]))).text
    assert "Cumulative exposures" not in text
    assert "Exposure definition" not in text
    assert "one row for each id" in text


def test_a_mean_near_zero_has_an_absolute_interval() -> None:
    """There is no lift to draw; the bar and the text are of the difference."""
    text = Page(render(units(x=[float(i % 7) - 3 for i in range(400)]))).text
    assert re.search(r"to [-\d.]+ abs\.", text)


def test_the_page_is_written_as_utf_8(tmp_path: Path) -> None:
    result = units(x=[float(i % 7) for i in range(400)])
    path = evolve(result, warnings=("Größe ✓",)).to_html(tmp_path / "r.html")
    assert "Größe ✓" in path.read_text(encoding="utf-8")
