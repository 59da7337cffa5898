"""Events that are lost: counted, logged once, told to whoever wants to know."""

import threading
from collections.abc import Callable, Sequence

from abkit.events import Event
from abkit.exposure.delivery.guarded_outbox import GuardedOutbox
from abkit.exposure.runtime.error_log import ErrorLog, attempt

OnDrop = Callable[[Event, str], object]
"""Is told of each event that is lost, and why. It is called in the thread that lost it."""


class DropReporter:
    """Counts what is lost.

    Args:
        on_drop: Is told of each event.
        error_log: Where to report it.
        guarded_outbox: Knows what is on the disk, and not lost.

    Attributes:
        count: How many events were lost.
        undelivered: How many could not be delivered before the end, whether they are lost or not.
        left_in_outbox: How many of these are on the disk.
    """

    def __init__(
        self, on_drop: OnDrop | None, error_log: ErrorLog, guarded_outbox: GuardedOutbox
    ) -> None:
        self._on_drop = on_drop
        self._error_log = error_log
        self._guarded_outbox = guarded_outbox
        # Reentrant, so that a signal handler may lose an event in the middle of another loss.
        self._lock = threading.RLock()
        self.count: int = 0
        self.undelivered: int = 0
        self.left_in_outbox: int = 0

    def give_up(self, events: Sequence[Event]) -> list[Event]:
        """Count events that could not be delivered before the end; those that are not on the disk either."""
        on_disk = self._guarded_outbox.on_disk(events)
        lost = [event for event in events if getattr(event, "insert_id", "") not in on_disk]
        with self._lock:
            self.undelivered += len(events)
            self.left_in_outbox += len(events) - len(lost)
        return lost

    def drop(self, events: Sequence[Event], why: str) -> None:
        """Give up the events."""
        with self._lock:
            self.count += len(events)
        self._error_log.report(why, "dropped %d events: %s", len(events), why)
        if self._on_drop is None:
            return
        for event in events:
            told = attempt(self._on_drop, event, why)
            if isinstance(told, Exception):
                self._error_log.report("on_drop", "on_drop raised %r", told, error=told)
