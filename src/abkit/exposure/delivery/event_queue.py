"""What the requests and the delivery's thread share."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from abkit.events import Event
from abkit.exposure.runtime.wakeup import WakeUp

NEVER = float("inf")

_FIRST_LOOK = 0.0005
_LONGEST_PAUSE = 0.02
"""Seconds between two looks of somebody who waits for the thread; they double."""


class EventQueue:
    """The queue of one process, and what the delivery tells its thread.

    Everything is guarded by `lock`, except that requests append to the queue without it.

    Attributes:
        events: Events that the thread has not taken yet.
        flush_to: How many of all accepted events are to be sent without waiting for more.
        wake_at: The length of the queue from which a request, having appended, sees to it that the
            thread wakes. While the thread decides how long to wait, it is 1: whoever appends
            meanwhile waits for the lock, and then knows.
        closed: Whether no more events are taken.
        abandoned: Whether nobody takes from the queue any more.
        deadline: When the thread has to stop trying, on the delivery's clock.
        worker_token: What tells the thread that is at work from those before it; None: there is none.
        wakeup: Wakes the thread. It is made with the thread, so that both are of one kind: real ones, or
            those that gevent and eventlet put in their place while the program runs.
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
        """Wait for what the thread does; to be called without the lock, which is held while looking.

        Whoever waits looks by itself: a real thread cannot wake a greenlet of eventlet, and the program may
        have been monkey-patched since the thread was started.

        Returns:
            Whether it is so.
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
        """Queue events that have their insert ids, without waking the thread; how many they are."""
        self.events.extend(events)
        return len(events)

    def drain(self) -> list[Event]:
        """Take all events from the queue."""
        return [self.events.popleft() for _ in range(len(self.events))]

    def remove(self, event: Event) -> bool:
        """Take one event from the queue; whether it was still there."""
        waiting = self.drain()
        others = [each for each in waiting if each is not event]
        self.events.extendleft(reversed(others))
        return len(others) < len(waiting)
