"""A panel in a process of its own: `python -m tests.benchmarks.panel.server EVENTS KEEP` prints its port."""

import socket
import sys
from datetime import timedelta
from pathlib import Path
from time import process_time
from typing import Any

import uvicorn

from abkit import ExperimentManager
from abkit.panel import Panel, StoredSource
from abkit.panel.asgi import application

from .stage import large, manager

TOKEN = "benchmark"  # noqa: S105 - it opens nothing

SECONDS = "x-processor-seconds"
"""The header that says which processor time an answer took."""


def source(events: str) -> StoredSource:
    """What the panel shows: two hundred experiments, and a large one."""
    found: ExperimentManager = manager()
    found.add(large())
    return StoredSource(found, events=events)


class _Timed:
    """An application whose answers say which processor time they took, where one is asked for at a time."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        start = process_time()

        async def timed(message: Any) -> None:
            if message["type"] == "http.response.start":
                took = f"{process_time() - start:.6f}".encode()
                message["headers"] = [*message["headers"], (SECONDS.encode(), took)]
            await send(message)

        await self._application(scope, receive, timed)


def main() -> None:
    """Serve until the process is ended."""
    events, keep = sys.argv[1:]
    panel = Panel(source(events), keep=Path(keep), refresh=timedelta(days=9))
    listening = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    served = _Timed(application(panel, token=TOKEN, name=""))
    config = uvicorn.Config(served, log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
