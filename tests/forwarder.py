"""What stands before an imitation of S3: it answers late, counts, and refuses what a test wants refused."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias
from urllib.parse import urlsplit

Refusal: TypeAlias = tuple[int, str]
"""A status, and what S3 calls the error."""

Judge: TypeAlias = Callable[[str, str], Refusal | None]
"""By the method and the path of a request, what it is answered instead; None: it is passed on."""

_OF_CONNECTIONS = {"connection", "keep-alive", "expect", "transfer-encoding"}


class Forwarder:
    """Passes requests on.

    Attributes:
        url: Where it is.
        latency: Seconds before each request is passed on.
        judge: What is refused.
        counted: How many requests there were, by method.
        most: The most requests that waited for an answer at once.
        asked: The method and the path of each request.
    """

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target).netloc
        self._lock = threading.Lock()
        self._waiting = 0
        self.url: str = ""
        self.latency: float = 0.0
        self.judge: Judge = lambda _method, _path: None
        self.start_anew()

    def start_anew(self) -> None:
        """Count from zero."""
        self.counted: Counter[str] = Counter()
        self.asked: list[tuple[str, str]] = []
        self.most: int = 0

    @contextmanager
    def waiting(self, method: str, path: str) -> Iterator[None]:
        """Count a request, as long as it waits."""
        with self._lock:
            self.counted[method] += 1
            self.asked.append((method, path))
            self._waiting += 1
            self.most = max(self.most, self._waiting)
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        with self.waiting(request.command, request.path):
            time.sleep(self.latency)
            refusal = self.judge(request.command, request.path)
            if refusal is not None:
                status, code = refusal
                headers, content = [("Content-Type", "application/xml")], _refused(code)
            else:
                status, headers, content = self._passed_on(request, body)
        request.send_response(status)
        for name, value in headers:
            request.send_header(name, value)
        if request.command != "HEAD":
            request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(content)

    def _passed_on(
        self, request: BaseHTTPRequestHandler, body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        kept = {n: v for n, v in request.headers.items() if n.lower() not in _OF_CONNECTIONS}
        connection = http.client.HTTPConnection(self._target, timeout=60)
        try:
            connection.request(request.command, request.path, body=body, headers=kept)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        left_out = (
            _OF_CONNECTIONS if request.command == "HEAD" else {*_OF_CONNECTIONS, "content-length"}
        )
        return (
            answer.status,
            [h for h in answer.getheaders() if h[0].lower() not in left_out],
            content,
        )


@contextmanager
def forwarding(target: str) -> Iterator[Forwarder]:
    """A forwarder to a server, on a free port of the loopback."""
    forwarder = Forwarder(target)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:  # The client has gone.
                self.close_connection = True

        def log_message(self, *_arguments: object) -> None:
            pass

    def do(handler: BaseHTTPRequestHandler) -> None:
        forwarder.answer(handler)

    for method in ("GET", "HEAD", "PUT", "POST", "DELETE"):
        setattr(Handler, f"do_{method}", do)

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

    server = Server(("127.0.0.1", 0), Handler)
    forwarder.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield forwarder
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _refused(code: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f"<Error><Code>{code}</Code><Message>refused: {code}</Message></Error>"
    ).encode()
