"""What every framework must keep for visitors who need not be signed in.

An application under test has three pages: `/ask/` logs an exposure to `Signup` and answers with its variant,
`/plain/` asks for nothing, and `/enter/` signs user 7 in.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from http.cookies import Morsel
from random import Random
from time import time
from typing import Protocol

import pytest
from attrs import frozen

from abkit import ExperimentManager, ExposureLogger, VisitorExperiment
from abkit.events import Event, Exposure
from abkit.experiments.declaring.identities import is_visitor_id, new_visitor_id
from abkit.integrations.visitors import VisitorStats
from abkit.integrations.visitors.cookie import VisitorCookieSigner
from abkit.sinks.memory import MemorySink

from .endpoint_contract import says

COOKIE = "abkit_visitor"
SECRET = "a secret of the tests"  # noqa: S105
FORMER_SECRET = "one of before"  # noqa: S105
NOW = 1_800_000_000.0
TWO_YEARS = timedelta(days=730).total_seconds()


class Signup(VisitorExperiment):
    """A button to sign up with GitHub."""

    variants = {"form": 0.5, "github": 0.5}


@frozen
class Page:
    """A response.

    Attributes:
        status: The HTTP status.
        text: The body.
        headers: By names in small letters.
        cookies: Those that it writes, by name.
    """

    status: int
    text: str
    headers: Mapping[str, str]
    cookies: Mapping[str, "Morsel[str]"]


class Browser(Protocol):
    """It keeps the cookies that it is sent."""

    def get(self, path: str, *, https: bool = False, user_agent: str | None = None) -> Page: ...

    def send(self, body: bytes) -> Page:
        """Send exposures to the endpoint, with the CSRF token of the page if there is one."""

    def set_cookie(self, name: str, value: str) -> None: ...

    def get_with(self, path: str, *, cookies: str) -> Page:
        """Get a page with other cookies than those that were kept."""


class Site(Protocol):
    """An application whose secret is `SECRET`, after `FORMER_SECRET`."""

    manager: ExperimentManager

    @property
    def stats(self) -> VisitorStats: ...

    def browser(self) -> Browser: ...


class NewSite(Protocol):
    """Makes the application, whose manager has an `on_event`.

    Args:
        consent: What its function of this name returns; None: it has no such function.
        visitor: What its function of this name returns; None: it has no such function.
    """

    def __call__(self, *, consent: bool | None = None, visitor: str | None = None) -> Site: ...


class VisitorContract:
    """Inherit it, and give the fixture `new_site`, whose managers are strict and have `Signup`."""

    @pytest.fixture
    def new_site(self) -> NewSite:
        raise NotImplementedError

    @pytest.fixture
    def site(self, new_site: NewSite) -> Site:
        return new_site()

    @pytest.fixture
    def logged(self, site: Site) -> list[Event]:
        found: list[Event] = []
        site.manager.on_event = found.append
        return found

    def test_the_first_visit_makes_a_signed_cookie(self, site: Site, logged: list[Event]) -> None:
        page = site.browser().get("/ask/")
        cookie = page.cookies[COOKIE]
        visitor = visitor_of(cookie.value)
        assert is_visitor_id(visitor)
        assert page.text == site.manager.get(Signup, visitor=visitor)
        assert [exposed(each) for each in logged] == [("visitor", visitor, page.text)]
        assert (cookie["path"], int(cookie["max-age"])) == ("/", TWO_YEARS)
        assert (cookie["samesite"].lower(), bool(cookie["httponly"])) == ("lax", True)
        assert not cookie["secure"]
        assert "cookie" in page.headers["vary"].lower()
        assert page.headers["cache-control"] == "private"
        assert site.stats == VisitorStats(made=1)

    def test_further_visits_are_the_same_visitors(self, site: Site, logged: list[Event]) -> None:
        browser = site.browser()
        first, second = browser.get("/ask/"), browser.get("/ask/")
        assert first.text == second.text
        assert len({exposed(each) for each in logged}) == 1
        assert second.cookies == {}
        assert "cookie" in second.headers["vary"].lower()
        assert second.headers["cache-control"] == "private"
        assert site.stats == VisitorStats(made=1)

    def test_on_https_the_cookie_is_secure(self, site: Site) -> None:
        assert site.browser().get("/ask/", https=True).cookies[COOKIE]["secure"]

    def test_a_page_that_does_not_ask_stays_cacheable(self, site: Site) -> None:
        browser = site.browser()
        assert_says_nothing(browser.get("/plain/"))
        browser.get("/ask/")
        assert_says_nothing(browser.get("/plain/"))

    @pytest.mark.parametrize(
        "forge",
        {
            "another site's": lambda value: written_with("another secret"),
            "unsigned": lambda value: new_visitor_id(),
            "cut off": lambda value: value[:-1],
            "of another id": lambda value: new_visitor_id() + value[len(new_visitor_id()) :],
            "text": lambda value: "x" * 3_000,
        }.items(),
        ids=lambda forge: forge[0],
    )
    def test_a_cookie_that_was_not_written_here_is_replaced(
        self, site: Site, forge: tuple[str, Callable[[str], str]]
    ) -> None:
        browser = site.browser()
        first = browser.get("/ask/").cookies[COOKIE].value
        browser.set_cookie(COOKIE, forge[1](first))
        second = browser.get("/ask/").cookies[COOKIE].value
        assert visitor_of(second) != visitor_of(first)
        assert site.stats == VisitorStats(made=2, forged=1)

    def test_a_cookie_of_a_former_secret_is_read_and_written_anew(self, site: Site) -> None:
        browser, before = site.browser(), written_with(FORMER_SECRET)
        browser.set_cookie(COOKIE, before)
        after = browser.get("/ask/").cookies[COOKIE].value
        assert after != before
        assert visitor_of(after) == visitor_of(before)
        assert site.stats == VisitorStats()

    def test_a_cookie_that_another_host_has_written_does_not_hide_that_of_the_application(
        self, site: Site, logged: list[Event]
    ) -> None:
        own, other = f"{COOKIE}={written_with(SECRET, now=time())}", f"{COOKIE}=another"
        pages = [
            site.browser().get_with("/ask/", cookies=f"{first}; {second}")
            for first, second in ((own, other), (other, own))
        ]
        assert [page.cookies for page in pages] == [{}, {}]
        assert len({exposed(each) for each in logged}) == 1
        assert site.stats == VisitorStats()

    def test_a_bot_gets_the_control_and_no_cookie(self, site: Site, logged: list[Event]) -> None:
        for agent in ("Googlebot/2.1", "curl/8.5"):
            page = site.browser().get("/ask/", user_agent=agent)
            assert (page.status, page.text, page.cookies) == (200, "form", {})
        assert logged == []
        assert site.stats == VisitorStats(bots=2)

    def test_who_has_not_consented_gets_the_control_and_no_cookie(self, new_site: NewSite) -> None:
        site = new_site(consent=False)
        browser = site.browser()
        events: list[Event] = []
        site.manager.on_event = events.append
        page = browser.get("/ask/")
        assert (page.status, page.text, page.cookies, events) == (200, "form", {}, [])
        assert "cookie" in page.headers["vary"].lower()
        browser.set_cookie(COOKIE, written_with(SECRET))
        deleted = browser.get("/ask/").cookies[COOKIE]
        assert (deleted.value, int(deleted["max-age"])) == ("", 0)
        assert site.stats == VisitorStats(without_consent=2)

    def test_who_has_consented_has_a_cookie(self, new_site: NewSite) -> None:
        assert COOKIE in new_site(consent=True).browser().get("/ask/").cookies

    def test_an_id_of_the_applications_own_needs_no_cookie(self, new_site: NewSite) -> None:
        site = new_site(visitor="analytics-1")
        page = site.browser().get("/ask/")
        assert page.text == site.manager.get(Signup, visitor="analytics-1")
        assert page.cookies == {}
        assert page.headers["cache-control"] == "private"

    def test_an_exposure_from_the_browser_is_the_visitors(
        self, site: Site, logged: list[Event]
    ) -> None:
        browser = site.browser()
        visitor = visitor_of(browser.get("/ask/").cookies[COOKIE].value)
        logged.clear()
        sent = {"experiment": "Signup", "unitType": "visitor", "unitId": visitor}
        assert browser.send(says(sent)).status == 204
        assert [exposed(each)[:2] for each in logged] == [("visitor", visitor)]
        assert browser.send(says({**sent, "unitId": new_visitor_id()})).status == 403
        assert len(logged) == 1

    def test_the_endpoint_makes_no_visitors(self, site: Site, logged: list[Event]) -> None:
        sent = {"experiment": "Signup", "unitType": "visitor", "unitId": new_visitor_id()}
        reply = site.browser().send(says(sent))
        assert reply.status == 401
        assert COOKIE not in reply.cookies
        assert logged == []
        assert site.stats == VisitorStats()

    def test_who_signs_in_is_told_once(self, site: Site) -> None:
        browser, sink = site.browser(), MemorySink()
        with ExposureLogger(sink) as logger:
            site.manager.on_event = logger
            visitor = visitor_of(browser.get("/ask/").cookies[COOKIE].value)
            assert logger.flush()
            assert sink.identities == []
            browser.get("/enter/")
            for _ in range(3):
                browser.get("/ask/")
        (told,) = sink.identities
        assert (told.from_type, told.from_id) == ("visitor", visitor)
        assert (told.to_type, told.to_id) == ("user", "7")
        assert len(sink.exposures) == 1

    def test_visits_in_any_order_are_what_a_naive_model_says(self, site: Site) -> None:
        pick = Random(13)  # noqa: S311 - not for a secret
        browsers = [site.browser() for _ in range(6)]
        variants: dict[int, str] = {}
        signed_in: set[int] = set()
        sink = MemorySink()
        with ExposureLogger(sink) as logger:
            site.manager.on_event = logger
            for _ in range(60):
                number = pick.randrange(len(browsers))
                browser = browsers[number]
                match pick.choice(["ask", "ask", "plain", "enter", "robot"]):
                    case "ask":
                        shown = browser.get("/ask/").text
                        assert shown == variants.setdefault(number, shown)
                    case "robot":
                        assert browser.get("/ask/", user_agent="Googlebot/2.1").text == "form"
                    case "enter":
                        browser.get("/enter/")
                        signed_in.add(number)
                    case path:
                        browser.get(f"/{path}/")
            for number in signed_in & {*variants}:
                assert browsers[number].get("/ask/").text == variants[number]
        assert len({each.unit_id for each in sink.exposures}) == len(sink.exposures)
        assert Counter(each.variant for each in sink.exposures) == Counter(variants.values())
        assert len({each.from_id for each in sink.identities}) == len(signed_in & {*variants})
        assert len(sink.identities) == len(signed_in & {*variants})

    def test_a_thousand_requests_without_cookies_are_a_thousand_visitors(
        self, site: Site, logged: list[Event]
    ) -> None:
        for _ in range(1_000):
            site.browser().get("/ask/")
        assert len({exposed(each) for each in logged}) == 1_000
        assert site.stats == VisitorStats(made=1_000)


def visitor_of(cookie: str) -> str:
    """The id in a cookie."""
    return cookie.partition(".")[0]


def written_with(secret: str, *, now: float = NOW) -> str:
    """A cookie of a new visitor."""
    return VisitorCookieSigner(secret).write(new_visitor_id(), now=now)


def exposed(event: Event) -> tuple[str, str, object]:
    """The unit of an exposure, and its variant."""
    assert isinstance(event, Exposure)
    return event.unit_type, event.unit_id, event.variant


def assert_says_nothing(page: Page) -> None:
    assert page.status == 200
    assert page.cookies == {}
    assert not {"vary", "cache-control"} & {*page.headers}
