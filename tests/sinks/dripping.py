"""A real server whose answer never ends: a beginning at once, then one piece after the other."""

import socket
import threading
from typing import Self

_AT_MOST = 200  # pieces, so that a client that waits for ever fails rather than hangs


class Dripping:
    """Answers each connection so until the `with` block ends."""

    def __init__(self, beginning: bytes, piece: bytes, *, pause: float = 0.05) -> None:
        self._beginning, self._piece, self._pause = beginning, piece, pause
        self._ended = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        while True:
            connection, _ = self._server.accept()
            if self._ended.is_set():
                connection.close()
                return
            with connection:
                try:
                    connection.recv(65_536)
                    connection.sendall(self._beginning)
                    for _ in range(_AT_MOST):
                        if self._ended.wait(self._pause):
                            break
                        connection.sendall(self._piece)
                except OSError:
                    pass  # The client has given up.

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        with socket.create_connection(self._server.getsockname()):
            pass
        self._thread.join()
        self._server.close()
