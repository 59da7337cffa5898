"""A cache of the variants that the units of one experiment keep."""

import threading
from typing import TypeAlias

from abkit.exposure.runtime.process_hooks import call_after_fork

CachedVariant: TypeAlias = str | tuple[str, float] | float
"""One of three: a variant's text, as the store has it; a variant's text and the time from which it is to be
looked up again; or the time until which the unit is known to have none. The clock is monotonic."""


class VariantCache:
    """The variants of the units that were used recently.

    When `max_units` is reached, about the older half is evicted; it is looked up again if needed.

    Args:
        max_units: The most units to cache; at least half as many always are.

    Attributes:
        young: The entries since the generations changed. It can be read without a lock, but the attribute
            has to be read each time.
    """

    def __init__(self, max_units: int) -> None:
        self._generation = max(1, max_units // 2)
        # Two generations, so that forgetting is one step: the old one is dropped whole.
        self.young: dict[str, CachedVariant] = {}
        self._old: dict[str, CachedVariant] = {}
        self.after_fork()
        call_after_fork(self)

    def after_fork(self) -> None:
        """In a forked child: keep the entries, replace the lock."""
        self._lock = threading.RLock()

    def of(self, unit_id: str) -> CachedVariant | None:
        """The entry of a unit, which becomes one of the young."""
        known = self.young.get(unit_id)
        if known is None:
            known = self._old.get(unit_id)
            if known is not None:
                self.put(unit_id, known)
        return known

    def put(self, unit_id: str, known: CachedVariant) -> None:
        """Set the entry of a unit."""
        with self._lock:
            self.young[unit_id] = known
            if len(self.young) >= self._generation:
                self._old, self.young = self.young, {}

    def forget(self, unit_id: str) -> None:
        """Remove the entry of a unit."""
        with self._lock:
            self.young.pop(unit_id, None)
            self._old.pop(unit_id, None)

    def __len__(self) -> int:
        return len(self.young.keys() | self._old.keys())
