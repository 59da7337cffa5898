"""The sign-up page, visited in Chromium by 40 browsers: the report says exactly what they did."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from playwright.sync_api import Browser

from abkit.experiments.declaring.identities import VISITOR_ID_LENGTH
from abkit.integrations.visitors import NAME

from .served import Example, served, signup_page
from .sign_ups import INVITED, SIGNED_UP, Visits, visit
from .stored_events import stored_rows

VARIANTS = ("form", "github")


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    return signup_page(tmp_path_factory.mktemp("example") / "signup_page")


@frozen
class Visited:
    """What was done, and what became of it.

    Attributes:
        visits: What was done.
        statuses: Of all answers.
        made: The visitors for whom the server has set a cookie.
        events: Where it stored them.
        result: What `abkit analyze` found.
        report: The same as a page.
    """

    visits: Visits
    statuses: set[int]
    made: list[str]
    events: Path
    result: dict[str, Any]
    report: Path

    def found(self, metric: str, variant: str) -> tuple[int, int]:
        """The units of a variant, and how many did what the metric counts."""
        (found,) = (each for each in self.result["metrics"] if each["metric"] == metric)
        arms = (found["control"], *found["treatments"])
        (arm,) = (arm for arm in arms if arm["variant"] == variant)
        return arm["units"], arm["conversions"]

    def expected(self, metric: str, variant: str) -> tuple[int, int]:
        """The same, by what was done."""
        units = [unit for unit in self.visits.units if unit.variants == {variant}]
        return len(units), sum(metric in unit.did for unit in units)


@pytest.fixture(scope="module")
def visited(example: Example, browser: Browser) -> Visited:
    with served(example) as server:
        visits = visit(browser, server.address)
    ran = example.run(
        "-m", "abkit.cli", "analyze", "SignupWithGitHub", "--json", "--html", "report.html"
    )
    assert ran.returncode == 0, ran.stderr
    return Visited(
        visits=visits,
        statuses={status for _, status in server.answers()},
        made=[value[:VISITOR_ID_LENGTH] for value in server.cookies(NAME)],
        events=example.folder / "data" / "events",
        result=json.loads(ran.stdout),
        report=example.folder / "report.html",
    )


def test_no_browser_complains_and_no_request_is_refused(visited: Visited) -> None:
    assert visited.visits.said == []
    assert visited.statuses <= {200, 302, 304}


def test_what_was_done_is_what_is_found(visited: Visited) -> None:
    visits, units = visited.visits, visited.visits.units
    shown = {visitor: variant for unit in units for visitor, variant in unit.shown.items()}
    exposures = stored_rows(visited.events, "exposures", "unit_id", "variant")
    actions = Counter(name for (name,) in stored_rows(visited.events, "actions", "action"))
    identities = stored_rows(visited.events, "identities", "from_id", "to_id")
    exposed = visited.result["exposures"]
    done_and_found: dict[str, tuple[object, object]] = {
        "browsers": (40, visits.browsers),
        "visitors made": (len(shown), len(visited.made)),
        "visitors exposed": (len(shown), len({visitor for visitor, _ in exposures})),
        "exposures": (len(shown), len(exposures)),
        "sign-ups": (len(visits.accounts), actions[SIGNED_UP]),
        "invitations": (visits.invitations, actions[INVITED]),
        "visitors linked to users": (len(visits.linked), len(identities)),
        "units in several variants": (
            sum(len(unit.variants) > 1 for unit in units),
            exposed["in_several"],
        ),
        "units of several visitors": (
            sum(len(unit.shown) > 1 for unit in units),
            exposed["identities"]["people"],
        ),
    }
    for metric in (SIGNED_UP, INVITED):
        for variant in VARIANTS:
            both = (visited.expected(metric, variant), visited.found(metric, variant))
            for what, done, found in zip(("units", f"who {metric}"), *both, strict=True):
                done_and_found[f"{what}, {variant}"] = (done, found)
    print(table(done_and_found))  # noqa: T201 - for whoever asks pytest for it, with -s
    assert [done for done, _ in done_and_found.values()] == [
        found for _, found in done_and_found.values()
    ]


def table(done_and_found: dict[str, tuple[object, object]]) -> str:
    rows = [("", "done", "found"), *((what, *both) for what, both in done_and_found.items())]
    return "\n" + "\n".join(f"{what:34}{done:>6}{found:>7}" for what, done, found in rows)


def test_the_report_in_a_browser_says_the_same(visited: Visited, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(visited.report.as_uri())
    for metric in (SIGNED_UP, INVITED):
        table = page.get_by_role("table", name=f"{metric} by variant")
        for variant, header in (("form", "form control"), ("github", "github")):
            name = page.get_by_role("rowheader", name=header, exact=True)
            cells = table.get_by_role("row").filter(has=name).get_by_role("cell")
            expected = [str(number) for number in visited.expected(metric, variant)]
            assert cells.all_inner_texts()[:2] == expected
    page.close()


def test_each_visitor_is_exposed_once_to_what_was_shown(visited: Visited) -> None:
    shown = [pair for unit in visited.visits.units for pair in unit.shown.items()]
    assert sorted(stored_rows(visited.events, "exposures", "unit_id", "variant")) == sorted(shown)
    assert sorted(visited.made) == sorted(visitor for visitor, _ in shown)
    assert {variant for _, variant in shown} == {*VARIANTS}


def test_who_is_not_enrolled_sees_the_control(visited: Visited) -> None:
    assert {*visited.visits.not_enrolled} == {"form"}
    assert len(visited.visits.not_enrolled) == 7


def test_a_visitor_is_linked_to_each_of_its_users_once(visited: Visited) -> None:
    rows = stored_rows(visited.events, "identities", "from_type", "from_id", "to_type", "to_id")
    expected = [("visitor", visitor, "user", user) for visitor, user in visited.visits.linked]
    assert sorted(rows) == sorted(expected)


def test_passwords_are_not_stored(visited: Visited) -> None:
    assert b"correct horse" not in (visited.events.parent / "accounts.db").read_bytes()


def test_what_is_locked_is_what_the_class_says(example: Example) -> None:
    ran = example.run("-m", "abkit.cli", "check")
    assert ran.returncode == 0, ran.stdout + ran.stderr
