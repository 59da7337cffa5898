"""Visitors in Starlette and FastAPI: what each framework keeps, and what only ASGI has."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from http.cookies import SimpleCookie
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from abkit import ConfigError, ExperimentManager, MissingSubjectError, VisitorExperiment
from abkit.events import Event, Exposure, Identity
from abkit.experiments.declaring.identities import new_visitor_id
from abkit.integrations.endpoint import PATH
from abkit.integrations.per_request import RequestExperiments
from abkit.integrations.starlette import Abkit
from abkit.integrations.visitors import Visitors, VisitorStats
from abkit.integrations.visitors.cookie import VisitorCookieSigner

from .asgi_client import Client
from .endpoint_contract import says
from .visitor_contract import (
    COOKIE,
    FORMER_SECRET,
    SECRET,
    NewSite,
    Page,
    Signup,
    VisitorContract,
    visitor_of,
)

BROWSER = {"User-Agent": "Mozilla/5.0"}
Endpoint = Callable[[Request], Any]


async def subjects(request: Request) -> Mapping[str, object] | None:
    return {"user": 7} if "user" in request.session else None


class AsgiBrowser:
    def __init__(self, app: Starlette) -> None:
        self.client = Client(app)

    def get(self, path: str, *, https: bool = False, user_agent: str | None = None) -> Page:
        headers = {"User-Agent": user_agent} if user_agent else BROWSER
        site = "https://testserver" if https else ""
        return page_of(self.client.request("GET", site + path, headers=headers))

    def send(self, body: bytes) -> Page:
        headers = {**BROWSER, "Content-Type": "application/json"}
        return page_of(self.client.request("POST", PATH, content=body, headers=headers))

    def set_cookie(self, name: str, value: str) -> None:
        self.client.set_cookie(name, value)

    def get_with(self, path: str, *, cookies: str) -> Page:
        headers = {**BROWSER, "Cookie": cookies}
        return page_of(self.client.request("GET", path, headers=headers))


class AsgiSite:
    """An application with sessions and one experiment on visitors; `served` adds endpoints by their paths."""

    def __init__(
        self, app: Starlette | None = None, *, strict: bool = True, **options: Any
    ) -> None:
        self.app = Starlette() if app is None else app
        self.events: list[Event] = []
        self.manager = ExperimentManager(on_event=self.events.append, strict=strict)
        self.manager.add(Signup)
        self.abkit = Abkit(
            **{"subjects": subjects, "manager": self.manager, "secret": SECRET, **options}
        )
        self.abkit.init_app(self.app)
        self.app.add_middleware(SessionMiddleware, secret_key=SECRET)
        self.served({"/ask/": self.ask, "/plain/": plain, "/enter/": enter})

    def served(self, endpoints: Mapping[str, Endpoint]) -> "AsgiSite":
        self.app.router.routes += [Route(path, each) for path, each in endpoints.items()]
        return self

    @property
    def stats(self) -> VisitorStats:
        return self.abkit.visitors.stats

    def browser(self) -> AsgiBrowser:
        return AsgiBrowser(self.app)

    async def ask(self, request: Request) -> Response:
        return PlainTextResponse(await self.exposed(request))

    async def exposed(self, request: Request | WebSocket) -> str:
        experiments = await self.abkit.experiments(request)
        experiments.log_exposure(Signup)
        return str(experiments[Signup])

    def units(self) -> list[str]:
        return [each.unit_id for each in self.events if isinstance(each, Exposure)]


async def plain(request: Request) -> Response:
    return Response()


async def enter(request: Request) -> Response:
    request.session["user"] = 7
    return Response()


class TestVisitors(VisitorContract):
    @pytest.fixture
    def new_site(self) -> NewSite:
        def new(*, consent: bool | None = None, visitor: str | None = None) -> AsgiSite:
            async def own_id(request: Request) -> str | None:
                return visitor

            return AsgiSite(
                visitors=Visitors(
                    consent=None if consent is None else lambda request: consent,
                    visitor=None if visitor is None else own_id,
                    secrets=(SECRET, FORMER_SECRET),
                )
            )

        return new


@pytest.fixture
def site() -> AsgiSite:
    return AsgiSite()


def test_of_two_first_requests_at_once_one_id_stays(site: AsgiSite) -> None:
    first, second = together(site.app, [{}, {}])
    assert visitor_of(first) != visitor_of(second)
    browser = site.browser()
    for cookie in (first, second):
        browser.set_cookie(COOKIE, cookie)
    site.events.clear()
    assert [browser.get("/ask/").cookies for _ in range(2)] == [{}, {}]
    assert {*site.units()} == {visitor_of(second)}


def test_nobody_gets_the_id_of_another_of_the_same_time(site: AsgiSite) -> None:
    everybody_is_here = asyncio.Barrier(200)

    async def meet(request: Request) -> Response:
        experiments = await abkit.experiments(request)
        before = experiments.visitor_id
        await everybody_is_here.wait()
        variant = experiments[Signup]
        await everybody_is_here.wait()
        return PlainTextResponse(f"{before} {experiments.visitor_id} {variant}")

    abkit = site.abkit
    site.served({"/meet/": meet})
    cookies = [written_now() for _ in range(100)]
    sent = [{COOKIE: each} for each in cookies] + [{} for _ in range(100)]
    pages = asyncio.run(gathered(site.app, "/meet/", sent))
    known, new = pages[:100], pages[100:]
    for cookie, page in zip(cookies, known, strict=True):
        visitor = visitor_of(cookie)
        variant = site.manager.get(Signup, visitor=visitor)
        assert (page.text, page.cookies) == (f"{visitor} {visitor} {variant}", {})
    for page in new:
        visitor = visitor_of(page.cookies[COOKIE].value)
        variant = site.manager.get(Signup, visitor=visitor)
        assert page.text == f"None {visitor} {variant}"
    assert len({page.text for page in new}) == 100
    assert site.stats == VisitorStats(made=100)


def test_two_parts_of_a_page_that_ask_at_once_have_one_visitor(site: AsgiSite) -> None:
    async def parts(request: Request) -> Response:
        found = await asyncio.gather(*(site.exposed(request) for _ in range(5)))
        return PlainTextResponse(",".join({*found}))

    page = site.served({"/parts/": parts}).browser().get("/parts/")
    assert site.units() == [visitor_of(page.cookies[COOKIE].value)]
    assert page.text in Signup.variants


def test_a_stream_that_asks_first_after_its_start_is_too_late(site: AsgiSite) -> None:
    async def stream(request: Request) -> Response:
        async def pieces() -> AsyncIterator[str]:
            yield "for you: "
            yield await site.exposed(request)

        return StreamingResponse(pieces())

    browser = site.served({"/stream/": stream}).browser()
    page = browser.get("/stream/")
    assert (page.text, page.cookies, site.events) == ("for you: form", {}, [])
    assert site.stats == VisitorStats(too_late=1)


def test_a_task_in_the_background_has_the_visitor_of_the_page(site: AsgiSite) -> None:
    async def page(request: Request) -> Response:
        experiments = await site.abkit.experiments(request)
        return PlainTextResponse(
            experiments[Signup], background=BackgroundTask(experiments.log_exposure, Signup)
        )

    answer = site.served({"/page/": page}).browser().get("/page/")
    assert site.units() == [visitor_of(answer.cookies[COOKIE].value)]


def test_a_middleware_around_may_ask_first(site: AsgiSite) -> None:
    async def ask_first(request: Request, call_next: RequestResponseEndpoint) -> Response:
        await site.exposed(request)
        return await call_next(request)

    site.app.user_middleware.insert(1, Middleware(BaseHTTPMiddleware, dispatch=ask_first))
    page = site.browser().get("/plain/")
    assert site.units() == [visitor_of(page.cookies[COOKIE].value)]


def test_a_cache_in_other_middleware_hears_that_the_page_is_private(site: AsgiSite) -> None:
    heard: list[str | None] = []

    async def cache(request: Request, call_next: RequestResponseEndpoint) -> Response:
        answer = await call_next(request)
        heard.append(answer.headers.get("Cache-Control"))
        return answer

    site.app.add_middleware(BaseHTTPMiddleware, dispatch=cache)
    for path in ("/ask/", "/plain/"):
        site.browser().get(path)
    assert heard == ["private", None]


def test_what_the_page_says_to_caches_is_kept_as_far_as_it_is_right() -> None:
    site = AsgiSite(subjects=lambda request: None)

    async def page(request: Request) -> Response:
        answer = PlainTextResponse(await site.exposed(request))
        answer.headers["Cache-Control"] = "public, s-maxage=60, max-age=5"
        for name in ("Accept", "Origin"):
            answer.headers.append("Vary", name)
        return answer

    headers = site.served({"/page/": page}).browser().get("/page/").headers
    assert headers["cache-control"] == "private, max-age=5"
    assert headers["vary"] == "Accept, Origin, Cookie"


def test_head_is_as_get(site: AsgiSite) -> None:
    answer = site.browser().client.request("HEAD", "/ask/", headers=BROWSER)
    assert COOKIE in page_of(answer).cookies


def test_an_error_that_is_answered_carries_the_cookie(site: AsgiSite) -> None:
    async def gone(request: Request) -> Response:
        await site.exposed(request)
        raise HTTPException(410)

    page = site.served({"/gone/": gone}).browser().get("/gone/")
    assert page.status == 410
    assert site.units() == [visitor_of(page.cookies[COOKIE].value)]


def test_an_error_that_is_not_answered_carries_it_too_and_stays_what_it_is(site: AsgiSite) -> None:
    async def fail(request: Request) -> Response:
        await site.exposed(request)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        site.served({"/fail/": fail}).browser().get("/fail/")
    site.events.clear()
    (page,) = asyncio.run(gathered(site.app, "/fail/", [{}]))
    assert page.status == 500
    assert site.units() == [visitor_of(page.cookies[COOKIE].value)]


@pytest.mark.parametrize("asks_first", [True, False])
def test_a_websocket_can_carry_a_cookie_until_it_is_accepted(
    site: AsgiSite, asks_first: bool
) -> None:
    async def talk(websocket: WebSocket) -> None:
        before = await site.exposed(websocket) if asks_first else None
        await websocket.accept()
        await websocket.send_text(before or await site.exposed(websocket))
        await websocket.close()

    site.app.router.routes.append(WebSocketRoute("/talk/", talk))
    accepted, said, _ = conversation(site.app, "/talk/")
    cookies = SimpleCookie()
    for name, value in accepted["headers"]:
        if name == b"set-cookie":
            cookies.load(value.decode())
    if asks_first:
        assert site.units() == [visitor_of(cookies[COOKIE].value)]
        assert cookies[COOKIE]["secure"]
    else:
        assert (said["text"], cookies, site.events) == ("form", {}, [])
        assert site.stats == VisitorStats(too_late=1)


def test_a_websocket_knows_who_has_a_cookie_whenever_it_asks(site: AsgiSite) -> None:
    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(await site.exposed(websocket))
        await websocket.close()

    site.app.router.routes.append(WebSocketRoute("/talk/", talk))
    cookie = written_now()
    _, said, _ = conversation(site.app, "/talk/", cookie=cookie)
    assert site.units() == [visitor_of(cookie)]
    assert said["text"] == site.manager.get(Signup, visitor=visitor_of(cookie))


def test_a_mounted_application_has_the_visitors_of_the_one_around_it(site: AsgiSite) -> None:
    inside = AsgiSite(visitors=site.abkit.visitors)

    async def both(request: Request) -> Response:
        return PlainTextResponse(f"{await site.exposed(request)} {await inside.exposed(request)}")

    inside.served({"/both/": both})
    site.app.router.routes.append(Mount("/inside", inside.app))
    answer = site.browser().client.request("GET", "/inside/both/", headers=BROWSER)
    (cookie,) = answer.headers.get_list("set-cookie")
    assert site.units() == inside.units() == [visitor_of(cookie.partition("=")[2])]
    assert site.abkit.visitors.stats == VisitorStats(made=1)


def test_applications_beside_each_other_have_experiments_of_their_own(site: AsgiSite) -> None:
    other = AsgiSite(visitors=Visitors(cookie="other"))
    site.app.router.routes.append(Mount("/other", other.app))
    browser = site.browser()
    first, second = browser.get("/ask/"), browser.get("/other/ask/")
    assert ({*first.cookies}, {*second.cookies}) == ({COOKIE}, {"other"})
    assert site.units() == [visitor_of(first.cookies[COOKIE].value)]
    assert other.units() == [visitor_of(second.cookies["other"].value)]


def test_consent_is_asked_for_once_where_experiments_are_and_not_of_bots() -> None:
    asked: list[str] = []

    async def consent(request: Request) -> bool:
        asked.append(request.url.path)
        return True

    site = AsgiSite(visitors=Visitors(consent=consent))
    browser = site.browser()
    for path in ("/plain/", "/ask/", "/plain/"):
        browser.get(path)
    browser.get("/ask/", user_agent="Googlebot/2.1")
    assert asked == ["/ask/"]


@pytest.mark.parametrize("function", ["consent", "visitor"])
def test_a_function_of_the_applications_that_fails_breaks_no_page(function: str) -> None:
    async def fail(request: Request) -> bool:
        raise ZeroDivisionError

    site = AsgiSite(strict=False, visitors=Visitors(**{function: fail}))  # type: ignore[arg-type]
    page = site.browser().get("/ask/")
    assert (page.status, page.text, page.cookies, site.events) == (200, "form", {}, [])
    assert site.stats == VisitorStats(failed=1)


def test_who_has_not_consented_is_not_asked_for_an_id_of_the_applications_own() -> None:
    def own_id(request: Request) -> str:
        raise AssertionError

    page = (
        AsgiSite(visitors=Visitors(consent=lambda request: False, visitor=own_id))
        .browser()
        .get("/ask/")
    )
    assert page.text == "form"


def test_sub_domains_can_share_the_cookie() -> None:
    site = AsgiSite(visitors=Visitors(domain="shop.example"))
    assert site.browser().get("/ask/").cookies[COOKIE]["domain"] == "shop.example"


def test_a_name_that_demands_https_makes_the_cookie_secure_behind_any_proxy() -> None:
    site = AsgiSite(visitors=Visitors(cookie="__Host-who"))
    cookie = site.browser().get("/ask/").headers["set-cookie"]
    assert cookie.startswith("__Host-who=v-")
    assert "Secure" in cookie.split("; ")


def test_fastapi_depends_on_them_in_pages_of_the_thread_pool_and_in_websockets() -> None:
    app = FastAPI()
    site = AsgiSite(app, subjects=lambda request: None)
    experiments_of = Annotated[RequestExperiments, Depends(site.abkit.experiments)]

    @app.get("/page/")
    def page(experiments: experiments_of) -> Any:
        experiments.log_exposure(Signup)
        return experiments.payload()

    @app.websocket("/talk/")
    async def talk(websocket: WebSocket, experiments: experiments_of) -> None:
        variant = experiments[Signup]
        await websocket.accept()
        await websocket.send_text(variant)

    answer = site.browser().client.request("GET", "/page/", headers=BROWSER)
    visitor = visitor_of(page_of(answer).cookies[COOKIE].value)
    assert answer.json()["Signup"]["unitId"] == visitor
    assert site.units() == [visitor]
    accepted, said, *_ = conversation(app, "/talk/")
    assert any(name == b"set-cookie" for name, _ in accepted["headers"])
    assert said["text"] in Signup.variants


def test_who_signs_up_is_told_at_once(site: AsgiSite) -> None:
    async def sign_up(request: Request) -> Response:
        (await site.abkit.experiments(request)).identify(user="new")
        return Response()

    browser = site.served({"/sign-up/": sign_up}).browser()
    browser.get("/sign-up/")
    assert site.events == []
    visitor = visitor_of(browser.get("/ask/").cookies[COOKIE].value)
    browser.get("/sign-up/")
    (told,) = [each for each in site.events if isinstance(each, Identity)]
    assert (told.from_id, told.to_type, told.to_id) == (visitor, "user", "new")


def test_what_a_browser_has_sent_an_exposure_to_is_kept_if_it_is_sticky() -> None:
    class Kept(VisitorExperiment):
        variants = {"form": 0, "github": 1}
        sticky = True

    site = AsgiSite()
    settings: dict[str, dict[str, Any]] = {}
    site.manager.add(Kept)
    site.manager.use_settings(settings, interval=0)

    async def look(request: Request) -> Response:
        return PlainTextResponse((await site.abkit.experiments(request))[Kept])

    browser = site.served({"/look/": look}).browser()
    visitor = visitor_of(browser.get("/ask/").cookies[COOKIE].value)
    sent = {"experiment": "Kept", "unitType": "visitor", "unitId": visitor}
    assert {*browser.send(says(sent)).cookies} == {f"{COOKIE}_variants"}
    settings["Kept"] = {"rollout": 0.0}
    assert browser.get("/look/").text == "github"
    assert site.browser().get("/look/").text == "form"


def test_the_cookie_needs_a_secret() -> None:
    with pytest.raises(ConfigError, match=r"Abkit\(secret=\.\.\.\)"):
        Abkit(visitors=Visitors())
    Abkit(visitors=Visitors(secrets=("its own",)))
    Abkit(visitors=Visitors(visitor=lambda request: "analytics-1"))
    site = AsgiSite(secret="")
    site.browser().get("/plain/")
    with pytest.raises(MissingSubjectError, match=r"Abkit\(secret=\.\.\.\)"):
        site.browser().get("/ask/")
    assert site.stats == VisitorStats(failed=1)


def test_without_the_middleware_nobody_is_enrolled_whose_cookie_could_not_be_written(
    site: AsgiSite,
) -> None:
    app = Starlette(routes=[Route("/ask/", site.ask)])
    app.add_middleware(SessionMiddleware, secret_key=SECRET)
    page = AsgiBrowser(app).get("/ask/")
    assert (page.text, page.cookies, site.events) == ("form", {}, [])
    assert site.stats == VisitorStats(too_late=1)


def page_of(answer: httpx.Response) -> Page:
    cookies = SimpleCookie()
    for each in answer.headers.get_list("set-cookie"):
        if each.startswith(("abkit", "other")):
            cookies.load(each)
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Page(answer.status_code, answer.text, headers, dict(cookies))


def together(app: Starlette, cookies: list[dict[str, str]]) -> list[str]:
    """The cookies of the visitors who ask at once, with the cookies that they have."""
    pages = asyncio.run(gathered(app, "/ask/", cookies))
    return [page.cookies[COOKIE].value for page in pages]


async def gathered(app: Starlette, path: str, cookies: list[dict[str, str]]) -> list[Page]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)

    async def one(sent: dict[str, str]) -> Page:
        async with httpx.AsyncClient(
            transport=transport, base_url="http://testserver", cookies=sent, headers=BROWSER
        ) as client:
            return page_of(await client.get(path))

    return await asyncio.gather(*map(one, cookies))


def written_now() -> str:
    """A cookie of a new visitor, which is not to be renewed."""
    return VisitorCookieSigner(SECRET).write(new_visitor_id(), now=time.time())


def conversation(app: Starlette, path: str, *, cookie: str = "") -> list[Any]:
    """What a server sends to a WebSocket that says nothing."""
    sent: list[Any] = []
    scope = {
        "type": "websocket",
        "scheme": "wss",
        "path": path,
        "query_string": b"",
        "headers": [
            (b"user-agent", BROWSER["User-Agent"].encode()),
            (b"host", b"testserver"),
            (b"cookie", f"{COOKIE}={cookie}".encode() if cookie else b""),
        ],
    }

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent
