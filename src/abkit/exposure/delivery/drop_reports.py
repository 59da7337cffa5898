"""Dropped events: counted, logged once per reason, and passed to `on_drop`."""

import threading
from collections.abc import Callable, Sequence

from abkit.events import Event
from abkit.exposure.delivery.guarded_outbox import GuardedOutbox
from abkit.exposure.runtime.error_log import ErrorLog, attempt

OnDrop = Callable[[Event, str], object]
"""Called with each dropped event and the reason, in the thread that dropped it."""


class DropReporter:
    """Counts and reports dropped events.

    Args:
        on_drop: Called with each dropped event.
        error_log: Where drops are logged.
        guarded_outbox: Says which events are on disk, and therefore not dropped.

    Attributes:
        count: How many events were dropped.
        undelivered: How many were not delivered before the end, whether dropped or left in the outbox.
        left_in_outbox: How many of these are in the outbox.
    """

    def __init__(
        self, on_drop: OnDrop | None, error_log: ErrorLog, guarded_outbox: GuardedOutbox
    ) -> None:
        self._on_drop = on_drop
        self._error_log = error_log
        self._guarded_outbox = guarded_outbox
        # Reentrant, so that a signal handler may drop an event while another is dropped.
        self._lock = threading.RLock()
        self.count: int = 0
        self.undelivered: int = 0
        self.left_in_outbox: int = 0

    def give_up(self, events: Sequence[Event]) -> list[Event]:
        """Count events that were not delivered before the end; returns those that are not on disk either."""
        on_disk = self._guarded_outbox.on_disk(events)
        lost = [event for event in events if getattr(event, "insert_id", "") not in on_disk]
        with self._lock:
            self.undelivered += len(events)
            self.left_in_outbox += len(events) - len(lost)
        return lost

    def drop(self, events: Sequence[Event], why: str) -> None:
        """Count, log and report these events as dropped."""
        with self._lock:
            self.count += len(events)
        self._error_log.report(why, "dropped %d events: %s", len(events), why)
        if self._on_drop is None:
            return
        for event in events:
            failure = attempt(self._on_drop, event, why)
            if isinstance(failure, Exception):
                self._error_log.report("on_drop", "on_drop raised %r", failure, error=failure)
