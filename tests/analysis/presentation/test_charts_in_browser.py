"""The charts of the report in a real browser: the numbers of a day, by mouse, by finger and by keyboard."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize

from abkit.analysis.result import Result

Full = Callable[..., Result]
NAMES = ("control", "one_page_checkout_with_long_name", "express_checkout")
WIDE: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def report(full: Full, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return full(NAMES).to_html(tmp_path_factory.mktemp("report") / "r.html")


@pytest.fixture(scope="module")
def wide(browser: Browser, report: Path) -> Iterator[Page]:
    yield from opened(browser, report, viewport=WIDE)


@pytest.fixture(scope="module")
def phone(browser: Browser, report: Path) -> Iterator[Page]:
    yield from opened(browser, report, viewport=PHONE, has_touch=True)


def opened(browser: Browser, path: Path, **context: Any) -> Iterator[Page]:
    """The page; it may say nothing and ask for nothing."""
    page = browser.new_context(**context).new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path.as_uri())
    yield page
    assert said == []
    page.context.close()


def drawing(page: Page, named: str) -> Locator:
    """The drawing of a chart that is shown."""
    return page.locator(".drawing:visible", has=page.get_by_role("img", name=named))


def lines(drawing: Locator) -> list[str]:
    """What the tooltip says, line by line."""
    rows = drawing.locator(".readout tr").all()
    return [
        " ".join(cell.inner_text() for cell in row.locator("th, td").all()).strip() for row in rows
    ]


def at(drawing: Locator, share: float) -> tuple[float, float]:
    """A place within a chart, from its first day to its last."""
    svg = drawing.locator("svg")
    svg.scroll_into_view_if_needed()
    box = svg.bounding_box()
    assert box is not None
    stops = [float(stop) for stop in (svg.get_attribute("data-stops") or "").split()]
    scale = box["width"] / float((svg.get_attribute("viewBox") or "").split()[2])
    x = stops[0] + share * (stops[-1] - stops[0])
    return box["x"] + x * scale, box["y"] + box["height"] / 3


def test_who_points_at_a_day_reads_its_numbers(wide: Page) -> None:
    chart = drawing(wide, "integration link clicked over time")
    wide.mouse.move(*at(chart, 4 / 13))
    assert lines(chart) == [
        "2026-11-06 Units Rate Lift Interval",
        "one_page_checkout_with_long_name 3,214 22.59% +12.91% -7.09% to +37.62%",
        "express_checkout 3,214 20.82% +4.04% -14.78% to +27.15%",
    ]
    wide.mouse.move(*at(chart, 1))
    assert lines(chart)[0].startswith("2026-11-15")
    assert "+2.35% to +24.85%" in lines(chart)[1]
    wide.mouse.move(1, 1)
    assert lines(chart) == []


def test_each_kind_of_chart_has_its_numbers(wide: Page) -> None:
    growth = drawing(wide, "Units exposed over time")
    wide.mouse.move(*at(growth, 6 / 13))
    assert lines(growth) == [
        "2026-11-08",
        "control 4,500",
        "one_page_checkout_with_long_name 4,518",
        "express_checkout 4,537",
    ]
    by_day = drawing(wide, "by days since exposure")
    wide.mouse.move(*at(by_day, 6 / 13))
    assert lines(by_day)[0] == "Day 6 Units Control Rate Lift 95% interval"
    assert lines(growth) == []


def test_the_arrow_keys_walk_through_the_days(wide: Page) -> None:
    """And a screen reader hears what is shown."""
    wide.mouse.move(1, 1)
    chart = drawing(wide, "revenue over time")
    slider = chart.get_by_role("slider", name="Read day by day: revenue over time")
    slider.focus()
    assert lines(chart)[0].startswith("2026-11-15")
    wide.keyboard.press("ArrowLeft")
    assert lines(chart)[0].startswith("2026-11-14")
    wide.keyboard.press("Home")
    shown = lines(chart)
    assert shown[0].startswith("2026-11-02")
    said = slider.get_attribute("aria-valuetext") or ""
    assert said.startswith("2026-11-02: one_page_checkout_with_long_name, Units 643, Mean ")
    assert all(number in said for line in shown[1:] for number in line.split()[1:])
    assert chart.evaluate("(element) => getComputedStyle(element).outlineStyle") == "solid"
    wide.mouse.move(*at(drawing(wide, "Units exposed over time"), 0.5))
    assert lines(chart) == []
    wide.mouse.move(1, 1)
    wide.keyboard.press("ArrowRight")
    assert lines(chart)[0].startswith("2026-11-03")
    wide.keyboard.press("Escape")
    assert lines(chart) == []


def test_the_numbers_are_those_of_the_table(wide: Page) -> None:
    chart = drawing(wide, "revenue over time")
    chart.get_by_role("slider").focus()
    wide.keyboard.press("End")
    figure = wide.locator("figure", has=chart)
    figure.get_by_text("The numbers").click()
    table = figure.get_by_role("table", name="revenue at the end of each day")
    assert table.get_by_role("rowheader").count() == 14
    last = table.locator("tbody").last.locator("tr").first.locator("td").all_inner_texts()
    chart.get_by_role("slider").focus()
    assert lines(chart)[1].split(" ") == " ".join(last[:5]).split(" ")


def test_a_finger_reads_a_day_and_nothing_sticks_out(phone: Page) -> None:
    for named in ("integration link clicked over time", "Units exposed", "by days since exposure"):
        chart = drawing(phone, named)
        phone.touchscreen.tap(*at(chart, 0.5))
        assert len(lines(chart)) >= 3, named
        box = chart.locator(".readout").bounding_box()
        assert box is not None
        assert 0 <= box["x"] <= box["x"] + box["width"] <= PHONE["width"]
        assert 0 <= box["y"] <= box["y"] + box["height"] <= PHONE["height"]
        assert chart.locator(".readout").evaluate("(e) => e.scrollWidth <= e.clientWidth")
    phone.touchscreen.tap(5, 5)
    assert phone.locator(".readout").count() == 0


def test_without_a_script_a_line_says_how_it_ends(browser: Browser, report: Path) -> None:
    page = browser.new_context(viewport=WIDE, java_script_enabled=False).new_page()
    page.goto(report.as_uri())
    chart = drawing(page, "integration link clicked over time")
    assert (
        "express_checkout: +4.00%, from -6.03% to +15.14%"
        in chart.locator("title").all_text_contents()
    )
    label = chart.get_by_role("img").get_attribute("aria-label") or ""
    assert label.endswith("express_checkout: +4.00%, from -6.03% to +15.14%.")
    assert chart.get_by_role("slider").count() == 0
    page.context.close()


def test_paper_has_no_tooltips(wide: Page) -> None:
    chart = drawing(wide, "revenue over time")
    chart.get_by_role("slider").focus()
    assert chart.locator(".readout").is_visible()
    wide.emulate_media(media="print")
    assert not chart.locator(".readout").is_visible()
    wide.emulate_media(media="screen")
