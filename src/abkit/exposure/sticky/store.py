"""Where the variants of units are kept, and the store that is in memory."""

import threading
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from abkit.errors import ConfigError
from abkit.exposure.runtime.process_hooks import call_after_fork


class StickyKey(NamedTuple):
    """One unit of one experiment. The salt is no part of it: with another one, the unit keeps its variant."""

    experiment: str
    unit_type: str
    unit_id: str


class Choice(NamedTuple):
    """A variant that is to be kept.

    Attributes:
        key: For which unit.
        variant: The variant, as `abkit.events.variant_text` writes it.
        instead_of: What is kept now and means nothing any more; None: nothing is known to be kept.
    """

    key: StickyKey
    variant: str
    instead_of: str | None = None


class StickyStore(Protocol):
    """Keeps the variants of units. Called by threads of abkit's own, so that no request waits for it.

    Whatever a method raises is counted and logged once. A store that does not answer in time is given up
    for this unit; the store's own time-outs should end the call, some day.
    """

    def get(self, key: StickyKey, /) -> str | None:
        """The variant that is kept for a unit, as it was set; None if there is none."""
        ...

    def set(self, choices: Sequence[Choice], /) -> None:
        """Keep variants; each only if nothing is kept, or what is kept is its `instead_of`, in one step.

        So the first exposure counts, of several processes too. What it raises makes all of them be set again.
        """
        ...


def check_store(store: object) -> None:
    """Refuse what cannot keep anything.

    Raises:
        ConfigError: It is no `StickyStore`.
    """
    for method in ("get", "set"):
        if isinstance(store, type) or not callable(getattr(store, method, None)):
            message = (
                "A sticky store is an object with get(key) and set(choices), such as "
                f'RedisStickyStore("redis://host"), not {store!r:.100}'
            )
            raise ConfigError(message)


class MemoryStickyStore:
    """Keeps variants in this process, for tests and for programs of one process: they end with it."""

    def __init__(self) -> None:
        self._kept: dict[StickyKey, str] = {}
        self.after_fork()
        call_after_fork(self)

    def after_fork(self) -> None:
        """A forked child knows what its parent kept; only the lock is its own."""
        self._lock = threading.Lock()

    def get(self, key: StickyKey, /) -> str | None:
        """As `StickyStore.get`."""
        return self._kept.get(key)

    def set(self, choices: Sequence[Choice], /) -> None:
        """As `StickyStore.set`."""
        with self._lock:
            for key, variant, instead_of in choices:
                if self._kept.setdefault(key, variant) == instead_of:
                    self._kept[key] = variant

    def __len__(self) -> int:
        return len(self._kept)

    def __repr__(self) -> str:
        return f"<MemoryStickyStore of {len(self)} units>"
