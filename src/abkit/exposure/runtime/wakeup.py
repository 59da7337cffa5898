"""A bell that one thread waits for."""

import threading
from contextlib import suppress
from typing import NoReturn


class Bell:
    """Wakes the thread that waits for it; a ring that nobody waits for is kept.

    Made of a bare lock, so that a signal handler may ring in the middle of a ring, which
    `threading.Event` does not allow.
    """

    def __init__(self) -> None:
        self._silence = threading.Lock()
        self._silence.acquire()

    def ring(self) -> None:
        """Wake the waiting thread, or the next one that waits."""
        with suppress(RuntimeError):  # It has been rung already.
            self._silence.release()

    def wait(self, seconds: float) -> None:
        """Wait for a ring, but no longer than this."""
        self._silence.acquire(timeout=min(seconds, threading.TIMEOUT_MAX))

    def sleep_for_ever(self) -> NoReturn:
        """Wait, whoever rings."""
        while True:
            self._silence.acquire()
