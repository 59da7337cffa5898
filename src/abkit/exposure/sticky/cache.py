"""What this process knows of the variants that the units of one experiment keep."""

import threading
from typing import TypeAlias

from abkit.exposure.runtime.process_hooks import call_after_fork

CachedVariant: TypeAlias = str | tuple[str, float] | float
"""A variant's text, as the store has it; one that is to be looked up again from a moment on, with that
moment; or the moment until which nothing is known to be kept. Moments are seconds that only go forward."""


class VariantCache:
    """The units that were asked for lately.

    When `max_units` is reached, about the older half is forgotten; who comes again is looked up again.

    Args:
        max_units: The most units to remember; at least half as many always are.

    Attributes:
        young: What is known, of the units that came since the generations changed. Who only reads it
            needs no lock, but has to ask for it each time.
    """

    def __init__(self, max_units: int) -> None:
        self._generation = max(1, max_units // 2)
        # Two generations, so that forgetting is one step: the old one is dropped whole.
        self.young: dict[str, CachedVariant] = {}
        self._old: dict[str, CachedVariant] = {}
        self.after_fork()
        call_after_fork(self)

    def after_fork(self) -> None:
        """A forked child knows what its parent does; only the lock is its own."""
        self._lock = threading.RLock()

    def of(self, unit_id: str) -> CachedVariant | None:
        """What is known of a unit, which is one of the young now."""
        known = self.young.get(unit_id)
        if known is None:
            known = self._old.get(unit_id)
            if known is not None:
                self.put(unit_id, known)
        return known

    def put(self, unit_id: str, known: CachedVariant) -> None:
        """Remember something of a unit, instead of what was known."""
        with self._lock:
            self.young[unit_id] = known
            if len(self.young) >= self._generation:
                self._old, self.young = self.young, {}

    def forget(self, unit_id: str) -> None:
        """Know nothing of a unit any more."""
        with self._lock:
            self.young.pop(unit_id, None)
            self._old.pop(unit_id, None)

    def __len__(self) -> int:
        return len(self.young.keys() | self._old.keys())
