"""Delivery of events to a sink: they are queued at once, and sent by a worker thread."""

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
"""The share of the time to close in which sending is tried; the rest is for reporting dropped events."""

_FULL = "the queue is full"
_CLOSED = "the delivery is closed"
_LATE = "the destination did not take it before the delivery was closed"


class Delivery:
    """Queues events without blocking; a worker thread sends them in order, in batches.

    The worker is started by the first event and ends after a minute without events. A forked child has
    its own worker and queue; events that its parent had queued are sent by the parent.

    Args:
        sink: The destination.
        shared: Deduplication across processes; None: none.
        outbox: Keeps events on disk until they are delivered; None: they are in memory only.
        limits: When a batch is full; None: the sink's own limits.
        max_queue: The most events to queue; further ones are dropped. The batch in flight is not counted.
            Threads that call at the same moment may exceed it by one event each.
        backoff: How long to wait after a failure.
        on_drop: Called with each dropped event and the reason.
        exit_timeout: Seconds that delivery may take at exit if `close` was not called.
        clock: A monotonic clock, in seconds.

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
        """In a forked child: start with a new queue, new locks, files and counts."""
        if self._outbox is not None:
            self._outbox.after_fork()
        self._worker.stop()
        self._begin(closed=self._queue.closed, sink_from_parent=True)

    def accept(self, event: Event) -> bool:
        """Queue an event. If it has no insert id, it gets a random one.

        Returns:
            Whether it was queued. If not, it was dropped and counted.
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
        """Start or wake the worker; False if the delivery was closed before the event could be sent."""
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
        """Send all accepted events without waiting for a batch to fill.

        With an outbox, this includes the events that dead processes have left in it.

        Args:
            timeout: Seconds to wait.

        Returns:
            Whether all of them were delivered or rejected in time. False if the outbox cannot be read.
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
        """Deliver all accepted events, and accept no more. May be called again.

        While the destination is down, sending is retried until the time is up. Events that are still
        queued then are dropped.

        Args:
            timeout: Seconds to wait. A worker whose sink hangs is abandoned.

        Returns:
            Whether all events were delivered or rejected in time.
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
        """Whether events are no longer accepted."""
        return self._queue.closed

    @property
    def _accepted(self) -> int:
        """How many events were queued. The caller holds the lock."""
        return self._sender.dequeued + len(self._queue.events)

    @property
    def _has_to_run(self) -> bool:
        return bool(self._queue.events) or self._sender.in_flight or self._sender.has_to_close

    def _notice_fork(self) -> None:
        """Detect a fork whose hook was not run, as under uWSGI by default."""
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
        """Drop the queued events and these, because the time to close is up."""
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
        """Queue the events that dead processes have left in the outbox, and return their number."""
        queue = self._queue
        if queue.closed:
            return 0
        events = self._guarded_outbox.recover(self._max_queue - len(queue.events), at_once=at_once)
        return queue.extend(events)

    def __repr__(self) -> str:
        state = "closed" if self.closed else "open"
        return f"<Delivery to {self._sink!r}, {state}, {self.stats.queued} queued>"
