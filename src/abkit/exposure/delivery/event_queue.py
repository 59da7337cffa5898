"""The queue between the requests and the worker thread."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from abkit.events import Event
from abkit.exposure.runtime.wakeup import WakeUp

NEVER = float("inf")

_FIRST_LOOK = 0.0005
_LONGEST_PAUSE = 0.02
"""Seconds between two polls of `wait_until`; they double."""


class EventQueue:
    """The event queue of one process, and the control state of its worker.

    Everything is guarded by `lock`, except that requests append events without it.

    Attributes:
        events: The queued events.
        flush_to: How many of all accepted events are to be sent without lingering.
        wake_at: The queue length from which a request wakes the worker after it has appended. It is 1
            while the worker decides how long to wait: a request that appends meanwhile waits for the
            lock, and sees the decision.
        closed: Whether events are no longer accepted.
        abandoned: Whether no worker will take events from the queue any more.
        deadline: When the worker has to stop retrying, on the delivery's clock.
        worker_token: Identifies the running worker thread; None: no worker runs.
        wakeup: Wakes the worker. It is created together with the thread, so that both are either native
            or those that gevent or eventlet have patched in.
    """

    __slots__ = (
        "abandoned",
        "closed",
        "deadline",
        "events",
        "flush_to",
        "lock",
        "wake_at",
        "wakeup",
        "worker_token",
    )

    lock: threading.RLock
    wakeup: WakeUp
    events: deque[Event]
    worker_token: object | None
    flush_to: int
    wake_at: float
    closed: bool
    abandoned: bool
    deadline: float

    def __init__(self, *, closed: bool = False) -> None:
        # Reentrant, so that a signal handler may log an exposure in the middle of another.
        self.lock = threading.RLock()
        self.wakeup = WakeUp()
        self.events = deque()
        self.worker_token = None
        self.flush_to = 0
        self.wake_at = 1
        self.closed = self.abandoned = closed
        self.deadline = NEVER

    def wait_until(self, is_so: Callable[[], bool], timeout: float) -> bool:
        """Poll until a condition holds. Call it without the lock, which is held during each check.

        It polls because a native thread cannot wake a greenlet of eventlet, and the program may have been
        monkey-patched after the thread was started.

        Returns:
            Whether the condition holds.
        """
        end = time.monotonic() + timeout
        pause = _FIRST_LOOK
        while True:
            with self.lock:
                if is_so():
                    return True
            left = end - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(left, pause))
            pause = min(2 * pause, _LONGEST_PAUSE)

    def extend(self, events: Sequence[Event]) -> int:
        """Queue events that have insert ids, without waking the worker. Returns their number."""
        self.events.extend(events)
        return len(events)

    def drain(self) -> list[Event]:
        """Remove all events from the queue, and return them."""
        return [self.events.popleft() for _ in range(len(self.events))]

    def remove(self, event: Event) -> bool:
        """Remove one event from the queue. Returns whether it was still there."""
        waiting = self.drain()
        others = [each for each in waiting if each is not event]
        self.events.extendleft(reversed(others))
        return len(others) < len(waiting)
