"""The interface of a sink, and the results that it can return.

A sink is synchronous and does one thing: it sends the events that it is given, once, and reports what
happened. It does not retry, batch or start threads; `abkit.exposure.delivery` does. Only one thread at a
time calls it, but not always the same one.
"""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from attrs import field, frozen

from abkit.events import Event


@frozen
class Retry:
    """The destination did not accept the events, but may accept them later.

    Attributes:
        after: Seconds that the destination asked to wait; None: the default backoff.
        reason: What the destination said, for the log.
        smaller: The batch was too large; half of it may be accepted.
    """

    after: float | None = None
    reason: str = ""
    smaller: bool = False


def _tuple(events: Sequence[Event]) -> tuple[Event, ...]:
    return tuple(events)


@frozen
class Rejected:
    """The destination will never accept these events; they become dead letters.

    Attributes:
        events: The refused events of the batch.
        why: What the destination said.
        retry: None if all other events of the batch were accepted; otherwise they are sent again.
    """

    events: Sequence[Event] = field(converter=_tuple)
    why: str
    retry: Retry | None = None


Outcome: TypeAlias = Retry | Rejected | None
"""None: the destination has accepted the whole batch."""


@frozen(kw_only=True)
class BatchLimits:
    """When a batch is full: when it reaches the first of these limits.

    Attributes:
        count: The number of events.
        size: The approximate size of the events, in bytes.
        age: The maximum time that an event waits for others, in seconds.
    """

    count: int = 2_000
    size: int = 1_000_000
    age: float = 1.0


class Sink(Protocol):
    """A destination of events.

    A sink may also have a method `close()`, which is called once after the last batch, and an attribute
    `limits` with the `BatchLimits` that suit the destination. It sets its own timeout. Because the
    process may be forked at any time, it imports its dependencies in its constructor, not in `send`, and
    opens a new connection when `os.getpid()` has changed.
    """

    def send(self, events: Sequence[Event], /) -> Outcome:
        """Send the events to the destination.

        Args:
            events: Exposures, actions and identities, each with its `insert_id`; possibly none. The same ones
                may be sent again: if the destination can, it should ignore insert ids that it has seen.

        Returns:
            None once the destination has accepted all of them; otherwise what happened. An exception
            counts as a `Retry`. If it is not an OSError, an event may be the cause: the batch is
            split, and an event that fails alone while others succeed becomes a dead letter.
        """
        ...
