"""The panel on its own, as a command: behind its token, and in a browser."""

import http.client
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from tests.chromium import note_complaints

from abkit.panel.asgi import cookie_name

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def address(shop_events: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What `abkit panel` prints."""
    command = [
        *(sys.executable, "-m", "abkit", "panel", "--no-browser", "--port", "0"),
        *("--events", str(shop_events), "--config", "tests.panel.shop"),
    ]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", server.stdout.readline())
        assert found is not None
        yield found.group()
        server.terminate()


def answered(
    address: str, path: str, *, cookie: str = "", method: str = "GET"
) -> tuple[http.client.HTTPResponse, str]:
    where = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    name = cookie_name(token_of(address))
    where.request(method, path, headers={"Cookie": f"{name}={cookie}"} if cookie else {})
    answer = where.getresponse()
    text = answer.read().decode()
    where.close()
    return answer, text


def token_of(address: str) -> str:
    return address.partition("token=")[2]


def test_who_has_no_token_sees_nothing(address: str) -> None:
    for path in ("/", "/experiments/Checkout/", "/static/panel.css", "/?token=another", "/?token="):
        answer, text = answered(address, path)
        assert answer.status == 403
        assert "Checkout" not in text
        assert answer.getheader("Set-Cookie") is None
    assert answered(address, "/", cookie="another")[0].status == 403
    assert answered(address, "/", cookie="\xe9")[0].status == 403
    for guess in ("%ff", "%ED%B2%80", "%00", "a" * 5_000, token_of(address)[:-1], "x&token="):
        answer, text = answered(address, f"/?token={guess}")
        assert answer.status == 403
        assert token_of(address)[:8] not in text


def test_the_token_leaves_the_address_and_stays_in_a_cookie(address: str) -> None:
    answer, _ = answered(address, f"/?token={token_of(address)}&search=check&state=")
    assert answer.status == 303
    assert answer.getheader("Location") == "/?search=check&state="
    cookie = answer.getheader("Set-Cookie") or ""
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie


def test_the_token_leads_to_no_other_host(address: str) -> None:
    for path in ("//evil.example", "///evil.example/", "/%2Fevil.example", "/\\evil.example"):
        answer, _ = answered(address, f"{path}?token={token_of(address)}")
        where = answer.getheader("Location") or ""
        assert re.match(r"/[^/\\]", where), where


def test_two_panels_of_a_machine_do_not_take_each_other_s_cookie() -> None:
    assert cookie_name("one") != cookie_name("other")


def test_pages_are_asked_for_by_their_names(address: str) -> None:
    token = token_of(address)
    answer, text = answered(address, "/?search=check", cookie=token)
    assert answer.status == 200
    assert "/experiments/Checkout/" in text
    answer, _ = answered(address, "/static/panel.css", cookie=token)
    assert answer.getheader("Content-Type") == "text/css; charset=utf-8"
    assert answered(address, "/experiments/No%2F..%2FCheckout/", cookie=token)[0].status == 404
    assert answered(address, "/", cookie=token, method="POST")[0].status == 405
    assert answered(address, "/", cookie=token, method="HEAD")[0].status == 200


@pytest.fixture
def shown(browser: "Browser", address: str) -> Iterator["Page"]:
    """The overview, in a browser that complains of nothing."""
    said: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    note_complaints(context, said, left="fetch")
    page = context.new_page()
    page.goto(address)
    page.get_by_role("link", name="Checkout").wait_for()
    page.get_by_text("+", exact=False).first.wait_for()
    yield page
    context.close()
    assert said == []


def test_a_control_changes_what_is_shown_and_the_address(shown: "Page") -> None:
    shown.get_by_role("link", name="Checkout").click()
    shown.get_by_role("link", name="Analysis").click()
    shown.get_by_text("95% interval of the lift").first.wait_for()
    shown.get_by_label("Confidence").select_option("0.8")
    shown.get_by_text("80% interval of the lift").first.wait_for()
    assert shown.url.endswith("/experiments/Checkout/analysis/?confidence=0.8")
    shown.get_by_role("link", name="Summary").click()
    assert "confidence=0.8" in shown.url
    shown.get_by_role("link", name="As planned").click()
    assert shown.url.endswith("/experiments/Checkout/")


def test_a_chart_says_the_numbers_of_a_day_also_after_it_was_replaced(shown: "Page") -> None:
    shown.get_by_role("link", name="Checkout").click()
    shown.get_by_role("link", name="Over time").click()
    days = shown.get_by_role("slider", name="Read day by day: purchase over time")
    days.focus()
    readout = shown.locator(".readout")
    before = readout.inner_text()
    assert before.startswith("2026-11-22")
    assert "express" in before
    shown.get_by_label("Confidence").select_option("0.8")
    shown.get_by_text("its 80% interval").first.wait_for()
    days.focus()
    assert readout.inner_text().split()[:4] == before.split()[:4]
    assert readout.inner_text() != before
    shown.keyboard.press("ArrowLeft")
    assert readout.inner_text().startswith("2026-11-21")


def test_the_overview_is_searched_from_the_keyboard(shown: "Page") -> None:
    shown.keyboard.press("/")
    shown.keyboard.type("bann")
    shown.get_by_role("link", name="Checkout").wait_for(state="detached")
    assert shown.get_by_role("link", name="Banner").is_visible()
    assert shown.url.endswith("?search=bann&order=state")


def test_what_is_shown_is_told_to_who_does_not_see_it(shown: "Page") -> None:
    shown.get_by_role("searchbox").fill("bann")
    shown.locator("#told").get_by_text("1 of 2 experiments").wait_for(state="attached")


def test_segments_are_offered_as_soon_as_a_property_is_asked_for(shown: "Page") -> None:
    shown.get_by_role("link", name="Checkout").click()
    shown.get_by_label("Segment by").fill("plan")
    shown.keyboard.press("Tab")
    shown.get_by_role("link", name="paid", exact=True).click()
    shown.get_by_text("Only units with plan = paid").wait_for()


def test_who_stands_on_what_is_replaced_stays_there(shown: "Page") -> None:
    shown.get_by_role("link", name="Checkout").click()
    shown.get_by_role("link", name="Health").focus()
    shown.evaluate("replace('shown', location.href, { remember: false })")
    assert shown.evaluate("document.activeElement.textContent") == "Health"


def test_a_number_explains_itself_to_who_comes_with_the_keyboard(shown: "Page") -> None:
    shown.get_by_role("link", name="Checkout").click()
    shown.get_by_role("link", name="Analysis").click()
    shown.get_by_text("95% interval of the lift").first.wait_for()
    lift = shown.locator(".compared .strong .explained").first
    told = lift.locator(".tip")
    assert not told.is_visible()
    shown.locator(".compared .explained").nth(3).focus()  # the difference
    shown.keyboard.press("ArrowRight")
    told.wait_for(state="visible")
    assert "divided by the control's mean" in told.inner_text()
    assert lift.get_attribute("aria-describedby") == told.get_attribute("id")
    shown.keyboard.press("Escape")
    told.wait_for(state="hidden")
    shown.mouse.move(0, 0)
    shown.locator(".badge .explained").first.hover()
    shown.locator(".badge .tip").first.wait_for(state="visible")
    ids = shown.locator(".tip").evaluate_all("all => all.map((each) => each.id)")
    assert len(ids) == len({*ids})


def test_each_table_is_one_stop_of_tab_and_arrow_keys_lead_through_its_numbers(
    shown: "Page",
) -> None:
    def standing() -> str:
        return str(shown.evaluate("document.activeElement.firstChild.textContent.trim()"))

    shown.get_by_role("link", name="Checkout").click()
    shown.get_by_role("link", name="Analysis").click()
    tables = shown.locator("section.metric")
    tables.first.wait_for()
    shown.get_by_role("button", name="Show").focus()
    shown.keyboard.press("Tab")
    assert standing() == "1,000"  # units of the control
    for key, there in (
        *(("ArrowRight", "303"), ("ArrowDown", "323"), ("End", "1.0000"), ("Home", "1,000")),
        *(("ArrowDown", "Not Significant"), ("ArrowUp", "1,000"), ("ArrowLeft", "30.33%")),
    ):
        shown.keyboard.press(key)
        assert standing() == there, key
    shown.keyboard.press("Tab")
    assert tables.nth(1).evaluate("each => each.contains(document.activeElement)")
    shown.keyboard.press("Shift+Tab")
    assert standing() == "30.33%"
    stops = tables.first.locator(".explained").evaluate_all(
        "all => all.map((each) => each.tabIndex)"
    )
    assert len(stops) > 10
    assert sum(stop == 0 for stop in stops) == 1


def test_the_headings_of_the_overview_stay_and_sort(shown: "Page") -> None:
    shown.get_by_role("columnheader", name="Experiment").get_by_role("link").click()
    heading = shown.get_by_role("columnheader", name="Experiment")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert shown.url.endswith("?order=name")
    assert heading.evaluate("each => getComputedStyle(each).position") == "sticky"


def test_controls_offer_what_is_known_once_events_are_read(shown: "Page") -> None:
    shown.get_by_role("link", name="Checkout").click()
    control = shown.get_by_role("combobox", name="Control")
    control.wait_for()
    shown.evaluate("""() => {
      const form = document.querySelector("form.controls");
      form.dataset.unread = "";
      form.elements.control.replaceChildren();
      form.elements.control.focus();
      replace("shown", location.href, { remember: false });
    }""")
    shown.locator("form[data-unread]").wait_for(state="detached")
    assert "express" in control.inner_text()
    assert shown.evaluate("document.activeElement.name") == "control"
    control.select_option("express")
    shown.get_by_text("Not as planned").first.wait_for()


def test_it_works_without_a_script(browser: "Browser", address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    page.goto(address.partition("?")[0] + "experiments/Checkout/analysis/")
    page.get_by_label("Confidence").select_option("0.9")
    page.get_by_role("button", name="Show").click()
    page.get_by_text("90% interval of the lift").first.wait_for()
    context.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(browser: "Browser", address: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    page.goto(address)
    for path in ("", *(f"experiments/Checkout/{tab}" for tab in ("", "analysis/", "plan/"))):
        page.goto(address.partition("?")[0] + path)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, path
    context.close()
