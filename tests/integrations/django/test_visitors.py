"""Django: visitors who need not be signed in, under WSGI and ASGI."""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpRequest
from django.test import AsyncClient, Client, override_settings

from abkit import VisitorExperiment, expt_manager
from abkit.events import Event, Identity
from abkit.integrations.django.apps import abkit_app
from abkit.integrations.endpoint import PATH
from abkit.integrations.visitors import VisitorStats

from ..visitor_contract import (
    COOKIE,
    FORMER_SECRET,
    SECRET,
    NewSite,
    Page,
    Signup,
    VisitorContract,
    visitor_of,
)

SUBJECTS = {"SUBJECTS": "shop.subjects.of"}
CACHE = "django.middleware.cache."
Added = tuple[list[str], list[str]]
"""Middleware before the project's own, and after it."""
ABKIT = "abkit.integrations.django.middleware.AbkitMiddleware"


def page_of(answer: Any) -> Page:
    cookies = {
        name: cookie
        for name, cookie in answer.cookies.items()
        if name not in {"sessionid", "csrftoken"}
    }
    lower = {name.lower(): value for name, value in answer.headers.items()}
    return Page(answer.status_code, answer.text, lower, cookies)


class DjangoBrowser:
    def __init__(self) -> None:
        self._client = Client(enforce_csrf_checks=True)

    def get(self, path: str, *, https: bool = False, user_agent: str | None = None) -> Page:
        headers = {} if user_agent is None else {"User-Agent": user_agent}
        return page_of(self._client.get(path, secure=https, headers=headers))

    def send(self, body: bytes) -> Page:
        headers = {"X-CSRFToken": self._client.get("/token/").text}
        return page_of(self._client.post(PATH, body, "application/json", headers=headers))

    def set_cookie(self, name: str, value: str) -> None:
        self._client.cookies[name] = value

    def get_with(self, path: str, *, cookies: str) -> Page:
        return page_of(Client().get(path, headers={"Cookie": cookies}))


class DjangoSite:
    manager = expt_manager

    @property
    def stats(self) -> VisitorStats:
        return abkit_app().visitors.stats

    def browser(self) -> DjangoBrowser:
        return DjangoBrowser()


@pytest.fixture
def new_site(django: Any) -> Iterator[NewSite]:
    with ExitStack() as stack:

        def made(*, consent: bool | None = None, visitor: str | None = None) -> DjangoSite:
            functions: dict[str, object] = {}
            if consent is not None:
                functions["CONSENT"] = lambda _: consent
            if visitor is not None:
                functions["VISITOR"] = lambda _: visitor
            settings = override_settings(
                ROOT_URLCONF="shop.visitor_urls",
                SECRET_KEY=SECRET,
                SECRET_KEY_FALLBACKS=[FORMER_SECRET],
                ABKIT={**SUBJECTS, **functions},
            )
            stack.enter_context(settings)
            expt_manager.clear()
            expt_manager.on_event = lambda _: None
            expt_manager.add(Signup)
            return DjangoSite()

        yield made
    expt_manager.clear()


class TestVisitors(VisitorContract):
    @pytest.fixture
    def new_site(self, new_site: NewSite) -> NewSite:
        return new_site


@pytest.fixture
def logged(new_site: NewSite) -> list[Event]:
    """The events of a new site."""
    new_site()
    found: list[Event] = []
    expt_manager.on_event = found.append
    return found


def identities(events: list[Event]) -> list[tuple[str, str]]:
    return [(each.from_id, each.to_id) for each in events if isinstance(each, Identity)]


def made() -> int:
    return abkit_app().visitors.stats.made


@pytest.fixture
def middleware(request: pytest.FixtureRequest) -> Iterator[None]:
    """Django's cache, of the whole site or of some views, around abkit or within it."""
    from django.conf import settings

    cache.clear()
    before, after = request.param
    # The keys of its cache would have the time zone, and the project has none.
    with override_settings(USE_TZ=False, MIDDLEWARE=[*before, *settings.MIDDLEWARE, *after]):
        yield
    cache.clear()


UPDATE, FETCH = f"{CACHE}UpdateCacheMiddleware", f"{CACHE}FetchFromCacheMiddleware"
AROUND: Added = ([UPDATE], [FETCH])
WITHIN: Added = ([], [UPDATE, FETCH])
OF_A_VIEW: Added = ([], [])


@pytest.mark.parametrize(
    ("middleware", "path"),
    [
        (AROUND, "/ask/"),
        (WITHIN, "/ask/"),
        (OF_A_VIEW, "/cached-ask/"),
        (OF_A_VIEW, "/cached-template/"),
    ],
    indirect=["middleware"],
)
@pytest.mark.usefixtures("logged", "middleware")
def test_a_page_that_asked_is_served_to_nobody_else_from_djangos_cache(path: str) -> None:
    for visits in (1, 2, 3):
        page = page_of(Client().get(path))
        visitor = visitor_of(page.cookies[COOKIE].value)
        assert page.text.strip() == expt_manager.get(Signup, visitor=visitor)
        assert "private" in page.headers["cache-control"]
        assert made() == visits


