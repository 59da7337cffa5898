"""What the delivery does with an outbox: it never fails, and falls back to memory."""

import time
from collections.abc import Callable, Sequence

from abkit.events import Event, Exposure
from abkit.exposure.insert_ids import LazyIdExposure, random_ids, with_random_id
from abkit.exposure.outbox.outbox import Outbox
from abkit.exposure.runtime.error_log import ErrorLog, attempt
from abkit.exposure.stats import DeadLetter

_RETRY_INTERVAL = 1.0
"""Seconds after which a disk that has failed is tried again."""

_RECOVERY_INTERVAL = 5.0
"""Seconds between two looks for what dead processes have left."""

NEVER = float("inf")


class GuardedOutbox:
    """Keeps events in an outbox, if there is one.

    Args:
        outbox: Where to keep them; None: nowhere.
        error_log: Where to report what goes wrong.
        clock: Gives seconds that only go forward.

    Attributes:
        unsaved: How many events are in memory only because the outbox failed.
        unreadable: How many entries, or whole files, of the outbox could not be read.
        complete: Whether the last look at what dead processes have left could read all of it.
    """

    def __init__(
        self,
        outbox: Outbox | None,
        error_log: ErrorLog,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outbox = outbox
        self._error_log = error_log
        self._clock = clock
        self._save_from = 0.0
        self._recover_from = 0.0
        self._to_close = False
        self.unsaved: int = 0
        self.unreadable: int = 0
        self.complete: bool = True

    @property
    def has_to_close(self) -> bool:
        """Whether files are open."""
        return self._to_close

    def save(self, event: Event) -> Event:
        """Name the event and write it down; if that is impossible, the event as it is."""
        outbox = self._outbox
        if outbox is None:
            return event
        # An event that cannot be named is set aside later, by the delivery's thread.
        name = attempt(with_random_id, event, random_ids())
        if isinstance(name, Exception):
            return event
        if isinstance(name, LazyIdExposure):
            name = Exposure(*name)  # Its insert id will be asked for again and again.
        if self._clock() >= self._save_from:
            failure = attempt(outbox.save, name)
            self._to_close = True
            if failure is None:
                return name
            if isinstance(failure, OSError):
                self._save_from = self._clock() + _RETRY_INTERVAL
            self._error_log.report(
                "outbox", "an event is kept in memory only, not in %r: %s", outbox, failure
            )
        self.unsaved += 1
        return name

    def on_disk(self, events: Sequence[Event]) -> set[str]:
        """The insert ids of those of the events that another process can deliver."""
        if self._outbox is None:
            return set()
        return self._outbox.on_disk(getattr(event, "insert_id", "") for event in events)

    def settle(self, events: Sequence[Event], letters: Sequence[DeadLetter] = ()) -> None:
        """Note that the events need not be sent any more, and keep those that were rejected."""
        if self._outbox is None:
            return
        if letters:
            self._report_note(attempt(self._outbox.save_dead_letters, letters))
        self._report_note(attempt(self._outbox.settle, [event.insert_id for event in events]))

    def recover(self, room: int, *, at_once: bool = False) -> list[Event]:
        """Take over what dead processes have left.

        Args:
            room: How many events to take, at least: a file is taken as a whole.
            at_once: Although the last look was not long ago.

        Returns:
            The events; none if there is no outbox, nothing to take, or it is too early.
        """
        events: list[Event] = []
        if self._outbox is None or not (at_once or self._clock() >= self._recover_from):
            return events
        self._recover_from = self._clock() + _RECOVERY_INTERVAL
        self._forget_removed_files(self._outbox)
        self.complete = True
        while len(events) < room:
            recovered = attempt(self._outbox.recover)
            if isinstance(recovered, Exception):
                text = "cannot read what is left in %r: %r"
                self._error_log.report("recover", text, self._outbox, recovered)
                self.complete = False
                break
            self.complete = recovered.complete
            if recovered.unreadable:
                self.unreadable += recovered.unreadable
                text = "%d entries or files of %r cannot be read"
                self._error_log.report("unreadable", text, recovered.unreadable, self._outbox)
            if not recovered.events:
                break
            self._to_close = True
            events += recovered.events
        return events

    def _forget_removed_files(self, outbox: Outbox) -> None:
        removed = outbox.forget_removed_files()
        if removed:
            self.unsaved += removed
            text = "%d events are in memory only: somebody has removed their files from %r"
            self._error_log.report("removed", text, removed, outbox)

    @property
    def wait(self) -> float:
        """Seconds after which to look for what dead processes have left."""
        return NEVER if self._outbox is None else max(0.0, self._recover_from - self._clock())

    def close(self) -> None:
        """Let go of the files, so that other processes can deliver what is left in them."""
        self._to_close = False
        if self._outbox is not None:
            self._outbox.close()

    def _report_note(self, noted: Exception | None) -> None:
        if noted is not None:
            self._error_log.report("note", "cannot write to %r: %r", self._outbox, noted)
