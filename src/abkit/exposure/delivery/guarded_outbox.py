"""The outbox as the delivery uses it: errors are logged, and events fall back to memory."""

import time
from collections.abc import Callable, Sequence

from abkit.events import Event, Exposure
from abkit.exposure.insert_ids import LazyIdExposure, random_ids, with_random_id
from abkit.exposure.outbox.outbox import Outbox
from abkit.exposure.runtime.error_log import ErrorLog, attempt
from abkit.exposure.stats import DeadLetter

_RETRY_INTERVAL = 1.0
"""Seconds after a disk failure before the outbox is tried again."""

_RECOVERY_INTERVAL = 5.0
"""Seconds between two checks for events that dead processes have left."""

NEVER = float("inf")


class GuardedOutbox:
    """Saves events to an outbox, if there is one. No method raises.

    Args:
        outbox: The outbox; None: none.
        error_log: Where errors are reported.
        clock: A monotonic clock, in seconds.

    Attributes:
        unsaved: How many events are in memory only because the outbox failed.
        unreadable: How many entries, or whole files, of the outbox could not be read.
        complete: Whether the last check could read everything that dead processes have left.
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
        """Give the event an insert id and save it. Returns the event, unchanged if it cannot have an id."""
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
        """Mark the events as settled, and save the rejected ones as dead letters."""
        if self._outbox is None:
            return
        if letters:
            self._report_note(attempt(self._outbox.save_dead_letters, letters))
        self._report_note(attempt(self._outbox.settle, [event.insert_id for event in events]))

    def recover(self, room: int, *, at_once: bool = False) -> list[Event]:
        """Recover events that dead processes have left.

        Args:
            room: How many events to recover. Files are recovered whole, so there may be more.
            at_once: Check even if the last check was recent.

        Returns:
            The events; empty if there is no outbox, nothing to recover, or the last check was recent.
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
        """Seconds until the next check for events of dead processes."""
        return NEVER if self._outbox is None else max(0.0, self._recover_from - self._clock())

    def close(self) -> None:
        """Close the files, so that other processes can deliver what is left in them."""
        self._to_close = False
        if self._outbox is not None:
            self._outbox.close()

    def _report_note(self, noted: Exception | None) -> None:
        if noted is not None:
            self._error_log.report("note", "cannot write to %r: %r", self._outbox, noted)
