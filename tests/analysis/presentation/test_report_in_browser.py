"""The report in a real browser: on a phone, in the dark, on paper, by keyboard, without a network."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from abkit import Conversion, Sum
from abkit.analysis.findings.experiment_pairs import (
    CrossedExperiment,
    ExperimentPair,
    Interactions,
    Touch,
)
from abkit.analysis.presentation.report.interactions import render
from abkit.analysis.result import Result

Full = Callable[..., Result]
EVIL = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"
WORD = "unbreakable" * 25

WIDE = "(element) => element.scrollWidth > element.clientWidth + 1"

CONTRASTS = """() => {
  const channel = (value) => {
    const share = value / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const found = numbers(getComputedStyle(each).backgroundColor);
      if (found.length === 3 || found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (words.nextNode()) {
    const element = words.currentNode.parentElement;
    if (!words.currentNode.data.trim() || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const ink = numbers(element.closest("svg") ? style.fill : style.color);
    const [low, high] = [light(ink), light(behind(element))].sort((a, b) => a - b);
    found.push([(high + 0.05) / (low + 0.05), words.currentNode.data.trim()]);
  }
  return found;
}"""

NAMELESS = """() => [...document.querySelectorAll("svg, [role=region], section, summary, a, pre")]
  .filter((e) => !(e.getAttribute("aria-label") || e.textContent).trim() && e.checkVisibility())
  .map((e) => e.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def report(full: Full, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return full(("0", "1", "2")).to_html(tmp_path_factory.mktemp("report") / "r.html")


@pytest.fixture(scope="module")
def hostile(full: Full, tmp_path_factory: pytest.TempPathFactory) -> Path:
    metrics = (
        Conversion(EVIL, goal=0.05),
        Sum(WORD, action="buy", property="price", role="guardrail"),
    )
    found = full(("0", EVIL, WORD), metrics=metrics, name=WORD, looks=3, prop=EVIL, values=(WORD,))
    return found.to_html(tmp_path_factory.mktemp("hostile") / "r.html")


@pytest.fixture(scope="module")
def interactions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of experiments that touch each other, of which one has a hostile name."""
    names = (EVIL, WORD)
    table = {("0", "0"): 250, ("0", "1"): 250, ("1", "0"): 250, ("1", "1"): 250}
    found = Interactions(
        experiments=tuple(
            CrossedExperiment(name=name, unit_type="user", metric=WORD, units=1_000, in_several=0)
            for name in names
        ),
        pairs=(
            ExperimentPair(experiments=names, touch=Touch.INDEPENDENT, units=1_000, table=table),
        ),
        independence_tests=1,
        effect_tests=0,
        notes=(f"{WORD} has no metric, so its effects are not compared.",),
        sources={},
    )
    path = tmp_path_factory.mktemp("interactions") / "r.html"
    path.write_text(render(found), encoding="utf-8")
    return path


def opened(browser: Browser, path: Path, **context: Any) -> Page:
    """The page, in a context of its own that fails on whatever the page says or asks for."""
    page = browser.new_context(**context).new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url))
    page.goto(path.as_uri())
    assert said == [path.as_uri()]
    return page


def open_all(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((each) => each.open = true)")


PHONE = {"viewport": {"width": 390, "height": 844}}


@pytest.mark.parametrize("which", ["report", "hostile", "interactions"])
@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_page_scrolls_sideways(
    browser: Browser, request: pytest.FixtureRequest, which: str, width: int
) -> None:
    """And nothing sticks out of its box, whatever the names."""
    page = opened(browser, request.getfixturevalue(which), viewport={"width": width, "height": 800})
    open_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for box in page.locator(".panel, .metric, .summary, .warning").all():
        assert not box.evaluate(WIDE), box.inner_text()[:100]


def test_nothing_in_a_name_is_run(browser: Browser, hostile: Path) -> None:
    page = opened(browser, hostile)
    open_all(page)
    assert page.title() == f"{WORD}: results"
    assert page.locator("script:not([src])").count() == page.locator("script, img").count() == 1
    assert page.get_by_text(EVIL).first.is_visible()


def test_it_reads_the_same_without_scripts(browser: Browser, report: Path) -> None:
    page = opened(browser, report, java_script_enabled=False)
    assert page.get_by_role("heading", name="Analysis", exact=True).is_visible()
    assert page.get_by_role("img", name="Units exposed over time").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_can_be_read(browser: Browser, report: Path, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: a contrast of at least 4.5 to 1."""
    page = opened(browser, report, color_scheme=scheme)
    open_all(page)
    found = page.evaluate(CONTRASTS)
    assert len(found) > 200
    assert [(round(ratio, 2), word) for ratio, word in found if ratio < 4.5] == []


def test_the_dark_is_dark(browser: Browser, report: Path) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light = opened(browser, report, color_scheme="light").evaluate(background)
    dark = opened(browser, report, color_scheme="dark").evaluate(background)
    assert light == "rgb(247, 248, 248)"
    assert dark == "rgb(20, 23, 26)"


def test_paper_is_white_has_the_definition_and_is_some_pages(
    browser: Browser, report: Path
) -> None:
    page = opened(browser, report, color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    pdf = page.pdf()
    assert pdf.startswith(b"%PDF")
    assert 2 <= pdf.count(b"/Type /Page\n") <= 12
    assert page.get_by_text("Triggered Experiment").is_visible()


def test_one_drawing_of_each_chart_is_shown(browser: Browser, report: Path) -> None:
    wide = opened(browser, report, viewport={"width": 1280, "height": 800})
    phone = opened(browser, report, **PHONE)
    for page, other in ((wide, "narrow"), (phone, "wide-screen")):
        assert page.get_by_role("img", name="Units exposed over time").count() == 1
        assert page.get_by_role("img", name="revenue over time").count() == 1
        assert not any(drawing.is_visible() for drawing in page.locator(f".{other}").all())


def test_on_a_phone_the_letters_of_a_chart_are_no_smaller_than_11_pixels(
    browser: Browser, report: Path
) -> None:
    page = opened(browser, report, **PHONE)
    chart = page.get_by_role("img", name="Units exposed over time")
    scale = chart.evaluate("(svg) => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width")
    assert 12 * scale >= 11


def test_headings_are_in_order_and_all_is_named(browser: Browser, report: Path) -> None:
    page = opened(browser, report)
    open_all(page)
    levels = [int(h.evaluate("(h) => h.tagName[1]")) for h in page.get_by_role("heading").all()]
    assert levels[:3] == [1, 2, 2]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.get_by_role("main").count() == 1
    assert page.evaluate(NAMELESS) == []
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids))
    assert page.locator("html").get_attribute("lang") == "en"


def test_a_screen_reader_hears_the_cells_with_their_headers(browser: Browser, report: Path) -> None:
    page = opened(browser, report)
    table = page.get_by_role("table", name="integration link clicked by variant")
    headers = [header.inner_text() for header in table.get_by_role("columnheader").all()]
    assert headers == [
        *("Variant", "Units", "Conversions", "Rate", "Difference", "Lift"),
        *("95% interval of the lift", "p-value, corrected"),
    ]
    assert table.get_by_role("rowheader").all_inner_texts() == ["0 control", "1", "2"]
    assert table.get_by_role("img", name="1: +2.35% to +24.85%").is_visible()


def test_the_keyboard_opens_what_is_closed(browser: Browser, report: Path) -> None:
    page = opened(browser, report)
    event = page.get_by_text("Triggered Experiment")
    assert not event.is_visible()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText") == "Exposure definition":
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert event.is_visible()


def test_in_a_notebook_its_style_reaches_nothing_else(
    browser: Browser, full: Full, tmp_path: Path
) -> None:
    around = "<!DOCTYPE html><table id=t><tr><td>x</td></tr></table><h1 id=h>y</h1>"
    look = (
        "['t', 'h'].map((id) => JSON.stringify([...getComputedStyle(document.getElementById(id))]\
.map((key) => getComputedStyle(document.getElementById(id))[key])))"
    )
    (tmp_path / "alone.html").write_text(around)
    (tmp_path / "with.html").write_text(
        f"{around}<div>{full(looks=2)._repr_html_()}</div>", encoding="utf-8"
    )
    alone, with_panel = (opened(browser, tmp_path / name) for name in ("alone.html", "with.html"))
    assert with_panel.locator(".abkit table").count() > 5
    assert alone.evaluate(look) == with_panel.evaluate(look)
