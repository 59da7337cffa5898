"""Starlette and FastAPI: the endpoint, forcing, and the dependency."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from abkit import ConfigError
from abkit.events import Event
from abkit.integrations.endpoint import PATH
from abkit.integrations.per_request import RequestExperiments
from abkit.integrations.starlette import Abkit

from .asgi_client import Client
from .declared import manager_of, other
from .endpoint_contract import MEGABYTES, PLUGINS, EndpointContract, Reply, says


async def subjects(request: Request) -> Mapping[str, object] | None:
    return {"org": 42, "actor": 7, "user": 7} if "user" in request.session else None


def may_force(request: Request) -> bool:
    return "user" in request.session


async def sign_in(request: Request) -> Response:
    request.session["user"] = 7
    return Response()


async def sign_out(request: Request) -> Response:
    request.session.clear()
    return Response()


class StarletteBrowser:
    def __init__(self, app: Starlette, **options: Any) -> None:
        self.events: list[Event] = []
        self.manager = manager_of(self.events)
        self.app = app
        self.abkit = Abkit(
            subjects=subjects,
            manager=self.manager,
            **{"allow_forcing": may_force, "secret": "a secret of the tests", **options},
        )
        self.abkit.init_app(app)
        app.add_middleware(SessionMiddleware, secret_key="another secret")  # noqa: S106
        app.router.routes.append(Route("/sign-in", sign_in))
        app.router.routes.append(Route("/sign-out", sign_out))
        self.endpoint = self.abkit.endpoint
        self.client = Client(app)

    def sign_in(self) -> None:
        self.client.get("/sign-in")

    def send(
        self,
        body: bytes | AsyncIterator[bytes],
        *,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
        signed_in: bool = True,
        path: str = PATH,
    ) -> Reply:
        if signed_in:
            self.sign_in()
        answer = self.client.request(
            method, path, content=body, headers={"Content-Type": content_type, **(headers or {})}
        )
        return Reply(answer.status_code, answer.headers, answer.text)


@pytest.fixture
def browser() -> StarletteBrowser:
    return StarletteBrowser(Starlette())


class TestEndpoint(EndpointContract):
    @pytest.fixture(params=[Starlette, FastAPI])
    def browser(self, request: pytest.FixtureRequest) -> StarletteBrowser:
        return StarletteBrowser(request.param())

    def test_pages_of_other_sites_are_refused(self, browser: StarletteBrowser) -> None:
        self.assert_refused(browser, 403, says(PLUGINS), headers={"Origin": "https://evil.example"})

    def test_pages_of_this_site_are_not(self, browser: StarletteBrowser) -> None:
        reply = browser.send(says(PLUGINS), headers={"Origin": "http://testserver"})
        assert reply.status == 204

    def test_ten_megabytes_in_pieces_are_refused(self, browser: StarletteBrowser) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(MEGABYTES), 100_000):
                yield MEGABYTES[start : start + 100_000]

        assert browser.send(pieces()).status == 413
        assert browser.events == []


def test_a_csrf_token_is_checked_by_the_applications_own_function() -> None:
    browser = StarletteBrowser(Starlette(), check_csrf=lambda request, token: token in {"right"})
    assert browser.send(says(PLUGINS)).status == 403
    assert browser.send(says(PLUGINS), headers={"X-CSRFToken": "right"}).status == 204
    assert browser.send(says({**PLUGINS, "csrfToken": "right"})).status == 204


def test_a_coroutine_function_cannot_check_csrf() -> None:
    async def check(request: Request, token: str | None) -> bool:
        return False

    with pytest.raises(ConfigError, match="plain function"):
        Abkit(check_csrf=check)  # type: ignore[arg-type]


def test_the_endpoint_is_there_before_a_mount_that_takes_everything() -> None:
    async def everything(scope: Any, receive: Any, send: Any) -> None:
        await Response(status_code=418)(scope, receive, send)

    browser = StarletteBrowser(Starlette(routes=[Mount("/", everything)]))
    assert browser.send(says(PLUGINS), signed_in=False).status == 401


def test_fastapi_depends_on_the_experiments() -> None:
    app = FastAPI()
    browser = StarletteBrowser(app)

    @app.get("/")
    def page(
        experiments: Annotated[RequestExperiments, Depends(browser.abkit.experiments)],
    ) -> Any:
        experiments.log_exposure("ShowPlugins")
        return experiments.payload()

    assert browser.client.get("/sign-in").status_code == 200
    payload = browser.client.get("/").json()
    assert payload["ShowPlugins"]["variant"] == browser.manager.get("ShowPlugins", org=42)
    assert payload["Buttons"]["unitId"] == "7"
    assert len(browser.events) == 1


def test_the_subjects_of_a_request_are_looked_up_once() -> None:
    calls = []

    def looked_up(request: Request) -> Mapping[str, object]:
        calls.append(request)
        return {"org": 42}

    abkit = Abkit(subjects=looked_up, manager=manager_of([]))

    async def page(request: Request) -> Response:
        first = await abkit.experiments(request)
        assert await abkit.experiments(request) is first
        return PlainTextResponse(first["ShowPlugins"])

    app = Starlette(routes=[Route("/", page)])
    assert Client(app).get("/").text == abkit.manager.get("ShowPlugins", org=42)
    assert len(calls) == 1


@pytest.fixture
def pages(browser: StarletteBrowser) -> StarletteBrowser:
    """A page, one by a thread, and one that is streamed; each ends with a task in the background."""
    seen: list[Any] = []

    def asked() -> str:
        browser.manager.log_exposure("ShowPlugins", org=42)
        return str(browser.manager.get("ShowPlugins", org=42))

    async def page(request: Request) -> Response:
        return PlainTextResponse(asked(), background=BackgroundTask(lambda: seen.append(asked())))

    def thread(request: Request) -> Response:
        return PlainTextResponse(asked())

    async def stream(request: Request) -> Response:
        async def pieces() -> AsyncIterator[str]:
            yield asked()

        return StreamingResponse(pieces())

    for path, endpoint in (("/", page), ("/thread", thread), ("/stream", stream)):
        browser.app.router.routes.append(Route(path, endpoint))
    browser.app.state.seen = seen
    return browser


def test_who_may_force_does_so_by_the_url_and_then_by_the_cookie(pages: StarletteBrowser) -> None:
    assigned = pages.manager.get("ShowPlugins", org=42)
    wanted = other(assigned)
    pages.sign_in()
    answer = pages.client.get(f"/?abkit=ShowPlugins:{wanted}")
    assert answer.text == wanted
    assert answer.headers["X-Abkit-Forced"] == f"ShowPlugins:{wanted}"
    assert answer.headers["Cache-Control"] == "private, no-store"
    (cookie,) = [each for each in answer.headers.get_list("Set-Cookie") if each.startswith("abkit")]
    assert {"HttpOnly", "SameSite=lax", "Max-Age=86400", "Path=/"} <= {*cookie.split("; ")}
    assert [pages.client.get(path).text for path in ("/", "/thread", "/stream")] == [wanted] * 3
    assert {*pages.app.state.seen} == {wanted}
    assert pages.events == []
    pages.client.get("/?abkit=")
    assert pages.client.get("/").text == assigned


def test_who_may_not_force_is_not_heard(pages: StarletteBrowser) -> None:
    assigned = pages.manager.get("ShowPlugins", org=42)
    pages.sign_in()
    pages.client.get(f"/?abkit=ShowPlugins:{other(assigned)}")
    pages.client.get("/sign-out")
    answer = pages.client.get(f"/?abkit=ShowPlugins:{other(assigned)}")
    assert answer.text == assigned
    assert not [name for name in answer.headers if name.startswith("x-abkit")]


def test_forcing_needs_a_secret() -> None:
    with pytest.raises(ConfigError, match="needs a secret"):
        Abkit(allow_forcing=may_force)


def test_without_forcing_there_is_no_middleware_for_it() -> None:
    app = Starlette()
    abkit = Abkit()
    abkit.init_app(app)
    (only,) = map(repr, app.user_middleware)
    assert only.startswith("Middleware(VisitorMiddleware")
    assert app.url_path_for("abkit:log_exposure") == PATH
    assert repr(abkit).startswith("<Abkit for Starlette")


def test_a_client_that_breaks_off_in_the_middle_of_a_body_is_no_error() -> None:
    abkit, app = Abkit(manager=manager_of([])), Starlette()
    abkit.init_app(app)
    received = iter(
        [
            {"type": "http.request", "body": b'{"exper', "more_body": True},
            {"type": "http.disconnect"},
        ]
    )
    sent: list[Any] = []

    async def receive() -> Any:
        return next(received)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": PATH,
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"100")],
    }
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 400
    assert abkit.endpoint.stats.refused == 1
