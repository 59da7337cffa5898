"""Reads from a sticky store with a timeout."""

import os
import threading
import time
from queue import Empty, SimpleQueue

from abkit.exposure.runtime.error_log import ErrorLog, attempt
from abkit.exposure.runtime.process_hooks import call_after_fork
from abkit.exposure.runtime.wakeup import WakeUp
from abkit.exposure.sticky.store import MemoryStickyStore, StickyKey, StickyStore

_RETRY_INTERVAL = 1.0
"""Seconds after a failure before the store is read again."""

_MOST_THREADS = 4
_IDLE = 60.0
"""Seconds without a request after which a thread ends."""


class _Request:
    """A key that is to be read, and the answer."""

    def __init__(self, key: StickyKey) -> None:
        self.key = key
        self.answer: str | Exception | None = TimeoutError("it did not answer in time")
        self.given_up = False
        self.wakeup = WakeUp()


class StoreReader:
    """Reads in its own threads, at most four, which are started when they are needed.

    If the store raises or times out, it is not read again for a second, so that no other request waits for
    it meanwhile.

    Args:
        store: The store.
        timeout: Seconds that a request may wait.
        error_log: Where errors are reported.
    """

    def __init__(self, store: StickyStore, *, timeout: float, error_log: ErrorLog) -> None:
        self.store = store
        self._timeout = timeout
        self._error_log = error_log
        self._at_hand = isinstance(store, MemoryStickyStore)
        self.after_fork()
        call_after_fork(self)

    def after_fork(self) -> None:
        """In a forked child: threads of its own, and counts from 0."""
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._threads = self._busy = 0
        self._requests: SimpleQueue[_Request] = SimpleQueue()
        self._ask_from = 0.0
        self.unanswered: int = 0
        """How many times the store could not say; the hash decided."""

    def __call__(self, key: StickyKey) -> str | Exception | None:
        """The variant that the store has for a unit; an error if it cannot be read now."""
        answer = self._asked(key)
        if isinstance(answer, Exception):
            self.unanswered += 1
        return answer

    def _asked(self, key: StickyKey) -> str | Exception | None:
        if self._at_hand:
            return attempt(self.store.get, key)
        if self._pid != os.getpid():
            self.after_fork()
        if time.monotonic() < self._ask_from:
            return ConnectionError("it has just failed")
        request = _Request(key)
        failure = self._hand_over(request)
        if failure is None:
            request.wakeup.wait(self._timeout)
        request.given_up = True
        answer = request.answer if failure is None else failure
        if isinstance(answer, Exception):
            self._ask_from = time.monotonic() + _RETRY_INTERVAL
            text = "%r could not say what a unit keeps; the hash decides: %r"
            self._error_log.report("sticky look-up", text, self.store, answer)
        else:
            self._error_log.resolved("sticky look-up", "%r answers again", self.store)
        return answer

    def _hand_over(self, request: _Request) -> RuntimeError | None:
        """Give a request to a thread."""
        with self._lock:
            self._busy += 1
            starts = self._busy > self._threads and self._threads < _MOST_THREADS
            self._threads += starts
        if starts:
            try:
                threading.Thread(target=self._answer, name="abkit-sticky", daemon=True).start()
            except RuntimeError as error:  # There are no new threads at the end of the program.
                with self._lock:
                    self._threads -= 1
                    self._busy -= 1
                return error
        self._requests.put(request)
        return None

    def _answer(self) -> None:
        requests, lock = self._requests, self._lock
        while True:
            try:
                request = requests.get(timeout=_IDLE)
            except Empty:
                with lock:
                    if self._busy < self._threads:
                        self._threads -= 1
                        return
                continue
            if not request.given_up:
                request.answer = attempt(self.store.get, request.key)
                request.wakeup.set()
            with lock:
                self._busy -= 1
