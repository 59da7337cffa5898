"""A wakeup that one thread waits for."""

import threading
from contextlib import suppress
from typing import NoReturn


class WakeUp:
    """Wakes the thread that waits for it; if none is waiting, the next one that waits does not block.

    It is made of a bare lock, so that a signal handler may call `set` while `set` runs, which
    `threading.Event` does not allow.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def set(self) -> None:
        """Wake the waiting thread, or the next one that waits."""
        with suppress(RuntimeError):  # It is set already.
            self._lock.release()

    def wait(self, seconds: float) -> None:
        """Wait until it is set, but no longer than this; then it is not set any more."""
        self._lock.acquire(timeout=min(seconds, threading.TIMEOUT_MAX))

    def sleep_for_ever(self) -> NoReturn:
        """Wait without end, even if it is set."""
        while True:
            self._lock.acquire()
