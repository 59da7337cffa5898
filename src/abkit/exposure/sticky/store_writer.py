"""Writes variants to a sticky store in a background thread."""

import os
import threading
import time
from collections.abc import Sequence

from abkit.exposure.runtime import process_hooks
from abkit.exposure.runtime.backoff import Backoff
from abkit.exposure.runtime.error_log import ErrorLog, attempt
from abkit.exposure.runtime.wakeup import WakeUp
from abkit.exposure.sticky.store import Choice, StickyKey, StickyStore

_BATCH = 500
_DOWN = 10
"""So many choices in a row that fail alone say that the store is down."""
_IDLE = 60.0
"""Seconds after which the thread ends if there is nothing to do."""


class StoreWriter:
    """Writes choices to a store in batches, by one thread that is started by the first of them.

    While the store is down, they wait and are retried. A choice that the store refuses while it accepts
    others is dropped.

    Args:
        store: The store.
        error_log: Where errors are reported.
        max_waiting: The most choices to hold; more are dropped.
        exit_timeout: Seconds that the end of the program may take.
    """

    def __init__(
        self,
        store: StickyStore,
        *,
        error_log: ErrorLog,
        max_waiting: int = 10_000,
        exit_timeout: float = 1.5,
    ) -> None:
        self.store = store
        self._error_log = error_log
        self._max_waiting = max_waiting
        self._backoff = Backoff()
        self.exit_timeout = exit_timeout
        self.after_fork()
        process_hooks.call_after_fork(self)
        process_hooks.close_at_exit(self)

    def after_fork(self) -> None:
        """In a forked child: a thread of its own, and counts from 0; what its parent holds, that sets."""
        self._pid = os.getpid()
        self._changed = threading.Condition(threading.RLock())
        self._wakeup, self._hurry = WakeUp(), WakeUp()
        self._runs, self._hurries = False, 0
        self._waiting: dict[StickyKey, Choice] = {}
        self.written: int = 0
        self.dropped: int = 0

    @property
    def waiting(self) -> int:
        """How many choices are not set yet."""
        return len(self._waiting)

    def holds(self, key: StickyKey) -> bool:
        """Whether a choice for that key is not set yet."""
        return key in self._waiting

    def put(self, choice: Choice) -> None:
        """Have a choice set; the first one of a key counts."""
        if self._pid != os.getpid():
            self.after_fork()
        with self._changed:
            if choice.key in self._waiting:
                return
            if len(self._waiting) >= self._max_waiting:
                self.dropped += 1
                text = "%r is too slow or down: variants will not be kept"
                self._error_log.report("sticky queue", text, self.store)
                return
            self._waiting[choice.key] = choice
            if not self._runs:
                self._start()
        self._wakeup.set()

    def flush(self, timeout: float) -> bool:
        """Wait until all choices are set; whether they were, in so many seconds."""
        with self._changed:
            if self._waiting and not self._runs:
                self._start()
            self._hurries += 1
            self._hurry.set()
            try:
                return self._changed.wait_for(lambda: not self._waiting, timeout)
            finally:
                self._hurries -= 1

    def close_at_exit(self) -> None:
        """Try what waits now, and go on trying."""
        self._hurries += 1
        self._hurry.set()

    def wait_until_closed(self) -> bool:
        """Wait until all is set, or the time is up."""
        return not self._waiting or self.flush(self.exit_timeout)

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="abkit-sticky-writer", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            self._error_log.report("sticky thread", "variants wait to be kept: %s", error)
            return
        self._runs = True
        process_hooks.close_at_abrupt_exit()

    def _run(self) -> None:
        failures = 0
        idle_since = time.monotonic()
        while True:
            with self._changed:
                batch = [*self._waiting.values()][:_BATCH]
                if not batch and time.monotonic() - idle_since >= _IDLE:
                    self._runs = False
                    return
            if not batch:
                self._wakeup.wait(_IDLE)
                continue
            failures = 0 if self._set(batch) else failures + 1
            idle_since = time.monotonic()
            if failures:
                delay = self._backoff.delay(failures)
                self._hurry.wait(min(delay, 0.1) if self._hurries else delay)

    def _set(self, batch: Sequence[Choice]) -> bool:
        """Set choices, all at once or, if that fails, one by one; whether the store has taken any."""
        error = attempt(self.store.set, batch)
        if not isinstance(error, Exception):
            self._settle(batch, written=len(batch))
            self._error_log.resolved("sticky write", "%r keeps variants again", self.store)
            return True
        text = "%r could not keep variants; they wait: %r"
        self._error_log.report("sticky write", text, self.store, error)
        taken, refused = self._one_by_one(batch) if len(batch) > 1 else ([], [])
        self.dropped += len(refused)
        self._settle([*taken, *refused], written=len(taken))
        return bool(taken)

    def _one_by_one(self, batch: Sequence[Choice]) -> tuple[list[Choice], list[Choice]]:
        """Set each alone; those that were taken, and those that were refused although the store works."""
        taken: list[Choice] = []
        refused: list[Choice] = []
        failed: list[Choice] = []
        for choice in batch:
            if isinstance(attempt(self.store.set, [choice]), Exception):
                failed.append(choice)
                if len(failed) >= _DOWN:
                    break
            else:
                # It works: what has failed before, it refuses.
                taken.append(choice)
                refused += failed
                failed.clear()
        return taken, refused

    def _settle(self, choices: Sequence[Choice], *, written: int) -> None:
        with self._changed:
            for choice in choices:
                self._waiting.pop(choice.key, None)
            self.written += written
            self._changed.notify_all()
