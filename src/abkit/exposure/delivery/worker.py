"""What the delivery's thread does: wait for a batch, send it, wait after a failure, end."""

import threading
from collections.abc import Callable, Sequence
from contextvars import ContextVar

from abkit.events import Event
from abkit.exposure.delivery.batch_sender import Dispatch
from abkit.exposure.delivery.event_queue import NEVER, Mailbox
from abkit.exposure.delivery.linger import Patience
from abkit.exposure.delivery.send_result import Judgement
from abkit.exposure.runtime.backoff import Backoff, before_deadline
from abkit.exposure.runtime.error_log import Incidents, attempt

# Not threading.current_thread(), which is another one as soon as the program is monkey-patched.
_carrying: ContextVar["Courier | None"] = ContextVar("abkit_carrying", default=None)


class Courier:
    """Carries events from the mailbox to the sink.

    Args:
        mailbox: Where the events are.
        dispatch: What sends them.
        patience: How long to wait for a batch to fill.
        backoff: How long to wait after a failure.
        clock: Gives seconds that only go forward.
        incidents: Where to report what goes wrong.
        lose: Is told of events that could not be sent before the end.
        adopt: Queues what dead processes have left; gives the seconds after which to look again.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        dispatch: Dispatch,
        *,
        patience: Patience,
        backoff: Backoff,
        clock: Callable[[], float],
        incidents: Incidents,
        lose: Callable[[Sequence[Event]], None],
        adopt: Callable[[], float],
    ) -> None:
        self._mailbox = mailbox
        self._dispatch = dispatch
        self._patience = patience
        self._backoff = backoff
        self._clock = clock
        self._incidents = incidents
        self._lose = lose
        self._adopt = adopt
        self._dismissed = False

    def dismiss(self) -> None:
        """Carry no more: in a forked child, where the greenlets of gevent and eventlet live on."""
        self._dismissed = True

    @property
    def runs_here(self) -> bool:
        """Whether this is asked by what the courier calls: a sink, or a callback."""
        return _carrying.get() is self

    def run(self, shift: object) -> None:
        """Carry until there is nothing more to do.

        Args:
            shift: What the mailbox calls this thread.
        """
        mailbox, dispatch = self._mailbox, self._dispatch
        before = _carrying.set(self)
        bell, ident = mailbox.bell, threading.get_ident()
        try:
            while self._next():
                if not dispatch.busy:
                    continue  # Nothing that was taken could be sent.
                judgement = dispatch.send()
                with mailbox.lock:
                    dispatch.settle(judgement)
                self._report(judgement)
                if judgement.waits:
                    self._pause(judgement.after)
            if mailbox.closed and not self._dismissed:
                self._end()
        finally:
            with mailbox.lock:
                if mailbox.shift is shift:
                    mailbox.shift = None
                    mailbox.wake_at = 1
            _carrying.reset(before)
        if self._dismissed or threading.get_ident() != ident:
            # This is a greenlet in a forked child, or a thread from before the program was monkey-patched:
            # `threading` knows it no more, and would end it with a traceback.
            bell.sleep_for_ever()

    def _next(self) -> bool:
        """Wait until a batch is on its way; False if there is nothing more to do."""
        mailbox, dispatch = self._mailbox, self._dispatch
        while True:
            if self._dismissed:
                return False
            look_again = self._adopt()
            with mailbox.lock:
                now = self._clock()
                mailbox.wake_at = 1  # Before looking: see Mailbox.
                queued = len(mailbox.queue)
                if mailbox.closed and (now >= mailbox.deadline or not (queued or dispatch.busy)):
                    return False
                if dispatch.busy and not (queued and dispatch.wants_more):
                    mailbox.wake_at = NEVER
                    return True
                urgent = mailbox.closed or mailbox.flush_to > dispatch.taken or dispatch.busy
                enough = 1 if urgent else dispatch.count
                wait = self._patience.wait(queued, enough=enough, now=now)
                if wait is None:
                    mailbox.shift = None  # Under the lock: the next event starts another thread.
                    return False
                if wait == 0:
                    self._patience.took(now)
                    mailbox.wake_at = NEVER
                    malformed = dispatch.take(mailbox.queue)
                    break
                mailbox.wake_at = enough if queued else 1
            mailbox.bell.wait(min(wait, look_again))
        if malformed:
            self._incidents.report("malformed", "set aside an event: %s", malformed[0].why)
        return True

    def _pause(self, after: float | None) -> None:
        """Wait after a failure; but let closing and flushing hurry, unless the sink asked to wait."""
        mailbox = self._mailbox
        delay = self._backoff.delay(self._dispatch.failures, after=after)
        closing, flush_to = mailbox.closed, mailbox.flush_to
        now = self._clock()
        end = now + (self._hurry(delay, now, after) if closing else delay)
        while (left := end - self._clock()) > 0:
            mailbox.bell.wait(left)
            if after is None and (mailbox.closed > closing or mailbox.flush_to > flush_to):
                return
            if mailbox.closed and not closing:
                closing = True
                now = self._clock()
                end = now + self._hurry(end - now, now, after)

    def _hurry(self, delay: float, now: float, after: float | None) -> float:
        left = self._mailbox.deadline - now
        return before_deadline(delay, left=left, demanded=after is not None)

    def _report(self, judgement: Judgement) -> None:
        if judgement.failed:
            self._incidents.report("retry", "the sink failed and is tried again: %s", judgement.why)
        elif judgement.delivered:
            self._incidents.over("retry", "the sink works again")
        if judgement.rejected:
            self._incidents.report(
                "rejected",
                "the sink rejected %d events: %s",
                len(judgement.rejected),
                judgement.why,
            )

    def _end(self) -> None:
        with self._mailbox.lock:
            late = self._dispatch.abandon()
        self._lose(late)
        self._dispatch.give_back(late)
        closed = attempt(self._dispatch.close)
        if isinstance(closed, Exception):
            self._incidents.report("close", "the sink failed to close: %r", closed)
