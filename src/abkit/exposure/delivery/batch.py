"""Events that are sent together."""

from collections.abc import Mapping

from attrs import frozen

from abkit.events import Event

FIXED_SIZE = 300
"""Bytes of an event without properties, roughly."""

_NUMBER_SIZE = 16


@frozen
class Batch:
    """Events on their way.

    Attributes:
        first: The position of the first event among all that were accepted, from 0.
        events: In the order in which they were accepted; each has its insert id.
        raised: How many times in a row sending exactly these raised an error that may be their fault.
        delivered_before: How many events had been delivered when an event that is alone first failed.
        contested: How many times in a row another process was found to be sending these.
    """

    first: int
    events: tuple[Event, ...]
    raised: int = 0
    delivered_before: int = 0
    contested: int = 0

    @property
    def stubborn(self) -> bool:
        """Whether this is one event that fails by itself, and should let others pass."""
        return len(self.events) == 1 and self.raised >= 3

    @property
    def lets_others_pass(self) -> bool:
        """Whether this should not hold up what comes next."""
        return self.stubborn or self.contested > 0

    def halves(self) -> tuple["Batch", "Batch"]:
        """The batch as two; for at least two events."""
        middle = len(self.events) // 2
        return (
            Batch(self.first, self.events[:middle]),
            Batch(self.first + middle, self.events[middle:]),
        )


def approximate_size(event: Event) -> int:
    """Bytes that the event will take, roughly: a limit on batches, no more. Groups are but a few ids."""
    properties = getattr(event, "properties", None)  # An identity has none.
    return FIXED_SIZE + _size_of(properties, 0) if properties else FIXED_SIZE


def grown(count: int, limit: int) -> int:
    """The count of a batch after one of that count has passed, where larger ones did not before."""
    return min(limit, count + max(1, count // 8))


def _size_of(value: object, depth: int) -> int:
    if type(value) is str:  # Nearly all are; isinstance() would take longer than the rest.
        return len(value) + 4
    if isinstance(value, str | bytes):
        return len(value)
    if depth < 4:
        if type(value) is dict or isinstance(value, Mapping):
            return sum(_size_of(k, depth) + _size_of(v, depth + 1) for k, v in value.items())
        if isinstance(value, list | tuple | set | frozenset):
            return sum(_size_of(item, depth + 1) for item in value)
    return _NUMBER_SIZE
