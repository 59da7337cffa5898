"""Starlette and FastAPI: the panel, to be mounted. See docs/howto/panel.md."""

from collections.abc import Callable
from typing import Any

from abkit.extras import extra
from abkit.integrations.asgi_calls import call
from abkit.panel import Panel, Viewer
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
    may_act: Callable[[Request], Any] | None = None,
    viewer: Callable[[Request], Any] | None = None,
) -> Starlette:
    """The panel, for `app.mount("/experiments", ...)`.

    Args:
        panel: The panel.
        may_view: Returns whether somebody may look, for the request; who may not gets a 403. It may be a
            coroutine function; another runs in the thread pool.
        may_act: Returns whether somebody may change settings, for the request, likewise; None: nobody may.
        viewer: Returns the name of who looks, for the request, likewise, or None; None: nobody is named.
    """

    async def refused(request: Request) -> Response | None:
        if await call(may_view, request):
            return None
        raise HTTPException(403)

    async def looking(request: Request) -> Viewer:
        name = None if viewer is None else await call(viewer, request)
        return Viewer(
            name="" if name is None else str(name),
            may_act=may_act is not None and bool(await call(may_act, request)),
        )

    return panel_application(panel, refused=refused, viewer=looking)