@pytest.mark.parametrize("middleware", [OF_A_VIEW], indirect=True)
@pytest.mark.usefixtures("logged", "middleware")
def test_nor_is_a_page_whose_application_gives_the_visitor() -> None:
    with override_settings(
        ABKIT={"SUBJECTS": lambda request: {"visitor": request.headers["X-Visitor"]}}
    ):
        for visitor in map(str, range(8)):
            page = page_of(Client().get("/cached-ask/", headers={"X-Visitor": visitor}))
            assert page.text.strip() == expt_manager.get(Signup, visitor=visitor)
            assert "private" in page.headers["cache-control"]


@pytest.mark.parametrize(
    ("middleware", "path"),
    [(AROUND, "/plain/"), (WITHIN, "/plain/"), (OF_A_VIEW, "/cached-plain/")],
    indirect=["middleware"],
)
@pytest.mark.usefixtures("logged", "middleware")
def test_a_page_that_did_not_ask_is_served_to_all_from_djangos_cache(path: str) -> None:
    known = Client()
    known.get("/ask/")
    pages = [page_of(client.get(path)) for client in (known, Client(), known)]
    assert len({page.text for page in pages}) == 1
    assert not any("vary" in page.headers or page.cookies for page in pages)


@pytest.mark.usefixtures("logged")
def test_a_page_that_has_not_changed_is_still_the_visitors_own() -> None:
    from django.conf import settings

    conditional = "django.middleware.http.ConditionalGetMiddleware"
    for middleware in ([conditional, *settings.MIDDLEWARE], [*settings.MIDDLEWARE, conditional]):
        with override_settings(MIDDLEWARE=middleware):
            client = Client()
            tag = client.get("/ask/").headers["ETag"]
            unchanged = client.get("/ask/", headers={"If-None-Match": tag})
            assert unchanged.status_code == 304
            assert unchanged.headers["Cache-Control"] == "private"
            assert "Cookie" in unchanged.headers["Vary"]


@pytest.mark.parametrize(("path", "status"), [("/fails/", 500), ("/enter/", 302)])
def test_errors_and_redirects_carry_the_cookie_too(
    logged: list[Event], path: str, status: int
) -> None:
    answer = Client(raise_request_exception=False).get(path)
    assert answer.status_code == status
    assert COOKIE in answer.cookies
    assert answer.headers["Cache-Control"] == "private"


def test_a_forced_variant_is_neither_stored_nor_exposed(logged: list[Event]) -> None:
    with override_settings(ABKIT={**SUBJECTS, "ALLOW_FORCING": lambda _: True}):
        answers = [Client().get(f"/ask/?abkit=Signup:{each}") for each in Signup.variants]
    assert [each.text for each in answers] == [*Signup.variants]
    for answer in answers:
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert answer.headers["Vary"] == "Cookie"
    assert logged == []


def test_a_streamed_page_asks_before_its_headers_are_sent(logged: list[Event]) -> None:
    early, late = Client().get("/stream/"), Client().get("/late-stream/")
    visitor = visitor_of(early.cookies[COOKIE].value)
    assert early.getvalue().decode() == expt_manager.get(Signup, visitor=visitor)
    assert COOKIE not in late.cookies
    assert late.getvalue() == b"form"
    assert abkit_app().visitors.stats == VisitorStats(made=1, too_late=1)


def test_a_script_of_the_page_logs_the_exposure_of_who_is_not_signed_in(
    logged: list[Event],
) -> None:
    client = Client(enforce_csrf_checks=True)
    page = client.get("/template/")
    payload = re.search(r'type="application/json">(.*)</script>', page.text)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    assert payload is not None
    assert token is not None
    told = json.loads(payload[1])["Signup"]
    assert (told["unitType"], told["unitId"]) == (
        "visitor",
        visitor_of(client.cookies[COOKIE].value),
    )
    assert f"<p>{told['variant']}</p>" in page.text
    sent = {"experiment": "Signup", "unitType": "visitor", "unitId": told["unitId"]}
    for body, status in (({**sent, "csrfToken": token[1]}, 204), (sent, 403)):
        assert client.post(PATH, json.dumps(body), "text/plain").status_code == status
    assert len(logged) == 2


def test_a_visitor_is_a_user_as_soon_as_they_sign_in(logged: list[Event]) -> None:
    client = Client()
    client.get("/enter/")
    visitor = visitor_of(client.cookies[COOKIE].value)
    assert identities(logged) == [(visitor, "7")]


