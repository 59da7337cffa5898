"""The panel as an application of its own, on loopback, behind a token."""

import hmac
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, parse_qsl, urlencode

from abkit.extras import extra
from abkit.panel.messages import SECURITY_HEADERS, PanelRequest, PanelResponse
from abkit.panel.panel import Panel

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

COOKIE = "abkit_panel"
"""Holds the token after the first request, so that it does not stay in the address."""


def application(panel: Panel, *, token: str) -> "Starlette":
    """An ASGI application that shows the panel to who knows the token.

    Args:
        panel: What is shown.
        token: Is given once as `?token=`; a cookie of the session keeps it.

    Raises:
        MissingExtraError: Starlette is not installed.
    """
    with extra("panel"):
        from starlette.applications import Starlette
        from starlette.concurrency import run_in_threadpool
        from starlette.responses import PlainTextResponse, RedirectResponse, Response
        from starlette.routing import Route

    def known(said: str | None) -> bool:
        return said is not None and hmac.compare_digest(said.encode(), token.encode())

    async def page(request: "Request") -> "Response":
        if known(request.query_params.get("token")):
            return _with_cookie(RedirectResponse(_without_token(request), status_code=303))
        if not known(request.cookies.get(COOKIE)):
            refusal = "Open the address that `abkit panel` printed: its token is not known here."
            return PlainTextResponse(refusal, HTTPStatus.FORBIDDEN, dict(SECURITY_HEADERS))
        answer = await run_in_threadpool(panel.respond, panel_request(request))
        return _response(answer, Response)

    def _with_cookie(response: "Response") -> "Response":
        response.headers.update(SECURITY_HEADERS)
        response.set_cookie(COOKIE, token, httponly=True, samesite="strict")
        return response

    return Starlette(routes=[Route("/{path:path}", page, methods=["GET", "HEAD", "POST"])])


def _without_token(request: "Request") -> str:
    rest = [(k, v) for k, v in parse_qsl(request.url.query, keep_blank_values=True) if k != "token"]
    return f"{request.url.path}{'?' + urlencode(rest) if rest else ''}"


def panel_request(request: "Request") -> PanelRequest:
    """What the panel reads of a request of Starlette."""
    root = f"{request.scope.get('root_path', '').rstrip('/')}/"
    return PanelRequest(
        method=request.method,
        path=request.path_params["path"],
        root=root,
        query=parse_qs(request.url.query, keep_blank_values=True),
    )


def _response(answer: PanelResponse, kind: "type[Response]") -> "Response":
    return kind(
        answer.body,
        status_code=answer.status,
        headers=dict(answer.headers),
        media_type=answer.content_type,
    )
