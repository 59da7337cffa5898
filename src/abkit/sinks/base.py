"""What a sink must keep, and what it may answer.

A sink is synchronous and does one thing: it sends the events it is given, once, and reports what
happened. It does not retry, batch or start threads; `abkit.exposure.delivery` does. It is called by
one thread at a time, not always by the same one.
"""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from attrs import field, frozen

from abkit.events import Event


@frozen
class Retry:
    """The destination did not take the events, but may take them later.

    Attributes:
        after: Seconds that the destination asked to wait; None: the delivery decides.
        reason: What the destination said, for the log.
        smaller: The batch was too large; half of it may pass.
    """

    after: float | None = None
    reason: str = ""
    smaller: bool = False


def _tuple(events: Sequence[Event]) -> tuple[Event, ...]:
    return tuple(events)


@frozen
class Rejected:
    """The destination will never take these events; they are set aside.

    Attributes:
        events: Those of the batch that were refused.
        why: What the destination said.
        retry: None if it took all other events of the batch; otherwise they are sent again.
    """

    events: Sequence[Event] = field(converter=_tuple)
    why: str
    retry: Retry | None = None


Outcome: TypeAlias = Retry | Rejected | None
"""None: the destination has taken the whole batch."""


@frozen(kw_only=True)
class BatchLimits:
    """When a batch is full. Whichever limit is reached first closes it.

    Attributes:
        count: Events.
        size: Approximate size of the events, in bytes.
        age: Seconds that an event waits for others at most.
    """

    count: int = 2_000
    size: int = 1_000_000
    age: float = 1.0


class Sink(Protocol):
    """A destination of events.

    A sink may have, besides, a method `close()`, called once after the last batch, and an attribute
    `limits` with the `BatchLimits` that suit the destination. It sets itself a timeout. Because the
    process may be forked at any time, it imports what it needs in its constructor, not in `send`, and
    opens a new connection when `os.getpid()` has changed.
    """

    def send(self, events: Sequence[Event], /) -> Outcome:
        """Hand the events to the destination.

        Args:
            events: Exposures and actions, each with its `insert_id`; possibly none. The same events
                may come again: a destination that can, ignores the insert ids that it has seen.

        Returns:
            None once the destination has taken all of them; otherwise what became of them. An exception
            counts as a `Retry`; one that is not an OSError also casts doubt on the events: the batch is
            divided, and an event that fails alone while others pass is set aside.
        """
        ...
