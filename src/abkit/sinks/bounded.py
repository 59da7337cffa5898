"""HTTP connections on which a whole request has a deadline, and an answer has a bound.

The timeouts of requests are those of one operation of a socket: an answer that drips a byte a second never
exceeds them. Here each operation is given what is left of the request's own time.
"""

import io
import time
from typing import Any, cast

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Allowance:
    """What the request under way may still take. It is begun anew for each request."""

    def __init__(self) -> None:
        self._deadline = self._pause = 0.0
        self._size = 0

    def begin(self, *, seconds: float, pause: float, size: int) -> None:
        """Begin a request.

        Args:
            seconds: How long it may take.
            pause: How long each operation of it may take.
            size: How many bytes its answer may have, head and body.
        """
        self._deadline = time.monotonic() + seconds
        self._pause = pause
        self._size = size

    def wait(self) -> float:
        """Seconds that the next operation may take.

        Raises:
            TimeoutError: None is left.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the request took too long")
        return min(left, self._pause)

    def received(self, size: int) -> None:
        """Count what has come of the answer.

        Raises:
            OSError: It is too much.
        """
        self._size -= size
        if self._size < 0:
            raise OSError("the answer is too long")


class BoundedAdapter(HTTPAdapter):
    """What requests sends by, with connections that keep to an allowance."""

    def __init__(self, allowance: Allowance) -> None:
        self._pools = {
            "http": _pool(HTTPConnectionPool, HTTPConnection, allowance),
            "https": _pool(HTTPSConnectionPool, HTTPSConnection, allowance),
        }
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """As requests does, which calls it."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        """As requests does, which calls it."""
        manager = super().proxy_manager_for(*args, **options)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _pool(pool: type, connection: type, allowance: Allowance) -> Any:
    bounded = type(connection.__name__, (_Bounded, connection), {"allowance": allowance})
    return type(pool.__name__, (pool,), {"ConnectionCls": bounded})


class _Bounded:
    """Of a connection: once it is there, its socket keeps to the allowance."""

    allowance: Allowance
    sock: Any

    def connect(self) -> None:
        cast("Any", super()).connect()
        self.sock = _Socket(self.sock, self.allowance)

    def _tunnel(self) -> None:
        """Ask a proxy for the way, which may drip as well; TLS then needs the socket itself."""
        plain = self.sock
        self.sock = _Socket(plain, self.allowance)
        cast("Any", super())._tunnel()
        self.sock = plain


class _Socket:
    """A socket, of which each operation is given what is left of the allowance."""

    def __init__(self, plain: Any, allowance: Allowance) -> None:
        self._plain = plain
        self._allowance = allowance

    def sendall(self, data: Any) -> None:
        view = memoryview(data).cast("B")
        while view:
            self._plain.settimeout(self._allowance.wait())
            view = view[self._plain.send(view) :]

    def makefile(self, *_: object, **__: object) -> io.BufferedReader:
        return io.BufferedReader(_Incoming(self._plain, self._allowance))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)


class _Incoming(io.RawIOBase):
    """What comes from a socket."""

    def __init__(self, plain: Any, allowance: Allowance) -> None:
        self._plain = plain
        # It keeps the socket open when the connection is closed before the answer is read.
        self._file = plain.makefile("rb", buffering=0)
        self._allowance = allowance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._plain.settimeout(self._allowance.wait())
        size: int = self._file.readinto(buffer)
        self._allowance.received(size)
        return size

    def close(self) -> None:
        self._file.close()
        super().close()
