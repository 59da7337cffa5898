"""What the requests and the delivery's thread share."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from abkit.events import Event
from abkit.exposure.transport.bell import Bell

NEVER = float("inf")

_LOOK = 0.05
"""Seconds between two looks of somebody who waits for the thread."""


class Mailbox:
    """The queue of one process, and what the delivery tells its thread.

    Everything is guarded by `lock`, except that requests append to the queue without it.

    Attributes:
        queue: Events that the thread has not taken yet.
        flush_to: How many of all accepted events are to be sent without waiting for more.
        wake_at: The length of the queue from which a request, having appended, sees to it that the
            thread wakes. While the thread decides how long to wait, it is 1: whoever appends
            meanwhile waits for the lock, and then knows.
        closed: Whether no more events are taken.
        abandoned: Whether nobody takes from the queue any more.
        deadline: When the thread has to stop trying, on the delivery's clock.
        shift: What tells the thread that is at work from those before it; None: there is none.
        settled: Notified when a batch was settled, and when the thread ends. Wait for it by `wait_until`.
        bell: Wakes the thread. It is made with the thread, so that both are of one kind: real ones, or
            those that gevent and eventlet put in their place while the program runs.
    """

    __slots__ = (
        "abandoned",
        "bell",
        "closed",
        "deadline",
        "flush_to",
        "lock",
        "queue",
        "settled",
        "shift",
        "wake_at",
    )

    def __init__(self, *, closed: bool = False) -> None:
        # Reentrant, so that a signal handler may log an exposure in the middle of another.
        self.lock = threading.RLock()
        self.settled = threading.Condition(self.lock)
        self.bell = Bell()
        self.queue: deque[Event] = deque()
        self.shift: object | None = None
        self.flush_to = 0
        self.wake_at: float = 1
        self.closed = self.abandoned = closed
        self.deadline = NEVER

    def wait_until(self, is_so: Callable[[], bool], timeout: float) -> bool:
        """Wait for something that `settled` is notified of; to be called under the lock.

        Whoever waits looks by itself now and then: a thread that was started before the program was
        monkey-patched may be unable to wake it.

        Returns:
            Whether it is so.
        """
        end = time.monotonic() + timeout
        while not is_so():
            left = end - time.monotonic()
            if left <= 0:
                return False
            self.settled.wait(min(left, _LOOK))
        return True

    def put(self, events: Sequence[Event]) -> int:
        """Queue events that have their insert ids, without waking the thread; how many they are."""
        self.queue.extend(events)
        return len(events)

    def empty(self) -> list[Event]:
        """Take all events from the queue."""
        return [self.queue.popleft() for _ in range(len(self.queue))]

    def take_back(self, event: Event) -> bool:
        """Take one event from the queue; whether it was still there."""
        waiting = self.empty()
        others = [each for each in waiting if each is not event]
        self.queue.extendleft(reversed(others))
        return len(others) < len(waiting)
