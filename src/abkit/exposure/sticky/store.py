"""The protocol of a sticky store, and one in memory."""

import threading
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from abkit.errors import ConfigError
from abkit.exposure.runtime.process_hooks import call_after_fork


class StickyKey(NamedTuple):
    """One unit of one experiment. It does not have the salt: with a new salt, a unit keeps its variant."""

    experiment: str
    unit_type: str
    unit_id: str


class Choice(NamedTuple):
    """A variant to store for a unit.

    Attributes:
        key: For which unit.
        variant: The variant, as `abkit.events.variant_text` writes it.
        instead_of: The stored variant that is no longer declared, to be replaced; None: none is known
            to be stored.
    """

    key: StickyKey
    variant: str
    instead_of: str | None = None


class StickyStore(Protocol):
    """Stores the variants of units. Called by abkit's own threads; a request waits only up to a timeout.

    Errors that a method raises are counted, and logged once. After the timeout the hash decides for the unit;
    the call itself should be ended by a timeout of the store.
    """

    def get(self, key: StickyKey, /) -> str | None:
        """The stored variant of a unit, as it was set; None if there is none."""
        ...

    def set(self, choices: Sequence[Choice], /) -> None:
        """Store variants, each atomically and only if none is stored, or the stored one is its `instead_of`.

        So the first exposure counts, also among several processes. If it raises, all of them are set again.
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
    """Stores variants in memory, for tests and for programs with a single process."""

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
