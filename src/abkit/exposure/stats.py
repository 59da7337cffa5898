"""What became of the events so far."""

from attrs import frozen

from abkit.events import Event


@frozen(kw_only=True)
class Stats:
    """A snapshot. A forked child counts from 0.

    `accepted` is always `delivered` + `rejected` + `elsewhere` + `queued` + `left` + those of `dropped`
    that had been accepted.

    Attributes:
        accepted: Events taken for delivery.
        deduplicated: Exposures that were no news. Those that were not even made because `has_seen` said so
            are not among them; a manager asks it only for a dedup store of the application's own.
        elsewhere: Those of `deduplicated` that had been accepted: another process had sent them.
        delivered: Events that the destination has taken.
        retried: Times that sending a batch has failed for now.
        rejected: Events that the destination will never take.
        dropped: Events lost: the queue was full, or the delivery was closed before they got through.
        queued: Events not yet delivered.
        left: Events left in the outbox when the delivery was closed; another process delivers them.
        unshared: Exposures sent without asking the shared store, because it failed.
        unsaved: Events in memory only, because the outbox failed or its files were removed.
        unreadable: Entries, and whole files, that were found in the outbox and cannot be read.
        failed: Calls that could not be served because of an error.
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
    """An event that the destination will never take.

    Attributes:
        event: The event.
        why: What the destination said.
    """

    event: Event
    why: str
