"""For `asgi.py`: what is still to be delivered when the server stops."""

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
    """The application, which delivers all events before an ASGI server stops.

    Some servers, uvicorn among them, end their process without running what Python runs at its exit;
    they say so beforehand by the lifespan protocol, which Django itself does not speak.

    Args:
        application: What `get_asgi_application()` gives.
        manager: Its `on_event` is flushed.
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
