"""What the requests and the delivery's thread share."""

import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from abkit.events import Event
from abkit.exposure.dedup import Reservation
from abkit.exposure.transport.bell import Bell

NEVER = float("inf")


class Mailbox:
    """The queue of one process, and what the delivery tells its thread. Guarded by `lock`.

    Attributes:
        queue: Events that the thread has not taken yet. Only the thread takes from it, until the time
            to close is up.
        accepted: How many events were put into the queue.
        flush_to: How many of them are to be sent without waiting for more.
        wake_at: The length of the queue at which the thread wants to be woken.
        closed: Whether no more events are taken.
        deadline: When the thread has to stop trying, on the delivery's clock.
        thread: The thread, while there is one.
        settled: Notified when a batch was settled, and when the thread ends.
        bell: Wakes the thread.
    """

    __slots__ = (
        "accepted",
        "bell",
        "closed",
        "deadline",
        "flush_to",
        "lock",
        "queue",
        "settled",
        "thread",
        "wake_at",
    )

    def __init__(self, *, closed: bool = False) -> None:
        # Reentrant, so that a signal handler may log an exposure in the middle of another.
        self.lock = threading.RLock()
        self.settled = threading.Condition(self.lock)
        self.bell = Bell()
        self.queue: deque[tuple[Event, Reservation | None]] = deque()
        self.thread: threading.Thread | None = None
        self.accepted = 0
        self.flush_to = 0
        self.wake_at: float = 1
        self.closed = closed
        self.deadline = NEVER

    def put(self, events: Sequence[Event]) -> int:
        """Queue events that have their insert ids, without waking the thread; how many they are."""
        with self.lock:
            self.queue.extend((event, None) for event in events)
            self.accepted += len(events)
        return len(events)

    def empty(self) -> list[Event]:
        """Take all events from the queue."""
        events: list[Event] = []
        with suppress(IndexError):
            while True:  # The thread may take from the queue at the same time.
                events.append(self.queue.popleft()[0])
        return events
