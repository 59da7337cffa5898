"""The panel as an ASGI application: on its own behind a token, or mounted in another."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import parse_qs, parse_qsl, quote, urlencode

from abkit.extras import extra
from abkit.panel.messages import SECURITY_HEADERS, PanelRequest, Viewer
from abkit.panel.panel import Panel

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

COOKIE = "abkit_panel"
"""How the cookies begin that hold the token after the first request: it does not stay in the address."""

Refuse: TypeAlias = "Callable[[Request], Awaitable[Response | None]]"
"""What is answered to who may not look; None for who may."""

View: TypeAlias = "Callable[[Request], Awaitable[Viewer]]"
"""Who looks."""

_MOST_FORM = 65_536
"""The longest form, in bytes."""


def panel_application(panel: Panel, *, refused: Refuse, viewer: View) -> "Starlette":
    """An ASGI application that shows the panel, at any place where it is mounted.

    Args:
        panel: What is shown.
        refused: Answers who may not look.
        viewer: Says who looks.

    Raises:
        MissingExtraError: Starlette is not installed.
    """
    with extra("panel"):
        from starlette.applications import Starlette
        from starlette.concurrency import run_in_threadpool
        from starlette.responses import Response
        from starlette.routing import Route

    async def page(request: "Request") -> "Response":
        refusal = await refused(request)
        if refusal is not None:
            return refusal
        asked = _asked(request, await _form(request), await viewer(request))
        answer = await run_in_threadpool(panel.respond, asked)
        return Response(
            answer.body,
            status_code=answer.status,
            headers=dict(answer.headers),
            media_type=answer.content_type,
        )

    return Starlette(routes=[Route("/{path:path}", page, methods=["GET", "HEAD", "POST"])])


def application(panel: Panel, *, token: str, name: str) -> "Starlette":
    """An ASGI application that shows the panel to who knows the token.

    Args:
        panel: What is shown.
        token: Is given once as `?token=`; a cookie of the session keeps it.
        name: How the history calls who acts.

    Raises:
        MissingExtraError: Starlette is not installed.
    """
    with extra("panel"):
        from starlette.responses import PlainTextResponse, RedirectResponse

    cookie = cookie_name(token)

    def known(said: str | None) -> bool:
        return said is not None and hmac.compare_digest(said.encode(), token.encode())

    async def refused(request: "Request") -> "Response | None":
        if known(request.query_params.get("token")):
            there = RedirectResponse(_without_token(request), 303, dict(SECURITY_HEADERS))
            there.set_cookie(cookie, token, httponly=True, samesite="strict")
            return there
        if known(request.cookies.get(cookie)):
            return None
        refusal = "Open the address that `abkit panel` printed: its token is not known here."
        return PlainTextResponse(refusal, HTTPStatus.FORBIDDEN, dict(SECURITY_HEADERS))

    async def viewer(_request: "Request") -> Viewer:
        return Viewer(name=name, may_act=True)

    return panel_application(panel, refused=refused, viewer=viewer)


def cookie_name(token: str) -> str:
    """The cookie of a panel: another one has its own, as the ports of a machine share cookies."""
    return f"{COOKIE}_{hashlib.sha256(token.encode()).hexdigest()[:12]}"


def _without_token(request: "Request") -> str:
    rest = [(k, v) for k, v in parse_qsl(request.url.query, keep_blank_values=True) if k != "token"]
    # Two slashes would begin the name of another host.
    path = f"/{quote(request.url.path).lstrip('/')}"
    return f"{path}{'?' + urlencode(rest) if rest else ''}"


async def _form(request: "Request") -> dict[str, str]:
    """The fields of the form that was sent; none of one that is too long, or of another kind."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if request.method != "POST" or kind != "application/x-www-form-urlencoded":
        return {}
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_FORM:
            return {}
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _asked(request: "Request", form: dict[str, str], viewer: Viewer) -> PanelRequest:
    return PanelRequest(
        method=request.method,
        path=request.path_params["path"],
        root=f"{quote(request.scope.get('root_path', '').rstrip('/'))}/",
        query=parse_qs(request.url.query, keep_blank_values=True),
        form=form,
        headers=dict(request.headers),
        viewer=viewer,
    )
