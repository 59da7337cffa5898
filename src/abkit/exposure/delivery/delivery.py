"""From the request to the sink: takes events at once, and lets a thread deliver them."""

import threading
import time
from collections.abc import Callable, Sequence

from abkit.errors import DeliveryError
from abkit.events import Event
from abkit.exposure.dedup.shared import SharedDedup
from abkit.exposure.delivery.batch_sender import BatchSender
from abkit.exposure.delivery.drop_reports import DropReporter, OnDrop
from abkit.exposure.delivery.event_queue import NEVER, EventQueue
from abkit.exposure.delivery.guarded_dedup import GuardedDedup
from abkit.exposure.delivery.guarded_outbox import GuardedOutbox
from abkit.exposure.delivery.linger import Linger
from abkit.exposure.delivery.worker import Worker
from abkit.exposure.outbox.outbox import Outbox
from abkit.exposure.runtime import process_hooks
from abkit.exposure.runtime.backoff import Backoff
from abkit.exposure.runtime.error_log import ErrorLog
from abkit.exposure.runtime.wakeup import WakeUp
from abkit.exposure.stats import DeadLetter, Stats
from abkit.sinks.base import BatchLimits, Sink

_TRYING = 0.9
"""The share of the time to close that is for trying; the rest is for saying what was lost."""

_FULL = "the queue is full"
_CLOSED = "the delivery is closed"
_LATE = "the destination did not take it before the delivery was closed"


