"""The worker thread: wait for a batch, send it, back off after a failure, end when idle or closed."""

import threading
from collections.abc import Callable, Sequence
from contextvars import ContextVar

from abkit.events import Event
from abkit.exposure.delivery.batch_sender import BatchSender
from abkit.exposure.delivery.event_queue import NEVER, EventQueue
from abkit.exposure.delivery.linger import Linger
from abkit.exposure.delivery.send_result import SendResult
from abkit.exposure.runtime.backoff import Backoff, before_deadline
from abkit.exposure.runtime.error_log import ErrorLog, attempt

# Not threading.current_thread(), which is another one as soon as the program is monkey-patched.
_current_worker: ContextVar["Worker | None"] = ContextVar("abkit_current_worker", default=None)


class Worker:
    """Takes events from the queue and sends them to the sink.

    Args:
        queue: The queued events.
        sender: Sends batches.
        linger: How long to wait for a batch to fill.
        backoff: How long to wait after a failure.
        clock: A monotonic clock, in seconds.
        error_log: Where errors are reported.
        drop: Called with the events that could not be sent before the end.
        recover: Queues events of dead processes; returns the seconds until the next check.
    """

    def __init__(
        self,
        queue: EventQueue,
        sender: BatchSender,
        *,
        linger: Linger,
        backoff: Backoff,
        clock: Callable[[], float],
        error_log: ErrorLog,
        drop: Callable[[Sequence[Event]], None],
        recover: Callable[[], float],
    ) -> None:
        self._queue = queue
        self._sender = sender
        self._linger = linger
        self._backoff = backoff
        self._clock = clock
        self._error_log = error_log
        self._drop_undelivered = drop
        self._recover = recover
        self._stopped = False

    def stop(self) -> None:
        """Send no more. Needed in a forked child, where greenlets of gevent and eventlet go on running."""
        self._stopped = True

    @property
    def is_current(self) -> bool:
        """Whether the caller runs inside this worker: a sink or a callback."""
        return _current_worker.get() is self

    def run(self, token: object) -> None:
        """Send batches until there is nothing more to do.

        Args:
            token: Identifies this thread in `EventQueue.worker_token`.
        """
        queue, sender = self._queue, self._sender
        before = _current_worker.set(self)
        wakeup, ident = queue.wakeup, threading.get_ident()
        try:
            while self._next():
                if not sender.in_flight:
                    continue  # All events of the batch were malformed.
                result = sender.send()
                with queue.lock:
                    sender.settle(result)
                self._report(result)
                if result.waits:
                    self._pause(result.after)
            if queue.closed and not self._stopped:
                self._end()
        finally:
            with queue.lock:
                if queue.worker_token is token:
                    queue.worker_token = None
                    queue.wake_at = 1
            _current_worker.reset(before)
        if self._stopped or threading.get_ident() != ident:
            # This is a greenlet in a forked child, or a thread from before the program was monkey-patched:
            # `threading` knows it no more, and would end it with a traceback.
            wakeup.sleep_for_ever()

    def _next(self) -> bool:
        """Wait until a batch is in flight; False if there is nothing more to do."""
        queue, sender = self._queue, self._sender
        while True:
            if self._stopped:
                return False
            look_again = self._recover()
            with queue.lock:
                now = self._clock()
                queue.wake_at = 1  # Before looking: see EventQueue.
                queued = len(queue.events)
                if queue.closed and (now >= queue.deadline or not (queued or sender.in_flight)):
                    return False
                if sender.in_flight and not (queued and sender.wants_more):
                    queue.wake_at = NEVER
                    return True
                urgent = queue.closed or queue.flush_to > sender.dequeued or sender.in_flight
                enough = 1 if urgent else sender.count
                wait = self._linger.wait(queued, enough=enough, now=now)
                if wait is None:
                    queue.worker_token = (
                        None  # Under the lock: the next event starts another thread.
                    )
                    return False
                if wait == 0:
                    self._linger.restart(now)
                    queue.wake_at = NEVER
                    malformed = sender.dequeue(queue.events)
                    break
                queue.wake_at = enough if queued else 1
            queue.wakeup.wait(min(wait, look_again))
        if malformed:
            self._error_log.report("malformed", "set aside an event: %s", malformed[0].why)
        return True

    def _pause(self, after: float | None) -> None:
        """Back off after a failure. Closing and flushing cut it short, unless the sink asked to wait."""
        queue = self._queue
        delay = self._backoff.delay(self._sender.failures, after=after)
        closing, flush_to = queue.closed, queue.flush_to
        now = self._clock()
        end = now + (self._hurry(delay, now, after) if closing else delay)
        while (left := end - self._clock()) > 0:
            queue.wakeup.wait(left)
            if after is None and (queue.closed > closing or queue.flush_to > flush_to):
                return
            if queue.closed and not closing:
                closing = True
                now = self._clock()
                end = now + self._hurry(end - now, now, after)

    def _hurry(self, delay: float, now: float, after: float | None) -> float:
        left = self._queue.deadline - now
        return before_deadline(delay, left=left, demanded=after is not None)

    def _report(self, result: SendResult) -> None:
        if result.failed:
            self._error_log.report("retry", "the sink failed and is tried again: %s", result.why)
        elif result.delivered:
            self._error_log.resolved("retry", "the sink works again")
        if result.rejected:
            self._error_log.report(
                "rejected",
                "the sink rejected %d events: %s",
                len(result.rejected),
                result.why,
            )

    def _end(self) -> None:
        with self._queue.lock:
            late = self._sender.abandon()
        self._drop_undelivered(late)
        self._sender.release(late)
        closed = attempt(self._sender.close)
        if isinstance(closed, Exception):
            self._error_log.report("close", "the sink failed to close: %r", closed)
