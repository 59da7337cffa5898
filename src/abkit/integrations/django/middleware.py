"""The middleware: `request.experiments`, visitors, and forced variants. Sync and async."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.http.response import HttpResponseBase, StreamingHttpResponse

from abkit.assignment.forcing import Force
from abkit.integrations.django.apps import abkit_app
from abkit.integrations.django.requests import DjangoExperiments, begin_experiments
from abkit.integrations.django.visitors import DjangoVisitor, is_signed_in, write_visitor
from abkit.integrations.forcing_cookie import (
    MAX_AGE,
    NAME,
    SALT,
    Forcing,
    forced_pieces,
    forcing_of,
)

GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


class AbkitMiddleware:
    """Gives each request its experiments, and each visitor their cookie; forces what who may do so asks for.

    Raises:
        ImproperlyConfigured: The setting ABKIT, or an experiment, is wrong.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        problems = abkit_app().problems
        if problems:
            raise ImproperlyConfigured(" ".join(problems))
        self._get_response = get_response
        self._is_async: bool = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Serve a request."""
        experiments, visitor = begin_experiments(request)
        if self._is_async:
            return self._serve_async(request, experiments, visitor)
        get_response = cast("Callable[[HttpRequest], HttpResponseBase]", self._get_response)
        forcing = _forcing(request) if _asks(request) else None
        if forcing is None:
            response = get_response(request)
        else:
            with Force(forcing.variants):
                response = get_response(request)
            _tell_forced(response, request, forcing)
        if _may_be_both(request, experiments, visitor):
            experiments.identify()
        _tell_visitor(response, request, visitor)
        return response

    async def _serve_async(
        self, request: HttpRequest, experiments: DjangoExperiments, visitor: DjangoVisitor
    ) -> HttpResponseBase:
        get_response = cast(
            "Callable[[HttpRequest], Awaitable[HttpResponseBase]]", self._get_response
        )
        # Who asks may have to be looked up in the database.
        forcing = await sync_to_async(_forcing)(request) if _asks(request) else None
        if forcing is None:
            response = await get_response(request)
        else:
            with Force(forcing.variants):
                response = await get_response(request)
            _tell_forced(response, request, forcing)
        if _may_be_both(request, experiments, visitor):
            await sync_to_async(experiments.identify)()
        _tell_visitor(response, request, visitor)
        return response


def _may_be_both(
    request: HttpRequest, experiments: DjangoExperiments, visitor: DjangoVisitor
) -> bool:
    """Whether there can be a visitor, and a user whom somebody has asked for already."""
    return visitor.may_be_known and (experiments.has_subjects or is_signed_in(request))


def _tell_visitor(response: HttpResponseBase, request: HttpRequest, visitor: DjangoVisitor) -> None:
    told = visitor.begin_response()
    if told is not None:
        # A proxy may end https before the application.
        secure = request.is_secure() or bool(settings.SESSION_COOKIE_SECURE)
        write_visitor(told, abkit_app().visitors, response, secure=secure)


def _asks(request: HttpRequest) -> bool:
    asks = NAME in request.GET or NAME in request.COOKIES
    return asks and abkit_app().configuration.allow_forcing is not None


def _forcing(request: HttpRequest) -> Forcing | None:
    """What a request forces; None if its visitor may not."""
    app = abkit_app()
    allow_forcing = app.configuration.allow_forcing
    if allow_forcing is None or not allow_forcing(request):
        return None
    cookie = request.get_signed_cookie(NAME, default="", salt=SALT, max_age=MAX_AGE)
    return forcing_of(app.manager, parameter=request.GET.get(NAME), cookie=cookie)


def _tell_forced(response: HttpResponseBase, request: HttpRequest, forcing: Forcing) -> None:
    """Write into a response what was forced; if it is yet to be made, that is forced too."""
    for name, value in forcing.headers.items():
        response[name] = value
    if forcing.cookie:
        response.set_signed_cookie(
            NAME,
            forcing.cookie,
            salt=SALT,
            max_age=MAX_AGE,
            secure=request.is_secure(),
            httponly=True,
            samesite="Lax",
        )
    elif forcing.cookie is not None:
        response.delete_cookie(NAME, samesite="Lax")
    if isinstance(response, StreamingHttpResponse):
        content: Any = response.streaming_content
        make = _forced_pieces if response.is_async else forced_pieces
        response.streaming_content = make(content, forcing)


async def _forced_pieces(content: AsyncIterator[Any], forcing: Forcing) -> AsyncIterator[Any]:
    pieces, end = aiter(content), object()
    while True:
        with Force(forcing.variants):
            piece = await anext(pieces, end)
        if piece is end:
            return
        yield piece