class Delivery:
    """Takes events at once and sends them later, in order, by one thread.

    The thread is started with the first event and ends when there is nothing to do for a minute. A
    forked child has a thread and a queue of its own; what its parent had queued, the parent sends.

    Args:
        sink: Where the events go.
        shared: Knows what other processes have sent; None: nobody is asked.
        outbox: Where events are on disk until they are delivered; None: in memory only.
        limits: When a batch is full; None: what the sink asks for.
        max_queue: The most events to hold; more are dropped. One batch on its way comes on top, and an
            event of each thread that comes at the same moment.
        backoff: How long to wait after a failure.
        on_drop: Is told of each event that is lost.
        exit_timeout: Seconds that the end of the program may take if nobody has called `close`.
        clock: Gives seconds that only go forward.

    Raises:
        DeliveryError: The sink cannot send, or `max_queue` is below 1.
    """

    def __init__(  # noqa: PLR0913 - all but the sink can be left out
        self,
        sink: Sink,
        *,
        shared: SharedDedup | None = None,
        outbox: Outbox | None = None,
        limits: BatchLimits | None = None,
        max_queue: int = 100_000,
        backoff: Backoff | None = None,
        on_drop: OnDrop | None = None,
        exit_timeout: float = 1.5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if isinstance(sink, type) or not callable(getattr(sink, "send", None)):
            message = f"A sink is an object with a method send(events), not {sink!r}."
            raise DeliveryError(message)
        if max_queue < 1:
            message = f"max_queue must be at least 1, not {max_queue!r}."
            raise DeliveryError(message)
        self._sink = sink
        self._shared = shared
        self._outbox = outbox
        self._limits: BatchLimits = limits or getattr(sink, "limits", None) or BatchLimits()
        self._max_queue = max_queue
        self._backoff = backoff or Backoff()
        self._on_drop = on_drop
        self.exit_timeout = exit_timeout
        self._clock = clock
        # The thread would import it with its first connection; a fork meanwhile would leave the import
        # locked in the child for ever.
        "abkit".encode("idna")
        self._begin(closed=False, sink_from_parent=False)
        process_hooks.call_after_fork(self)
        process_hooks.close_at_exit(self)

    def _begin(self, *, closed: bool, sink_from_parent: bool) -> None:
        self._noticing = threading.RLock()  # A fork may come while another thread holds it.
        self._queue = EventQueue(closed=closed)
        self._error_log = ErrorLog()
        self._guarded_outbox = GuardedOutbox(self._outbox, self._error_log)
        self._drops = DropReporter(self._on_drop, self._error_log, self._guarded_outbox)
        self._sender = BatchSender(
            self._sink,
            self._limits,
            self._error_log,
            guarded_dedup=GuardedDedup(self._shared, self._error_log),
            guarded_outbox=self._guarded_outbox,
            sink_from_parent=sink_from_parent,
        )
        self._close_by = NEVER
        self._worker = Worker(
            self._queue,
            self._sender,
            linger=Linger(self._limits.age),
            backoff=self._backoff,
            clock=self._clock,
            error_log=self._error_log,
            drop=self._drop_undelivered,
            recover=self._recover,
        )
        self._is_this_process = process_hooks.marker_of_this_process()

    def after_fork(self) -> None:
        """In a forked child: begin with a queue, locks, files and counts of one's own."""
        if self._outbox is not None:
            self._outbox.after_fork()
        self._worker.stop()
        self._begin(closed=self._queue.closed, sink_from_parent=True)

    def accept(self, event: Event) -> bool:
        """Take an event for delivery; it is given a random insert id if it has none.

        Returns:
            Whether it was taken; if not, it was dropped and counted.
        """
        if not self._is_this_process[0]:
            self._notice_fork()
        queue = self._queue
        events = queue.events
        if queue.closed or len(events) >= self._max_queue:
            self._drops.drop((event,), _CLOSED if queue.closed else _FULL)
            return False
        if self._outbox is not None:
            # Before it is queued: whoever delivers it, settles it.
            event = self._guarded_outbox.save(event)
        # Without a lock, which would take longer than all the rest: appending is one step.
        events.append(event)
        return len(events) < queue.wake_at or self._wake_worker(event)

    def _wake_worker(self, event: Event) -> bool:
        """See to it that the queue is looked after; False if the event came too late for that."""
        queue = self._queue
        with queue.lock:
            if queue.worker_token is None and not queue.closed:
                self._start()
            if queue.worker_token is not None and len(queue.events) >= queue.wake_at:
                queue.wake_at = NEVER
                queue.wakeup.set()
            if not queue.abandoned or not queue.remove(event):
                return True
        self._guarded_outbox.settle((event,))
        self._drops.drop((event,), _CLOSED)
        return False

    def flush(self, timeout: float = 10.0) -> bool:
        """Send what has been accepted so far, without waiting for a batch to fill.

        With an outbox, also what processes that have died have left in it.

        Args:
            timeout: Seconds to wait.

        Returns:
            Whether all of it has been delivered, or rejected, in time. False if the outbox cannot be read.
        """
        self._notice_fork()
        end = self._clock() + timeout
        while True:
            recovered = self._queue_recovered(at_once=True)
            if not self._flush(max(0.0, end - self._clock())):
                return False
            if not recovered:
                return self._guarded_outbox.complete

    def _flush(self, timeout: float) -> bool:
        queue, sender = self._queue, self._sender
        with queue.lock:
            target = self._accepted
            if not sender.is_settled(target):
                if self._worker.is_current:
                    return False  # A sink that flushes would wait for itself.
                queue.flush_to = target
                if queue.worker_token is None:
                    self._start()
                queue.wakeup.set()
        settled = queue.wait_until(lambda: sender.is_settled(target), timeout)
        return settled and not self._drops.undelivered

    def close(self, timeout: float = 10.0) -> bool:
        """Deliver what has been accepted, and take no more events. May be called again.

        While the destination is down, it is tried until the time is up; what is left is dropped.

        Args:
            timeout: Seconds to wait. A thread whose sink hangs is left behind.

        Returns:
            Whether everything has been delivered, or rejected, in time.
        """
        self._begin_to_close(timeout)
        return self.wait_until_closed()

    def close_at_exit(self) -> None:
        """Begin to close, unless that has begun already."""
        if self._close_by == NEVER:
            self._begin_to_close(self.exit_timeout)

    def wait_until_closed(self) -> bool:
        """Wait until everything is delivered, but no longer than `close` was told."""
        queue = self._queue
        if self._worker.is_current:
            return False
        left = max(0.0, self._close_by - self._clock())
        if not queue.wait_until(lambda: queue.worker_token is None, left):
            self._drop_undelivered(())
        elif self._has_to_run:
            self._worker.run(
                None
            )  # No thread could be started; at the end of the program none can.
        with queue.lock:
            return self._sender.is_settled(self._accepted) and not self._drops.undelivered

    @property
    def stats(self) -> Stats:
        """What became of the events so far."""
        with self._queue.lock:
            return self._sender.stats(self._accepted, self._drops)

    @property
    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """The last thousand events that were rejected."""
        with self._queue.lock:
            return tuple(self._sender.dead_letters)

    @property
    def closed(self) -> bool:
        """Whether no more events are taken."""
        return self._queue.closed

    @property
    def _accepted(self) -> int:
        """How many events were put into the queue; to be asked under the lock."""
        return self._sender.dequeued + len(self._queue.events)

    @property
    def _has_to_run(self) -> bool:
        return bool(self._queue.events) or self._sender.in_flight or self._sender.has_to_close

    def _notice_fork(self) -> None:
        """Make up for the hook, which some servers do not run (uWSGI, unless told to)."""
        with self._noticing:
            if not self._is_this_process[0]:
                self.after_fork()

    def _start(self) -> None:
        """Start the thread; to be called under the lock."""
        queue = self._queue
        queue.wakeup = WakeUp()
        # Before it is started: starting it may let others run, under gevent, and be interrupted by a signal.
        queue.worker_token = token = object()
        thread = threading.Thread(
            target=self._worker.run, args=(token,), name="abkit-delivery", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:
            queue.worker_token = None
            if not queue.closed:  # Who closes does what the thread would do.
                text = "the delivery has no thread; events wait: %s"
                self._error_log.report("thread", text, error)
            return
        process_hooks.close_at_abrupt_exit()

    def _begin_to_close(self, timeout: float) -> None:
        self._notice_fork()
        queue = self._queue
        with queue.lock:
            now = self._clock()
            queue.closed = True
            queue.deadline = now + _TRYING * timeout
            self._close_by = now + timeout
            queue.wake_at = 0
            if queue.worker_token is None:
                if self._has_to_run:
                    self._start()
                else:
                    queue.abandoned = True
        queue.wakeup.set()

    def _drop_undelivered(self, under_way: Sequence[Event]) -> None:
        """Give up the queue, and these events, because the time to close is up."""
        queue = self._queue
        with queue.lock:
            queue.abandoned, queue.wake_at = True, 0
            waiting = queue.drain()
            self._sender.dequeued += len(waiting)
            lost = self._drops.give_up([*under_way, *waiting])
        if lost:
            self._drops.drop(lost, _LATE)

    def _recover(self) -> float:
        self._queue_recovered()
        return self._guarded_outbox.wait

    def _queue_recovered(self, *, at_once: bool = False) -> int:
        """Queue what dead processes have left in the outbox; how many events that is."""
        queue = self._queue
        if queue.closed:
            return 0
        events = self._guarded_outbox.recover(self._max_queue - len(queue.events), at_once=at_once)
        return queue.extend(events)

    def __repr__(self) -> str:
        state = "closed" if self.closed else "open"
        return f"<Delivery to {self._sink!r}, {state}, {self.stats.queued} queued>"