def test_who_the_user_is_is_told_where_somebody_asks_for_the_user_anyhow(
    logged: list[Event],
) -> None:
    client = Client()
    client.get("/enter/")
    logged.clear()
    plain = client.get("/plain/")
    assert not plain.has_header("Vary")
    assert logged == []
    client.get("/greet/")
    assert len(identities(logged)) == 1
    client.cookies.pop(COOKIE)
    client.get("/greet/")
    assert len(logged) == 1


def no_subjects(_request: HttpRequest) -> dict[str, object]:
    raise ZeroDivisionError


def test_an_error_of_the_subjects_breaks_no_page_that_does_not_ask_for_them(
    logged: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client()
    client.get("/enter/")
    monkeypatch.delenv("PYTEST_VERSION")  # the manager is as in production
    with override_settings(ABKIT={"SUBJECTS": no_subjects}):
        assert client.get("/greet/").text == "member"
    assert expt_manager.errors == {("identify", "MissingSubjectError"): 1}


def test_under_asgi_too(logged: list[Event]) -> None:
    async def visit() -> list[Any]:
        client = AsyncClient()
        paths = ("/async-ask/", "/async-ask/", "/ask/", "/async-enter/", "/greet/")
        return [await client.get(path) for path in paths]

    first, second, third, entered, _ = asyncio.run(visit())
    visitor = visitor_of(first.cookies[COOKIE].value)
    assert (first.headers["Vary"], first.headers["Cache-Control"]) == ("Cookie", "private")
    assert {each.text for each in (first, second, third)} == {
        expt_manager.get(Signup, visitor=visitor)
    }
    assert COOKIE not in second.cookies
    assert COOKIE not in entered.cookies
    assert identities(logged) == [(visitor, "7")] * 2
    assert made() == 1


def consents_by_database(request: HttpRequest) -> bool:
    from django.contrib.auth import get_user_model

    return bool(get_user_model().objects.count() == 2)


def test_under_asgi_the_functions_of_the_project_may_ask_the_database(
    logged: list[Event],
) -> None:
    async def visit() -> Any:
        return await AsyncClient().get("/async-ask/")

    with override_settings(ABKIT={**SUBJECTS, "CONSENT": consents_by_database}):
        assert COOKIE in asyncio.run(visit()).cookies


def test_two_hundred_visitors_at_once_are_themselves(logged: list[Event]) -> None:
    async def visit() -> list[Any]:
        return await asyncio.gather(*(AsyncClient().get("/async-ask/") for _ in range(200)))

    answers = asyncio.run(visit())
    variants = {visitor_of(each.cookies[COOKIE].value): each.text for each in answers}
    assert len(variants) == 200
    assert all(
        expt_manager.get(Signup, visitor=visitor) == variant
        for visitor, variant in variants.items()
    )


def test_without_the_middleware_no_visitor_is_enrolled(logged: list[Event]) -> None:
    from django.conf import settings

    others = [each for each in settings.MIDDLEWARE if each != ABKIT]
    with override_settings(MIDDLEWARE=others):
        page = Client().get("/template/")
    assert "<p>form</p>" in page.text
    assert COOKIE not in page.cookies
    assert logged == []
    assert abkit_app().visitors.stats == VisitorStats(too_late=1)


def test_the_cookie_is_as_the_settings_say(logged: list[Event]) -> None:
    named = {
        "VISITOR_COOKIE": "shop_visitor",
        "VISITOR_COOKIE_AGE": 86_400,
        "VISITOR_COOKIE_DOMAIN": "example.com",
    }
    with override_settings(ABKIT={**SUBJECTS, **named}, SESSION_COOKIE_SECURE=True):
        cookies = Client().get("/ask/").cookies
    assert {*cookies} == {"shop_visitor"}
    cookie = cookies["shop_visitor"]
    assert (cookie["max-age"], cookie["domain"]) == (86_400, "example.com")
    assert cookie["secure"]
    named["VISITOR_COOKIE"] = "__Secure-who"
    with override_settings(ABKIT={**SUBJECTS, **named}):
        assert Client().get("/ask/").cookies["__Secure-who"]["secure"]


class Kept(VisitorExperiment):
    variants = {"old": 0, "new": 1}
    sticky = True


def test_a_visitor_keeps_a_sticky_variant_in_a_cookie(logged: list[Event]) -> None:
    from abkit.integrations.visitors.kept_variants import VisitorVariants

    expt_manager.use_visitor_variants(VisitorVariants())
    settings: dict[str, dict[str, Any]] = {}
    expt_manager.use_settings(settings, interval=0)
    expt_manager.add(Kept)
    client = Client()
    client.get("/template/")
    request = {"experiment": "Kept", "unitType": "visitor"}
    request["unitId"] = visitor_of(client.cookies[COOKIE].value)
    assert client.post(PATH, json.dumps(request), "application/json").status_code == 204
    settings["Kept"] = {"rollout": 0.0}
    assert '"Kept": {"variant": "new"' in client.get("/template/").text
    client.cookies.pop("abkit_visitor_variants")
    assert '"Kept": {"variant": "old"' in client.get("/template/").text
