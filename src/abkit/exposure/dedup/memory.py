"""Deduplication within one process."""

import threading
from collections.abc import Callable
from typing import TypeAlias

from abkit.errors import DeliveryError
from abkit.events import Exposure, Variant, system_time
from abkit.exposure.dedup.base import DAY, Key, Randomization, Reservation
from abkit.exposure.insert_ids import Mark
from abkit.exposure.runtime.process_hooks import call_after_fork

Reserved: TypeAlias = tuple[int, Mark, Mark | None]
"""A key's slot, its mark now, and its mark before. Equal marks are the same object."""


class MemoryDedup:
    """Remembers exposures in this process.

    A key is stored as its slot, the sum of two 64-bit hashes, about 80 bytes in all. Keys of one experiment
    share a slot if the hashes of their units are equal, others if these differ by exactly what those of
    their experiments do: no more likely. So with a million keys stored, a new unit is mistaken for a
    known one with probability 1e6 / 2**64, about 5e-14; that any two of a million are confused has
    probability 3e-8.

    When `max_keys` is reached, about the older half is evicted. The next exposure of an evicted unit is
    logged once more, with the same insert id unless the unit had changed its variant.

    Args:
        max_keys: The most keys to remember; at least half as many always are.
        window: Seconds after which a unit is logged again. Windows are fixed and begin at multiples of
            `window` since the epoch; the default is the UTC day. The window of an exposure is that
            of its own time.
        clock: Returns the seconds since the epoch, for `has_seen`.

    Attributes:
        window: As above.
        young: The latest mark of each slot since the generations changed. It can be read without a lock,
            but the attribute has to be read each time, as all that follow.
        old: The latest mark of each slot before that.
        latest: The mark that was given last, by variant.
        almost_full: When there are so many slots, the next one changes the generations.
        acquire: Locks all of it. It is reentrant; by hand, because what `with` does to a lock takes as long
            as all the rest.
        release: Unlocks it.

    Raises:
        DeliveryError: `max_keys` is below 2, or `window` is not above 0.
    """

    def __init__(
        self,
        *,
        max_keys: int = 500_000,
        window: float = DAY,
        clock: Callable[[], float] | None = None,
    ) -> None:
        if max_keys < 2 or not 0 < window < float("inf"):
            message = (
                f"MemoryDedup: max_keys must be 2 or more and window a number of seconds above 0, "
                f"not max_keys={max_keys}, window={window}"
            )
            raise DeliveryError(message)
        self._generation = max_keys // 2
        self.almost_full: int = self._generation - 1
        self.window = window
        self._clock = clock or system_time
        # Two generations, so that forgetting is one step: the old one is dropped whole.
        self.young: dict[int, Mark] = {}
        self.old: dict[int, Mark] = {}
        self._marks: dict[tuple[float, type, Variant, int], Mark] = {}
        self.latest: dict[Variant, Mark] = {}
        self.after_fork()
        call_after_fork(self)

    def after_fork(self) -> None:
        """In a forked child: keep the entries, replace the lock."""
        # Reentrant, so that a signal handler may log an exposure in the middle of another.
        self._lock = threading.RLock()
        self.acquire: Callable[[], object] = self._lock.acquire
        self.release: Callable[[], None] = self._lock.release

    def has_seen(self, key: Key, variant: Variant, /) -> bool:
        """As `DedupStore.has_seen`, without a lock.

        It looks at the young generation only. So a unit that is still seen when the generations change
        goes through `reserve` once, which keeps it.
        """
        mark = self.young.get(_slot(key))
        return (
            mark is not None
            and (mark[1] is variant or is_same(mark[1], variant))
            and mark[0] == self._clock() // self.window
        )

    def reserve(self, exposure: Exposure, /) -> Reservation | None:
        """As `DedupStore.reserve`."""
        taken = self.check_and_set(
            _slot(exposure[:4]), exposure.variant, exposure.time // self.window
        )
        if taken is None:
            return None
        window, _, ordinal = taken[1]
        return Reservation(window, ordinal, taken)

    def check_and_set(self, slot: int, variant: Variant, window: float, /) -> Reserved | None:
        """As `reserve`, without an object that would be made for it.

        Args:
            slot: `first_slot(randomization) + hash(unit_id)`.
            variant: The exposure's.
            window: The index of the window that its time is in.
        """
        ordinal = 0
        self.acquire()
        try:
            young = self.young
            previous = young.get(slot) or self.old.get(slot)
            if previous is not None and previous[0] == window:
                _, latest, ordinal = previous
                if latest is variant or is_same(latest, variant):
                    young[slot] = previous  # It may have been among the old.
                    if len(young) >= self._generation:
                        self._rotate()
                    return None
                ordinal += 1
            mark = self.latest.get(variant)
            if mark is None or mark[1] is not variant or mark[0] != window or mark[2] != ordinal:
                mark = self._mark(window, variant, ordinal)
            young[slot] = mark
            if len(young) >= self._generation:
                self._rotate()
        finally:
            self.release()
        return slot, mark, previous

    def give_back(self, reservation: Reservation, /) -> None:
        """As `DedupStore.give_back`."""
        self.undo(reservation.token)

    def undo(self, taken: Reserved, /) -> None:
        """As `give_back`, for what `check_and_set` has given."""
        slot, mark, previous = taken
        with self._lock:
            for generation in (self.young, self.old):
                if generation.get(slot) is mark:
                    if previous is None:
                        del generation[slot]
                    else:
                        generation[slot] = previous
                    return

    def _rotate(self) -> None:
        self.old = self.young
        self.young = {}

    def _mark(self, window: float, variant: Variant, ordinal: int) -> Mark:
        """The one mark of these values, so that a million units share a handful."""
        # The type is part of the name because 1, 1.0 and True are equal, but not the same variant.
        name = (window, type(variant), variant, ordinal)
        if len(self._marks) >= 10_000:
            self._marks.clear()
            self.latest.clear()
        mark = self._marks.setdefault(name, (window, variant, ordinal))
        self.latest[variant] = mark
        return mark

    def __len__(self) -> int:
        return len(self.young.keys() | self.old.keys())

    def __repr__(self) -> str:
        return f"<MemoryDedup of {len(self.young) + len(self.old)} keys>"


def first_slot(randomization: Randomization) -> int:
    """Where the slots of an experiment begin: each unit's is the hash of its id further on."""
    return hash(randomization)


def _slot(key: Key) -> int:
    return first_slot(key[:3]) + hash(key[3])


def is_same(one: Variant, other: Variant) -> bool:
    """Whether these are one variant: 1, 1.0 and True are equal, but are three."""
    return one == other and type(one) is type(other)
