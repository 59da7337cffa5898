"""Counts of what became of events, and rejected events."""

from attrs import frozen

from abkit.events import Event


@frozen(kw_only=True)
class Stats:
    """A snapshot of the counts. A forked child counts from 0.

    `accepted` is always `delivered` + `rejected` + `elsewhere` + `queued` + `left` + those of `dropped`
    that had been accepted.

    Attributes:
        accepted: Events queued for delivery.
        deduplicated: Duplicate exposures. Exposures that were not made because `has_seen` was true are not
            counted; a manager calls it only for a deduplication store of the application's own.
        elsewhere: Of `deduplicated`, those that were accepted first, and that another process had sent.
        delivered: Events that the destination has accepted.
        retried: How many times sending a batch failed and was to be retried.
        rejected: Events that the destination will never accept.
        dropped: Events lost because the queue was full, or because they were not delivered before closing.
        queued: Events not yet delivered.
        left: Events left in the outbox when the delivery was closed; another process delivers them.
        unshared: Exposures sent without deduplication across processes, because the shared store failed.
        unsaved: Events in memory only, because the outbox failed or its files were removed.
        unreadable: Entries, or whole files, of the outbox that cannot be read.
        failed: Calls that failed because of an error.
    """

    accepted: int = 0
    deduplicated: int = 0
    elsewhere: int = 0
    delivered: int = 0
    retried: int = 0
    rejected: int = 0
    dropped: int = 0
    queued: int = 0
    left: int = 0
    unshared: int = 0
    unsaved: int = 0
    unreadable: int = 0
    failed: int = 0


@frozen
class DeadLetter:
    """An event that the destination has rejected.

    Attributes:
        event: The event.
        why: The reason that the destination gave.
    """

    event: Event
    why: str
