"""Starlette and FastAPI: `Abkit(subjects=...).init_app(app)`. See docs/howto/fastapi.md."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeAlias

from abkit.assignment.forcing import Force
from abkit.errors import ConfigError
from abkit.extras import extra
from abkit.integrations.asgi_calls import call, is_async
from abkit.integrations.asgi_visitors import add_visitors, visit_of, visitor_of
from abkit.integrations.endpoint import PATH, LogExposureEndpoint, spellings
from abkit.integrations.forcing_cookie import MAX_AGE, NAME, CookieSigner, Forcing, forcing_of
from abkit.integrations.lifespan import flush
from abkit.integrations.per_request import RequestExperiments
from abkit.integrations.visitors import Visitors, signer_of
from abkit.integrations.visitors.cookie import VisitorCookieSigner
from abkit.integrations.visitors.kept_variants import VisitorVariants
from abkit.integrations.wire import Answer, RequestHead
from abkit.manager import ExperimentManager, expt_manager

with extra("starlette"):
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.datastructures import MutableHeaders
    from starlette.requests import ClientDisconnect, HTTPConnection, Request
    from starlette.responses import Response
    from starlette.routing import Route
    from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

Subjects: TypeAlias = Mapping[str, object] | None


class Abkit:
    """The experiments of a Starlette or FastAPI application.

    The functions you pass may be coroutine functions; others run in the thread pool.

    Args:
        subjects: Returns the subjects of the session, such as `{"org": ..., "actor": ...}`, for the
            request. Without it, nobody has a variant, and nothing is logged.
        manager: The manager with the experiments.
        allow_forcing: Returns whether the visitor may force variants with `?abkit=`, for the request.
            None: nobody may.
        secret: Signs the cookies of visitors and of forced variants; required for both.
        path: The path of the log-exposure endpoint, which answers with and without a trailing slash.
        trusted_origins: Other sites whose pages may send exposures.
        check_csrf: Returns whether a CSRF token is valid, for the request and the token. It must not be
            a coroutine function. The origin is checked in any case.
        visitors: How visitors are recognized, who need not be signed in; None: by a cookie. Applications
            that are mounted in one another may share it.

    Attributes:
        endpoint: Its `stats` count the exposures from browsers.
        visitors: Its `stats` count the visitors.
        routes: They have the endpoint, as "abkit:log_exposure".

    Raises:
        ConfigError: `allow_forcing`, or `visitors` with a cookie, is set without a secret.
    """

    def __init__(
        self,
        *,
        subjects: Callable[[Request], Subjects | Awaitable[Subjects]] = lambda _request: None,
        manager: ExperimentManager = expt_manager,
        allow_forcing: Callable[[Request], bool | Awaitable[bool]] | None = None,
        secret: str | bytes = "",
        path: str = PATH,
        trusted_origins: Collection[str] = (),
        check_csrf: Callable[[Request, str | None], bool] | None = None,
        visitors: Visitors[Request] | None = None,
    ) -> None:
        if check_csrf is not None and is_async(check_csrf):
            message = "check_csrf must be a plain function, not a coroutine function"
            raise ConfigError(message)
        self.manager = manager
        self.endpoint: LogExposureEndpoint = LogExposureEndpoint(
            manager, trusted_origins=trusted_origins
        )
        self.routes: list[Route] = [
            Route(each, self._log_exposure, methods=["POST"], name="abkit:log_exposure")
            for each in spellings(path)
        ]
        self.visitors: Visitors[Request] = Visitors() if visitors is None else visitors
        self._subjects = subjects
        self._secret = secret
        self._allow_forcing = allow_forcing
        self._signer = None if allow_forcing is None else CookieSigner(secret)
        self._check_csrf = check_csrf
        if visitors is not None and visitors.visitor is None:
            self._visitor_signer()

    def init_app(self, app: Starlette) -> None:
        """Add the endpoint, visitors, forcing, and the delivery of all events at shutdown to an application.

        Add the middleware that the session needs (such as SessionMiddleware) after this, because the last
        middleware added sees a request first.
        """
        self.manager.use_visitor_variants(VisitorVariants())
        app.router.routes[:0] = self.routes
        app.router.lifespan_context = self._flushing(app.router.lifespan_context)
        if self._allow_forcing is not None:
            app.add_middleware(ForcingMiddleware, abkit=self)
        add_visitors(app, self.visitors)

    async def experiments(self, request: HTTPConnection) -> RequestExperiments:
        """Return the experiments of a request; the same object at each call. It works with `Depends`.

        Args:
            request: It may also be a WebSocket, which the functions of the application then get.
        """
        found = visit_of(request.scope, self.visitors).experiments
        if self not in found:
            subjects = await call(self._subjects, request)
            visitor = await visitor_of(request, self.visitors, signer=self._visitor_signer)
            made = RequestExperiments(
                self.manager, lambda: subjects, source=self._subjects, visitor=visitor
            )
            found.setdefault(self, made)  # somebody else in the request may have asked meanwhile
        return found[self]

    async def forcing_of(self, request: Request) -> Forcing | None:
        """What a request forces; None if it does not, or may not."""
        parameter, cookie = request.query_params.get(NAME), request.cookies.get(NAME)
        if self._allow_forcing is None or self._signer is None:
            return None
        if (parameter is None and cookie is None) or not await call(self._allow_forcing, request):
            return None
        return forcing_of(self.manager, parameter=parameter, cookie=self._signer.read(cookie))

    def tell_forced(self, request: Request, forcing: Forcing, headers: MutableHeaders) -> None:
        """Write into an answer what it shall say about what was forced."""
        headers.update(forcing.headers)
        response = Response()
        if forcing.cookie and self._signer is not None:
            response.set_cookie(
                NAME,
                self._signer.sign(forcing.cookie),
                max_age=MAX_AGE,
                secure=request.url.scheme == "https",
                httponly=True,
                samesite="lax",
            )
        elif forcing.cookie is not None:
            response.delete_cookie(NAME)
        for cookie in response.headers.getlist("set-cookie"):
            headers.append("set-cookie", cookie)

    async def _log_exposure(self, request: Request) -> Response:
        head = RequestHead(method=request.method, headers=request.headers.items())
        answer = self.endpoint.refuse(head)
        if answer is None:
            answer = await self._answer(request, head)
        return Response(answer.body, answer.status, answer.headers)

    async def _answer(self, request: Request, head: RequestHead) -> Answer:
        try:
            body = await _read_at_most(request, self.endpoint.max_body)
        except ClientDisconnect:
            return self.endpoint.broken_off()
        experiments, check = await self.experiments(request), self._check_csrf
        subjects = experiments.known_subjects
        with experiments.keeping():
            return await run_in_threadpool(
                self.endpoint.answer,
                head,
                body,
                subjects=subjects,
                check_csrf=None if check is None else partial(check, request),
            )

    def _visitor_signer(self) -> VisitorCookieSigner:
        secrets = self.visitors.secrets or (self._secret,)
        if not any(secrets):
            message = (
                "Visitors need Abkit(secret=...), a long random text that only servers know: it signs their "
                "cookie, so that nobody can choose their variant"
            )
            raise ConfigError(message)
        return signer_of(*secrets)

    def _flushing(self, lifespan: Lifespan[Any]) -> Lifespan[Any]:
        @asynccontextmanager
        async def flushing(app: Any) -> AsyncIterator[Any]:
            try:
                async with lifespan(app) as state:
                    yield state
            finally:
                await run_in_threadpool(flush, self.manager)

        return flushing

    def __repr__(self) -> str:
        return f"<Abkit for Starlette: {self.manager!r}>"


class ForcingMiddleware:
    """Forces the variants that a visitor asks for, if `allow_forcing` lets them; `init_app` adds it."""

    def __init__(self, app: ASGIApp, *, abkit: Abkit) -> None:
        self._app = app
        self._abkit = abkit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope) if scope["type"] == "http" else None
        forcing = None if request is None else await self._abkit.forcing_of(request)
        if request is None or forcing is None:
            await self._app(scope, receive, send)
            return

        async def send_telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._abkit.tell_forced(request, forcing, MutableHeaders(scope=message))
            await send(message)

        with Force(forcing.variants):
            await self._app(scope, receive, send_telling)


async def _read_at_most(request: Request, limit: int) -> bytes | None:
    """The body; None if it is longer than the limit, in bytes, of which no more is kept."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            return None
    return body
