"""The shared deduplication store as the delivery uses it: if it fails, every exposure is sent."""

import time
from collections.abc import Callable, Sequence

from attrs import frozen

from abkit.events import Action, Event
from abkit.exposure.dedup.shared import Claim, SharedDedup
from abkit.exposure.runtime.error_log import ErrorLog, attempt

_RETRY_INTERVAL = 5.0
"""Seconds after a failure before the store is used again."""


@frozen
class ClaimedEvents:
    """The events of a batch, divided by what is to be done with them.

    Attributes:
        mine: To be sent now.
        sent: Another process has sent them.
        contested: Another process may be sending them.
    """

    mine: tuple[Event, ...]
    sent: tuple[Event, ...] = ()
    contested: tuple[Event, ...] = ()


class GuardedDedup:
    """Claims exposures in a shared store, if there is one and it works. No method raises.

    Args:
        store: The store; None: every exposure is to be sent.
        error_log: Where errors are reported.
        clock: A monotonic clock, in seconds.

    Attributes:
        unshared: How many exposures were sent without asking the store because it failed.
    """

    def __init__(
        self,
        store: SharedDedup | None,
        error_log: ErrorLog,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._error_log = error_log
        self._clock = clock
        self._ask_from = 0.0
        self._claimed: set[str] = set()
        self.unshared: int = 0

    def claim(self, events: tuple[Event, ...]) -> ClaimedEvents:
        """Claim the exposures and identities among the events. Actions are always to be sent."""
        if self._store is None:
            return ClaimedEvents(events)
        named = [event.insert_id for event in events if not isinstance(event, Action)]
        if not named:
            return ClaimedEvents(events)
        if self._clock() < self._ask_from:
            self.unshared += len(named)
            return ClaimedEvents(events)
        claims = attempt(self._store.claim, named)
        if not isinstance(claims, Exception) and len(claims) != len(named):
            claims = ValueError(f"{len(claims)} answers to {len(named)} questions")
        if isinstance(claims, Exception):
            self._failed(claims)
            self.unshared += len(named)
            return ClaimedEvents(events)
        self._error_log.resolved("shared", "%r works again", self._store)
        answers = dict(zip(named, claims, strict=True))
        self._claimed.update(name for name, claim in answers.items() if claim is Claim.MINE)
        divided: dict[Claim, list[Event]] = {claim: [] for claim in Claim}
        for event in events:
            divided[answers.get(event.insert_id, Claim.MINE)].append(event)
        return ClaimedEvents(
            tuple(divided[Claim.MINE]),
            tuple(divided[Claim.SENT]),
            tuple(divided[Claim.CONTESTED]),
        )

    def settle(self, *, sent: Sequence[Event], given_back: Sequence[Event]) -> None:
        """Settle claims in the store. Events that were not claimed are ignored."""
        if self._store is None:
            return
        names = [[event.insert_id for event in events] for events in (sent, given_back)]
        delivered, refused = ([name for name in ids if name in self._claimed] for ids in names)
        self._claimed.difference_update(delivered, refused)
        if not (delivered or refused) or self._clock() < self._ask_from:
            return  # Claims end by themselves.
        failure = attempt(self._store.settle, sent=delivered, given_back=refused)
        if isinstance(failure, Exception):
            self._failed(failure)

    def _failed(self, error: Exception) -> None:
        self._ask_from = self._clock() + _RETRY_INTERVAL
        self._error_log.report(
            "shared",
            "%r failed; this process deduplicates by itself: %r",
            self._store,
            error,
        )
