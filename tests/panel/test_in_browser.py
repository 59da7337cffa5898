"""The panel on its four hosts, in a browser: numbers are those of Python, and acts reach the application."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import date, timedelta
from functools import cache, partial
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from attrs import evolve, frozen
from playwright.sync_api import Browser
from tests.panel.asking import PATIENCE
from tests.panel.hosted import KEEP
from tests.panel.hosts import DJANGO, FASTAPI, FLASK, Host, application, standalone
from tests.panel.person import CHECKOUT, Numbers, Person, signed_in, signed_in_without_script
from tests.panel.shop import DAYS, analysis_of

from abkit import AnalysisPlan
from abkit.analysis.findings.metric_result import MetricResult, Treatment
from abkit.analysis.presentation import figures

FIRST_DAY = date(2026, 11, 2)

Found: TypeAlias = Sequence[MetricResult]


def select(label: str, value: str) -> Callable[[Person], None]:
    def change(person: Person) -> None:
        person.page.get_by_role("combobox", name=label).select_option(value)
        person.shows()

    return change


def write(label: str, value: str) -> Callable[[Person], None]:
    def change(person: Person) -> None:
        person.page.get_by_label(label).fill(value)
        person.page.keyboard.press("Tab")
        person.shows()

    return change


def only_segment(name: str, value: str) -> Callable[[Person], None]:
    def change(person: Person) -> None:
        write("Segment by", name)(person)
        person.page.get_by_role("link", name=value, exact=True).click()
        person.waits()

    return change


def tick(metric: str) -> Callable[[Person], None]:
    def change(person: Person) -> None:
        person.page.get_by_text("Metrics", exact=True).first.click()
        person.page.get_by_label(metric, exact=True).check()
        person.shows()

    return change


def several(*changes: Callable[[Person], None]) -> Callable[[Person], None]:
    def change(person: Person) -> None:
        for each in changes:
            each(person)

    return change


@frozen
class Case:
    """One control that is changed.

    Attributes:
        change: What the person does.
        query: What the address says then.
        analysis: The same, in Python.
    """

    change: Callable[[Person], None]
    query: dict[str, str]
    analysis: Callable[[Path], Found]


def _run(*, plan: AnalysisPlan | None = None, **said: Any) -> Callable[[Path], Found]:
    return lambda events: analysis_of(events, plan).run(**said).metrics


def _segment(name: str, value: str) -> Callable[[Path], Found]:
    def found(events: Path) -> Found:
        result = analysis_of(events, AnalysisPlan(segments=[name])).run()
        return next(each.metrics for each in result.segments if each.value == value)

    return found


def _only(
    found: Callable[[Path], Found], *, variant: str = "", metric: str = ""
) -> Callable[[Path], Found]:
    def kept(events: Path) -> Found:
        return [
            evolve(
                each,
                treatments=tuple(t for t in each.treatments if variant in {"", t.arm.variant}),
            )
            for each in found(events)
            if metric in {"", each.metric.name}
        ]

    return kept


SINCE_DAY_4 = FIRST_DAY + timedelta(days=3)
LAST_WEEK = FIRST_DAY + timedelta(days=DAYS - 7)
UNTIL_DAY_14 = FIRST_DAY + timedelta(days=13)

CASES = {
    "the control": Case(
        select("Control", "express"), {"control": "express"}, _run(control="express")
    ),
    "two variants": Case(
        select("Beside it", "one_page"), {"variant": "one_page"}, _only(_run(), variant="one_page")
    ),
    "the t-test": Case(
        select("Test", "welch"), {"method": "welch"}, _run(plan=AnalysisPlan(method="welch"))
    ),
    "the Bayesian test": Case(
        select("Test", "bayesian"),
        {"method": "bayesian"},
        _run(plan=AnalysisPlan(method="bayesian")),
    ),
    "the confidence": Case(
        select("Confidence", "0.8"), {"confidence": "0.8"}, _run(plan=AnalysisPlan(confidence=0.8))
    ),
    "a number of days": Case(select("Days", "7"), {"days": "7"}, _run(start=LAST_WEEK)),
    "the first and the last day": Case(
        several(write("From", f"{SINCE_DAY_4}"), write("Until", f"{UNTIL_DAY_14}")),
        {"since": f"{SINCE_DAY_4}", "until": f"{UNTIL_DAY_14}"},
        _run(start=SINCE_DAY_4, until=UNTIL_DAY_14 + timedelta(days=1)),
    ),
    "a segment": Case(
        only_segment("country", "DE"), {"by": "country", "segment": "DE"}, _segment("country", "DE")
    ),
    "the metrics": Case(tick("purchase"), {"metric": "purchase"}, _only(_run(), metric="purchase")),
}


@cache
def expected(control: str, events: Path) -> Numbers:
    """What Python says to a case, as the page has it."""
    return {
        (found.metric.name, treatment.arm.variant): _of(treatment)
        for found in CASES[control].analysis(events)
        for treatment in found.treatments
    }


def _of(treatment: Treatment) -> dict[str, Any]:
    comparison = treatment.comparison
    if comparison is None:
        waits = f"Not compared yet: needs {' and '.join(treatment.missing)}."
        return {"values": [], "texts": [waits]}
    ends = comparison.lift_interval or comparison.interval
    texts = [figures.lift(comparison), figures.interval(comparison)]
    return {"values": [comparison.lift, ends.low, ends.high], "texts": texts}


@frozen
class Way:
    """How the panel is looked at.

    Attributes:
        serve: Starts the host, for a folder of events and one of its own.
        sign_in: Opens the browser.
        shares: Whether what other processes read and kept is taken, which saves reading it again.
    """

    serve: Callable[..., AbstractContextManager[Host]]
    sign_in: Callable[[Browser, Host], AbstractContextManager[Person]] = signed_in
    shares: bool = True


PRELOADED = (*FLASK, "--preload", "--workers", "2")
"""Of each page and of what it asks for, any of the two may answer."""

WAYS = {
    "abkit panel": Way(standalone),
    "FastAPI": Way(partial(application, FASTAPI)),
    "Django": Way(partial(application, DJANGO)),
    "Flask": Way(partial(application, FLASK)),
    "Flask, two workers, no script": Way(
        partial(application, PRELOADED), signed_in_without_script, shares=False
    ),
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module", params=WAYS)
def person(
    request: pytest.FixtureRequest,
    browser: Browser,
    shop_events: Path,
    kept: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Person]:
    way = WAYS[request.param]
    folder = tmp_path_factory.mktemp("host")
    more = {KEEP: str(kept)} if way.shares else {}
    with way.serve(shop_events, folder, **more) as host, way.sign_in(browser, host) as person:
        yield person


@pytest.mark.parametrize("control", CASES)
def test_a_control_shows_the_numbers_of_python(
    person: Person, shop_events: Path, control: str
) -> None:
    person.opens("analysis/")
    case = CASES[control]
    case.change(person)
    assert person.query == urlencode(case.query)
    found, right = person.numbers, expected(control, shop_events)
    assert list(found) == list(right)
    for each, of in right.items():
        assert found[each]["values"] == pytest.approx(of["values"], rel=1e-9, abs=1e-9)
        assert found[each]["texts"] == of["texts"]


def test_what_is_taken_away_is_what_python_says(
    person: Person, shop_events: Path, tmp_path: Path
) -> None:
    person.opens("")
    with person.page.expect_download() as download:
        person.page.get_by_role("link", name="JSON", exact=True).click()
    download.value.save_as(tmp_path / "result.json")
    taken = json.loads((tmp_path / "result.json").read_text())
    right = json.loads(json.dumps(analysis_of(shop_events).run().to_dict()))
    assert taken["metrics"] == right["metrics"]
    assert taken["segments"] == right["segments"]


def test_who_rolls_back_sees_the_application_give_the_default(person: Person) -> None:
    host, page = person.host, person.page
    user = next(f"u{n}" for n in range(100) if host.gives(f"u{n}") == "express")
    person.opens("")
    page.get_by_role("button", name="Roll back").click()
    page.get_by_text("Everybody gets the default, four_pages").wait_for()
    page.get_by_label("Why?").fill("too many complaints")
    page.get_by_role("button", name="Roll back").click()
    page.get_by_text("too many complaints").wait_for()
    assert follows(host, user, "four_pages")
    page.get_by_role("link", name="Undo").click()
    page.get_by_label("Why?").fill("they were about something else")
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("they were about something else").wait_for()
    assert follows(host, user, "express")


def follows(host: Host, user: str, variant: str) -> bool:
    """Whether the application comes to give a user a variant."""
    deadline = time.monotonic() + PATIENCE
    while host.gives(user) != variant:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_the_second_of_two_who_act_is_told_and_a_form_is_taken_once(person: Person) -> None:
    page = person.page
    other = page.context.new_page()
    for each in (page, other):
        each.goto(f"{person.host.panel}{CHECKOUT}act/?act=ramp&share=50")
        each.get_by_label("Why?").fill("half of it")
    with page.expect_request(lambda request: request.method == "POST") as sent:
        page.get_by_role("button", name="Ramp").click()
    page.get_by_text("half of it").wait_for()
    other.get_by_role("button", name="Ramp").click()
    told = other.get_by_role("alert")
    assert "changed since you opened this page" in told.inner_text()
    assert "half of it" in told.inner_text()
    other.close()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    again = page.context.request.post(
        sent.value.url, data=sent.value.post_data or "", headers=headers
    )
    assert again.status == 409
    page.get_by_role("link", name="Undo").click()
    page.get_by_label("Why?").fill("all of it")
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("all of it").wait_for()


def test_a_page_of_another_origin_changes_nothing(person: Person, elsewhere: str) -> None:
    """It is of the same machine, so that the browser sends the cookies along, and knows a right form.

    Who is not signed in is refused in other words.
    """
    page = person.page
    page.goto(f"{person.host.panel}{CHECKOUT}act/?act=ramp&share=50")
    page.get_by_label("Why?").fill("sent from elsewhere")
    form = page.locator("main form")
    sends = form.evaluate("(form) => new URLSearchParams(new FormData(form)).toString()")
    other = page.context.new_page()
    fields = urlencode({"form": sends, "action": f"{person.host.panel}{CHECKOUT}act/"})
    other.goto(f"{elsewhere}?{fields}")
    with other.expect_response(lambda answer: answer.request.method == "POST") as answer:
        other.get_by_role("button").click()
    assert answer.value.status == 403
    panel_or_django = re.compile("not sent by a page of this panel|CSRF verification failed")
    other.get_by_text(panel_or_django).wait_for()
    other.close()
    person.opens("history/")
    assert "sent from elsewhere" not in page.locator("main").inner_text()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """A site with a page whose button sends any form anywhere."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Elsewhere(BaseHTTPRequestHandler):
    """The form and where it is sent are in the address."""

    def do_GET(self) -> None:
        said = dict(parse_qsl(urlsplit(self.path).query))
        fields = "".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
            for name, value in parse_qsl(said.get("form", ""))
        )
        action = escape(said.get("action", ""))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        html = f'<form method="post" action="{action}">{fields}<button>Win</button></form>'
        self.wfile.write(html.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""
