"""For `asgi.py`: queued events are delivered when the server stops."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from asgiref.sync import sync_to_async

from abkit.integrations.lifespan import flush
from abkit.manager import ExperimentManager, expt_manager

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


def flushed_at_shutdown(
    application: Any, *, manager: ExperimentManager = expt_manager
) -> Application:
    """Wrap the application, so that all events are delivered before an ASGI server stops.

    Some servers, including uvicorn, end their process without running Python's exit handlers. They
    announce it with the lifespan protocol, which Django does not support.

    Args:
        application: The result of `get_asgi_application()`.
        manager: The manager whose `on_event` is flushed.
    """

    async def serve(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await application(scope, receive, send)
            return
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await sync_to_async(flush, thread_sensitive=False)(manager)
        await send({"type": "lifespan.shutdown.complete"})

    return serve
