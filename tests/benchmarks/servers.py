"""What real servers and task queues serve and deliver, and how long they take to end."""

from functools import partial
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Protocol

from attrs import frozen

from ..exposure.redis_server import RedisServer
from ..exposure.servers import Outcome, queues, serve, servers, work


@frozen
class ServerRow:
    """How a server, or a pool of workers, has done.

    Attributes:
        name: Of the server.
        outcome: How it went.
        without: Seconds that it takes to end if abkit delivers nothing.
    """

    name: str
    outcome: Outcome
    without: float


def server_rows() -> list[ServerRow]:
    """Try all that are installed here."""
    rows = [
        _row(server.name, partial(serve, server))
        for server in servers()
        if which(server.command[0])
    ]
    if which("redis-server") is None:
        return rows
    with TemporaryDirectory() as directory, RedisServer(Path(directory)) as redis:
        rows += [_row(queue.name, partial(work, queue, redis)) for queue in queues()]
    return rows


class _Run(Protocol):
    def __call__(self, directory: Path, /, *, with_abkit: bool) -> Outcome: ...


def _row(name: str, run: _Run) -> ServerRow:
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        outcome = run(Path(one), with_abkit=True)
        return ServerRow(name, outcome, run(Path(other), with_abkit=False).seconds)
