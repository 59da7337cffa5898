"""A destination on the loopback, and a sink that posts to it."""

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, Self

from attrs import frozen

from abkit.events import Event, Exposure
from abkit.exposure.logger import ExposureLogger
from abkit.sinks.base import Outcome, Rejected, Retry
from abkit.sinks.records import json_line, record


@frozen
class Answer:
    """What the destination says: a status, and which insert ids it has not taken."""

    status: int = 200
    headers: Mapping[str, str] = MappingProxyType({})
    rejected: Sequence[str] = ()
    garbage: bool = False
    hangs: threading.Event | None = None


OK = Answer()
Policy = Callable[[int, list[dict[str, Any]]], Answer]
"""From the number of the request (from 1) and its records to the answer."""


class Destination:
    """A real HTTP server that keeps what it has taken, and answers as it is told."""

    def __init__(self, policy: Policy = lambda request, records: OK) -> None:
        self.policy = policy
        self.records: list[dict[str, Any]] = []
        self.sizes: list[int] = []
        self._lock = threading.Lock()
        destination = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = destination.take([json.loads(line) for line in body.split(b"\n") if line])
                if answer.hangs is not None:
                    answer.hangs.wait(30)
                if answer.garbage:
                    self.wfile.write(b"\x00\xffneither HTTP nor anything else\r\n\r\n")
                    return
                content = json.dumps({"rejected": answer.rejected}).encode()
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *args: Any) -> None:
                pass  # A client that gave up on a destination that hangs.

        self._server = Server(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def take(self, records: list[dict[str, Any]]) -> Answer:
        with self._lock:
            self.sizes.append(len(records))
            answer = self.policy(len(self.sizes), records)
            if answer.status in (200, 400) and not answer.garbage and answer.hangs is None:
                refused = set(answer.rejected)
                self.records += [row for row in records if row["insert_id"] not in refused]
        return answer

    @property
    def units(self) -> Counter[str]:
        """How often each unit has arrived."""
        with self._lock:
            return Counter(row["unit_id"] for row in self.records if "unit_id" in row)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class WebhookSink:
    """Posts each batch as lines of JSON."""

    def __init__(self, address: str, *, timeout: float = 5.0) -> None:
        self.address = address
        self._timeout = timeout

    def send(self, events: Sequence[Event], /) -> Outcome:
        lines = [json_line(record(event)) for event in events]
        connection = http.client.HTTPConnection(self.address, timeout=self._timeout)
        try:
            connection.request("POST", "/", "\n".join(lines).encode())
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            return Retry(reason=repr(error))
        finally:
            connection.close()
        return _outcome(response.status, response.getheader("Retry-After"), content, events)


def _outcome(status: int, after: str | None, content: bytes, events: Sequence[Event]) -> Outcome:
    if status == 200:
        return None
    if status == 400:
        refused = set(json.loads(content)["rejected"])
        return Rejected([event for event in events if event.insert_id in refused], "HTTP 400")
    wait = float(after) if after else None
    return Retry(after=wait, reason=f"HTTP {status}", smaller=status == 413)


def produce(logger: ExposureLogger, name: str, units: int, *, first: int = 0) -> None:
    """Expose units `name`-0, `name`-1 and so on, each once."""
    for number in range(first, first + units):
        logger(
            Exposure(
                experiment="Buttons",
                salt="Buttons",
                unit_type="user",
                unit_id=f"{name}-{number}",
                variant="a",
                time=time.time(),
            )
        )
