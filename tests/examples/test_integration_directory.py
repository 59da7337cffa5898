"""The example, visited in Chromium: the report says exactly what the visitors did."""

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from playwright.sync_api import Browser

from .served import Example, integration_directory, served
from .stored_events import stored_rows
from .visitors import ACME, ORGANIZATIONS, WITH_COLLEAGUE, Visits, visit

ANALYZE = ("abkit", "analyze", "ShowPluginsExperiment", "--events", "data/events")


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    return integration_directory(tmp_path_factory.mktemp("example") / "integration_directory")


@frozen
class Visited:
    visits: Visits
    answers: Counter[tuple[str, int]]
    result: dict[str, Any]
    report: Path
    events: Path


@pytest.fixture(scope="module")
def visited(example: Example, browser: Browser) -> Visited:
    with served(example) as server:
        visits = visit(browser, server)
    ran = example.manage(*ANALYZE, "--json", "--html", "report.html")
    assert ran.returncode == 0, ran.stderr
    return Visited(
        visits=visits,
        answers=server.answers(),
        result=json.loads(ran.stdout),
        report=example.folder / "report.html",
        events=example.folder / "data" / "events",
    )


def planned(number: int) -> str:
    """The variant of an organization as PlanOut gives it: SHA-1 of the salts and the unit."""
    digest = hashlib.sha1(  # noqa: S324 - PlanOut's hash, not a secret
        f"ShowPluginsExperiment.variant.{number}".encode()
    ).hexdigest()
    return "0" if int(digest[:15], 16) / 0xFFFFFFFFFFFFFFF <= 0.5 else "1"


def converted(visits: Visits) -> Counter[str]:
    """By variant, the organizations of the experiment that clicked at all."""
    clicked = {number for number, _ in visits.clicks} - {ACME}
    return Counter(visits.shown[number] for number in clicked)


def test_no_browser_complains_and_no_request_is_refused(visited: Visited) -> None:
    assert visited.visits.said == []
    assert {status for _, status in visited.answers} <= {200, 204, 302, 304}


def test_every_organization_sees_its_variant(visited: Visited) -> None:
    expected = {number: planned(number) for number in ORGANIZATIONS}
    assert {*expected.values()} == {"0", "1"}
    assert visited.visits.shown == {**expected, ACME: "1"}


def test_every_exposure_is_delivered_once(visited: Visited) -> None:
    rows = stored_rows(visited.events, "exposures", "unit_id", "variant", "insert_id")
    once = Counter((str(number), planned(number)) for number in ORGANIZATIONS)
    assert Counter((unit, variant) for unit, variant, _ in {*rows}) == once
    # The processes of the server share no memory: two people may be exposed by two, under one id.
    alone = [row[:2] for row in rows if int(row[0]) not in WITH_COLLEAGUE]
    assert len(alone) == len({*alone}) == len(ORGANIZATIONS) - len(WITH_COLLEAGUE)


def test_a_browser_that_has_told_an_exposure_does_not_tell_it_again(visited: Visited) -> None:
    browsers = len(ORGANIZATIONS) + len(WITH_COLLEAGUE)
    assert visited.answers["POST /abkit/log-exposure/", 204] == browsers


def test_every_click_is_delivered_once(visited: Visited) -> None:
    rows = stored_rows(visited.events, "actions", "action", "groups", "properties")
    assert {name for name, _, _ in rows} == {"integration link clicked"}
    found = Counter(
        (int(groups["org"]), json.loads(told)["integration"]) for _, groups, told in rows
    )
    assert found == visited.visits.clicks
    assert found.total() > len(ORGANIZATIONS)


def test_the_report_counts_what_was_done(visited: Visited) -> None:
    units = Counter(map(planned, ORGANIZATIONS))
    clicked = converted(visited.visits)
    (metric,) = visited.result["metrics"]
    (treatment,) = metric["treatments"]
    for arm in (metric["control"], treatment):
        variant = arm["variant"]
        assert (arm["units"], arm["conversions"]) == (units[variant], clicked[variant])
    assert treatment["badges"] == ["Not Significant", "Inconclusive"]
    assert visited.result["recommendation"]["action"] == "continue"
    assert visited.result["warnings"] == []


def test_the_report_in_a_browser_says_the_same(visited: Visited, browser: Browser) -> None:
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(visited.report.as_uri())
    table = page.get_by_role("table", name="integration link clicked by variant")
    units, clicked = Counter(map(planned, ORGANIZATIONS)), converted(visited.visits)
    for variant, header in (("0", "0 control"), ("1", "1")):
        row = table.get_by_role("row").filter(
            has=page.get_by_role("rowheader", name=header, exact=True)
        )
        cells = row.get_by_role("cell").all_inner_texts()
        assert cells[:2] == [str(units[variant]), str(clicked[variant])]
    badges = table.locator(".badge").all_inner_texts()
    assert badges == ["Not Significant", "Inconclusive"]
    assert said == []
    page.close()


def test_our_own_organization_sees_the_plugins_and_is_not_counted(visited: Visited) -> None:
    assert visited.visits.shown[ACME] == "1"
    assert visited.visits.clicks[ACME, "webhooks"] == 1
    assert str(ACME) not in {
        unit for (unit,) in stored_rows(visited.events, "exposures", "unit_id")
    }


def test_what_was_generated_is_as_the_class_says(example: Example) -> None:
    for command in (
        ("abkit", "typescript", "--check", "--out", "page/src/experiments"),
        ("abkit", "check"),
        ("check", "--fail-level", "WARNING"),
    ):
        ran = example.manage(*command)
        assert ran.returncode == 0, ran.stdout + ran.stderr
