"""Visitors under ASGI: who a request is from, and what its response says of it."""

from collections.abc import Callable, MutableMapping
from functools import partial
from typing import Any

from abkit.extras import extra
from abkit.integrations.asgi_calls import call
from abkit.integrations.per_request import RequestExperiments
from abkit.integrations.visitors import RequestVisitor, VisitorRequest, Visitors, is_bot
from abkit.integrations.visitors.cookie import VisitorCookieSigner
from abkit.integrations.visitors.response import VisitorResponse

with extra("starlette"):
    from starlette.applications import Starlette
    from starlette.datastructures import MutableHeaders
    from starlette.requests import HTTPConnection, Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_VISITS = "abkit.visits"
_REQUESTS = frozenset({"http", "websocket"})
_RESPONSES = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})
_VARYING = ("Vary", "Cache-Control")
_SECURE = frozenset({"https", "wss"})


class Visit:
    """What was asked in one request, by the applications that recognize visitors in one way.

    Attributes:
        experiments: Those of the request, by the `Abkit` that gave them.
        visitor: None until somebody asks.
        has_begun: Whether the response has begun: it can carry no cookie any more.
    """

    def __init__(self, *, has_begun: bool) -> None:
        self.experiments: dict[object, RequestExperiments] = {}
        self.visitor: RequestVisitor | None = None
        self.has_begun = has_begun


def visit_of(scope: MutableMapping[str, Any], visitors: Visitors[Request]) -> Visit:
    """The visit that a request is; where no `VisitorMiddleware` serves it, no response can carry a cookie."""
    found: Visit = scope.setdefault(_VISITS, {}).setdefault(visitors, Visit(has_begun=True))
    return found


def add_visitors(app: Starlette, visitors: Visitors[Request]) -> None:
    """Let an application recognize visitors.

    The middleware is there twice. The inner one tells first, so that caches in other middleware hear it; the
    outer one tells with what is not answered within, such as the page of an internal server error.
    """
    app.add_middleware(VisitorMiddleware, visitors=visitors)
    build = app.build_middleware_stack
    app.build_middleware_stack = lambda: VisitorMiddleware(build(), visitors=visitors)  # type: ignore[method-assign]


async def visitor_of(
    request: HTTPConnection,
    visitors: Visitors[Request],
    *,
    signer: Callable[[], VisitorCookieSigner],
) -> RequestVisitor:
    """The visitor of a request; the same object at each call.

    Args:
        request: It may also be a WebSocket.
        visitors: How visitors are recognized.
        signer: Returns what reads and writes the cookie.
    """
    visit = visit_of(request.scope, visitors)
    if visit.visitor is None:
        visitor = RequestVisitor(visitors, await _about(request, visitors, signer))
        # Somebody else in the same request may have asked meanwhile.
        if visit.visitor is None:
            visit.visitor = visitor
            if visit.has_begun:
                _begin(visitor, request.scope["type"])
    return visit.visitor


class VisitorMiddleware:
    """Writes the visitor's cookie into the responses that need it; `add_visitors` adds it.

    It keeps responses that depend on the visitor out of shared caches, and tells at the start of a
    response which user the visitor is, if the request's experiments were asked for.

    Args:
        app: What serves the requests.
        visitors: How visitors are recognized.
    """

    def __init__(self, app: ASGIApp, *, visitors: Visitors[Request]) -> None:
        self._app = app
        self._visitors = visitors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or one WebSocket."""
        if scope["type"] not in _REQUESTS:
            await self._app(scope, receive, send)
            return
        visits = scope.setdefault(_VISITS, {})
        visit: Visit = visits.setdefault(self._visitors, Visit(has_begun=False))

        async def send_telling(message: Message) -> None:
            if message["type"] in _RESPONSES and not visit.has_begun:
                visit.has_begun = True
                self._tell(visit, scope, message)
            await send(message)

        await self._app(scope, receive, send_telling)

    def _tell(self, visit: Visit, scope: Scope, message: Message) -> None:
        for experiments in visit.experiments.values():
            experiments.identify()
        told = None if visit.visitor is None else _begin(visit.visitor, scope["type"])
        if told is None:
            return
        message.setdefault("headers", [])
        headers = MutableHeaders(scope=message)
        before = {name: ", ".join(headers.getlist(name)) for name in _VARYING}
        headers.update(told.headers(before))
        response = Response()
        for name, value in told.cookies.items():
            secure = scope.get("scheme") in _SECURE
            response.set_cookie(name, **self._visitors.cookie_arguments(value, secure=secure))
        for cookie in response.headers.getlist("set-cookie"):
            headers.append("set-cookie", cookie)


def _begin(visitor: RequestVisitor, kind: str) -> VisitorResponse | None:
    """What the response has to say.

    No cache stores what a WebSocket says: whoever has a cookie can still be asked for when it is open.
    """
    if kind == "websocket" and visitor.known() is not None:
        visitor.subject()
    return visitor.begin_response()


async def _about(
    request: HTTPConnection,
    visitors: Visitors[Request],
    signer: Callable[[], VisitorCookieSigner],
) -> VisitorRequest:
    """What is to be known of a request; the application's functions are not asked about bots."""
    user_agent = request.headers.get("user-agent")
    consents: object = True
    own_id: object = None
    failure: Exception | None = None
    try:
        if visitors.consent is not None and not is_bot(user_agent):
            consents = await call(visitors.consent, request)
        if visitors.visitor is not None and consents and not is_bot(user_agent):
            own_id = await call(visitors.visitor, request)
    except Exception as error:  # noqa: BLE001 - `RequestVisitor` counts it, and says why nobody is known
        failure = error
    return VisitorRequest(
        cookie=request.cookies.get(visitors.cookie),
        variants_cookie=request.cookies.get(visitors.variants_cookie),
        cookie_header="; ".join(request.headers.getlist("cookie")),
        user_agent=user_agent,
        signer=signer,
        own_id=None if visitors.visitor is None else partial(_told, own_id, failure),
        consents=partial(_told, consents, failure),
    )


def _told(found: object, failure: Exception | None) -> object:
    if failure is not None:
        raise failure
    return found
