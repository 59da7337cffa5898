"""From the request to the sink: takes events at once, and lets a thread deliver them."""

import threading
import time
from collections.abc import Callable, Sequence

from abkit.errors import DeliveryError
from abkit.events import Event
from abkit.exposure.dedup.shared import SharedDedup
from abkit.exposure.delivery.batch_sender import Dispatch
from abkit.exposure.delivery.drop_reports import Losses, OnDrop
from abkit.exposure.delivery.event_queue import NEVER, Mailbox
from abkit.exposure.delivery.guarded_dedup import Sharing
from abkit.exposure.delivery.guarded_outbox import Keeping
from abkit.exposure.delivery.linger import Patience
from abkit.exposure.delivery.worker import Courier
from abkit.exposure.outbox.outbox import Outbox
from abkit.exposure.runtime import process_hooks as lifecycle
from abkit.exposure.runtime.backoff import Backoff
from abkit.exposure.runtime.error_log import Incidents
from abkit.exposure.runtime.wakeup import Bell
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
        self._begin(closed=False, inherited=False)
        lifecycle.renew_after_fork(self)
        lifecycle.close_at_exit(self)

    def _begin(self, *, closed: bool, inherited: bool) -> None:
        self._noticing = threading.RLock()  # A fork may come while another thread holds it.
        self._mailbox = Mailbox(closed=closed)
        self._incidents = Incidents()
        self._keeping = Keeping(self._outbox, self._incidents)
        self._losses = Losses(self._on_drop, self._incidents, self._keeping)
        self._dispatch = Dispatch(
            self._sink,
            self._limits,
            self._incidents,
            sharing=Sharing(self._shared, self._incidents),
            keeping=self._keeping,
            inherited=inherited,
        )
        self._close_by = NEVER
        self._courier = Courier(
            self._mailbox,
            self._dispatch,
            patience=Patience(self._limits.age),
            backoff=self._backoff,
            clock=self._clock,
            incidents=self._incidents,
            lose=self._lose,
            adopt=self._adopt,
        )
        self._is_this_process = lifecycle.sign_of_this_process()

    def after_fork(self) -> None:
        """In a forked child: begin with a queue, locks, files and counts of one's own."""
        if self._outbox is not None:
            self._outbox.after_fork()
        self._courier.dismiss()
        self._begin(closed=self._mailbox.closed, inherited=True)

    def accept(self, event: Event) -> bool:
        """Take an event for delivery; it is given a random insert id if it has none.

        Returns:
            Whether it was taken; if not, it was dropped and counted.
        """
        if not self._is_this_process[0]:
            self._notice_fork()
        mailbox = self._mailbox
        queue = mailbox.queue
        if mailbox.closed or len(queue) >= self._max_queue:
            self._losses.lose((event,), _CLOSED if mailbox.closed else _FULL)
            return False
        if self._outbox is not None:
            # Before it is queued: whoever delivers it, settles it.
            event = self._keeping.keep(event)
        # Without a lock, which would take longer than all the rest: appending is one step.
        queue.append(event)
        return len(queue) < mailbox.wake_at or self._tell_thread(event)

    def _tell_thread(self, event: Event) -> bool:
        """See to it that the queue is looked after; False if the event came too late for that."""
        mailbox = self._mailbox
        with mailbox.lock:
            if mailbox.shift is None and not mailbox.closed:
                self._start()
            if mailbox.shift is not None and len(mailbox.queue) >= mailbox.wake_at:
                mailbox.wake_at = NEVER
                mailbox.bell.ring()
            if not mailbox.abandoned or not mailbox.take_back(event):
                return True
        self._keeping.settle((event,))
        self._losses.lose((event,), _CLOSED)
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
            adopted = self._take_over(at_once=True)
            if not self._flush(max(0.0, end - self._clock())):
                return False
            if not adopted:
                return self._keeping.complete

    def _flush(self, timeout: float) -> bool:
        mailbox, dispatch = self._mailbox, self._dispatch
        with mailbox.lock:
            target = self._accepted
            if not dispatch.is_settled(target):
                if self._courier.runs_here:
                    return False  # A sink that flushes would wait for itself.
                mailbox.flush_to = target
                if mailbox.shift is None:
                    self._start()
                mailbox.bell.ring()
        settled = mailbox.wait_until(lambda: dispatch.is_settled(target), timeout)
        return settled and not self._losses.late

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
        mailbox = self._mailbox
        if self._courier.runs_here:
            return False
        left = max(0.0, self._close_by - self._clock())
        if not mailbox.wait_until(lambda: mailbox.shift is None, left):
            self._lose(())
        elif self._has_to_run:
            self._courier.run(
                None
            )  # No thread could be started; at the end of the program none can.
        with mailbox.lock:
            return self._dispatch.is_settled(self._accepted) and not self._losses.late

    @property
    def stats(self) -> Stats:
        """What became of the events so far."""
        with self._mailbox.lock:
            return self._dispatch.stats(self._accepted, self._losses)

    @property
    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """The last thousand events that were rejected."""
        with self._mailbox.lock:
            return tuple(self._dispatch.dead_letters)

    @property
    def closed(self) -> bool:
        """Whether no more events are taken."""
        return self._mailbox.closed

    @property
    def _accepted(self) -> int:
        """How many events were put into the queue; to be asked under the lock."""
        return self._dispatch.taken + len(self._mailbox.queue)

    @property
    def _has_to_run(self) -> bool:
        return bool(self._mailbox.queue) or self._dispatch.busy or self._dispatch.has_to_close

    def _notice_fork(self) -> None:
        """Make up for the hook, which some servers do not run (uWSGI, unless told to)."""
        with self._noticing:
            if not self._is_this_process[0]:
                self.after_fork()

    def _start(self) -> None:
        """Start the thread; to be called under the lock."""
        mailbox = self._mailbox
        mailbox.bell = Bell()
        # Before it is started: starting it may let others run, under gevent, and be interrupted by a signal.
        mailbox.shift = shift = object()
        thread = threading.Thread(
            target=self._courier.run, args=(shift,), name="abkit-delivery", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:
            mailbox.shift = None
            if not mailbox.closed:  # Who closes does what the thread would do.
                text = "the delivery has no thread; events wait: %s"
                self._incidents.report("thread", text, error)
            return
        lifecycle.close_at_abrupt_end()

    def _begin_to_close(self, timeout: float) -> None:
        self._notice_fork()
        mailbox = self._mailbox
        with mailbox.lock:
            now = self._clock()
            mailbox.closed = True
            mailbox.deadline = now + _TRYING * timeout
            self._close_by = now + timeout
            mailbox.wake_at = 0
            if mailbox.shift is None:
                if self._has_to_run:
                    self._start()
                else:
                    mailbox.abandoned = True
        mailbox.bell.ring()

    def _lose(self, under_way: Sequence[Event]) -> None:
        """Give up the queue, and these events, because the time to close is up."""
        mailbox = self._mailbox
        with mailbox.lock:
            mailbox.abandoned, mailbox.wake_at = True, 0
            waiting = mailbox.empty()
            self._dispatch.taken += len(waiting)
            lost = self._losses.too_late([*under_way, *waiting])
        if lost:
            self._losses.lose(lost, _LATE)

    def _adopt(self) -> float:
        self._take_over()
        return self._keeping.wait

    def _take_over(self, *, at_once: bool = False) -> int:
        """Queue what dead processes have left in the outbox; how many events that is."""
        mailbox = self._mailbox
        if mailbox.closed:
            return 0
        events = self._keeping.adopt(self._max_queue - len(mailbox.queue), at_once=at_once)
        return mailbox.put(events)

    def __repr__(self) -> str:
        state = "closed" if self.closed else "open"
        return f"<Delivery to {self._sink!r}, {state}, {self.stats.queued} queued>"
