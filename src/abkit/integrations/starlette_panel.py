"""Starlette and FastAPI: the panel, to be mounted. See docs/howto/panel.md."""

from collections.abc import Callable
from typing import Any

from abkit.extras import extra
from abkit.integrations.asgi_calls import call
from abkit.panel import Panel
from abkit.panel.asgi import panel_application

with extra("starlette"):
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.responses import Response


def panel_app(
    panel: Panel,
    *,
    may_view: Callable[[Request], Any],
    viewer: Callable[[Request], Any] | None = None,
) -> Starlette:
    """The panel, for `app.mount("/experiments", ...)`.

    Args:
        panel: The panel.
        may_view: Returns whether somebody may look, for the request; who may not gets a 403. It may be a
            coroutine function; another runs in the thread pool.
        viewer: Returns the name of who looks, for the request, likewise; None: nobody is named.
    """

    async def refused(request: Request) -> Response | None:
        if await call(may_view, request):
            return None
        raise HTTPException(403)

    async def named(request: Request) -> str:
        return "" if viewer is None else str(await call(viewer, request))

    return panel_application(panel, refused=refused, named=named)
