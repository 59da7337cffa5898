"""Events that are lost: counted, logged once, told to whoever wants to know."""

import threading
from collections.abc import Callable, Sequence

from abkit.events import Event
from abkit.exposure.delivery.guarded_outbox import Keeping
from abkit.exposure.runtime.error_log import Incidents, attempt

OnDrop = Callable[[Event, str], object]
"""Is told of each event that is lost, and why. It is called in the thread that lost it."""


class Losses:
    """Counts what is lost.

    Args:
        on_drop: Is told of each event.
        incidents: Where to report it.
        keeping: Knows what is on the disk, and not lost.

    Attributes:
        count: How many events were lost.
        late: How many could not be delivered before the end, whether they are lost or not.
        left: How many of these are on the disk.
    """

    def __init__(self, on_drop: OnDrop | None, incidents: Incidents, keeping: Keeping) -> None:
        self._on_drop = on_drop
        self._incidents = incidents
        self._keeping = keeping
        # Reentrant, so that a signal handler may lose an event in the middle of another loss.
        self._lock = threading.RLock()
        self.count: int = 0
        self.late: int = 0
        self.left: int = 0

    def too_late(self, events: Sequence[Event]) -> list[Event]:
        """Count events that could not be delivered before the end; those that are not on the disk either."""
        on_disk = self._keeping.on_disk(events)
        lost = [event for event in events if getattr(event, "insert_id", "") not in on_disk]
        with self._lock:
            self.late += len(events)
            self.left += len(events) - len(lost)
        return lost

    def lose(self, events: Sequence[Event], why: str) -> None:
        """Give up the events."""
        with self._lock:
            self.count += len(events)
        self._incidents.report(why, "dropped %d events: %s", len(events), why)
        if self._on_drop is None:
            return
        for event in events:
            told = attempt(self._on_drop, event, why)
            if isinstance(told, Exception):
                self._incidents.report("on_drop", "on_drop raised %r", told, error=told)
