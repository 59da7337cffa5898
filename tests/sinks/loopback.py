"""A real HTTP server on the loopback, which answers as a function of the request says."""

import gzip
import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, Self

from attrs import frozen

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@frozen(kw_only=True)
class Request:
    """What has come: the headers by lower-case names, the body as it was before compression."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    port: int


@frozen(kw_only=True)
class Reply:
    """What is answered, or done instead of an answer."""

    status: int = 200
    content: bytes = b""
    headers: Mapping[str, str] = _NO_HEADERS
    resets: bool = False
    garbage: bool = False
    hangs: threading.Event | None = None


def reply(status: int, body: object, **headers: str) -> Reply:
    """A JSON answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, content=json.dumps(body).encode(), headers=named)


class Loopback:
    """Serves until the `with` block ends; keeps the requests."""

    def __init__(self, respond: Callable[[Request], Reply]) -> None:
        self.requests: list[Request] = []
        self._lock = threading.Lock()
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                headers = {name.lower(): value for name, value in self.headers.items()}
                port = self.client_address[1]
                request = Request(path=self.path, headers=headers, body=body, port=port)
                with loopback._lock:
                    loopback.requests.append(request)
                    answer = respond(request)
                self._act(answer)

            def do_GET(self) -> None:
                self._act(Reply(status=200, content=b"nobody should follow"))

            def _act(self, answer: Reply) -> None:
                if answer.hangs is not None:
                    answer.hangs.wait(30)
                if answer.resets:
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.close_connection = True
                    self.connection.close()
                    return
                if answer.garbage:
                    self.wfile.write(b"\x00\xffneither HTTP nor anything else\r\n\r\n")
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args: Any) -> None:
                pass  # A client that gave up.

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
