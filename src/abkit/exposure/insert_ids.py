"""Exposures whose insert id is worked out when somebody asks for it: not all destinations do."""

from collections.abc import Iterable, Iterator
from itertools import count
from operator import attrgetter
from typing import Any
from uuid import uuid4

from abkit.events import Event, Exposure, Variant
from abkit.sinks.records import insert_id

Mark = tuple[float, Variant, int]
"""What a name follows from besides the exposure: window, variant, and number of changes before."""


_NAME = Exposure._fields.index("insert_id")


class LazyIdExposure(Exposure):
    """An exposure that was accepted: an `Exposure` in all respects.

    Where the insert id would be stored there may be its `Mark` instead; nobody who reads it can tell.
    """

    __slots__ = ()

    @property
    def insert_id(self) -> str:
        """Names this event for ever."""
        name: Any = tuple.__getitem__(self, _NAME)
        if isinstance(name, str):
            return name
        window, _, ordinal = name
        return insert_id(self, window=int(window), ordinal=ordinal)

    def __iter__(self) -> Iterator[Any]:
        before, after = slice(_NAME), slice(_NAME + 1, None)
        parts = tuple.__getitem__
        return iter((*parts(self, before), self.insert_id, *parts(self, after)))

    def __getitem__(self, index: Any) -> Any:
        return tuple(self)[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, tuple) and tuple(self) == tuple(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(Exposure(*self))


def with_lazy_id(exposure: Exposure, mark: Mark) -> Exposure:
    """The exposure with its insert id: its own, or the one that follows from the mark.

    Raises:
        TypeError: It has a part that is no text, so that it cannot be named.
    """
    if exposure.insert_id:
        return exposure
    "".join(exposure[:4])  # The texts that its name is made of.
    return tuple.__new__(LazyIdExposure, (*exposure[:_NAME], mark, *exposure[_NAME + 1 :]))


def random_ids() -> Iterator[str]:
    """Names that no other event has: they are counted from a random one on.

    Each random one gives up the interpreter for a moment, which takes long to come back where many
    threads compute.
    """
    for number in count(uuid4().int):
        yield f"{number:032x}"


def with_random_id(event: Event, names: Iterator[str]) -> Event:
    """The event with an insert id: its own, or the next of the names."""
    return event if event.insert_id else event._replace(insert_id=next(names))


def are_plain(events: Iterable[object]) -> bool:
    """Whether all of these are exposures that were accepted, without properties."""
    return _ONLY_LAZY_IDS(map(type, events)) and not any(map(_properties, events))


_ONLY_LAZY_IDS = frozenset({LazyIdExposure}).issuperset
_properties = attrgetter("properties")
