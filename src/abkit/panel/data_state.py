"""What tells whether sums would be the same if they were read again."""

import hashlib
from collections.abc import Callable
from time import monotonic

from abkit.analysis.declared.history import lock_path
from abkit.analysis.declared.past_results import results_folder
from abkit.analysis.reading.folder_state import folder_state
from abkit.analysis.reading.places import is_url, within
from abkit.errors import AbkitError
from abkit.process_lock import ProcessLock

AT_ONCE = 5.0
"""Seconds in which a folder is looked through once, for however many experiments."""

_KINDS = ("exposures", "actions", "identities")


class DataState:
    """The state of a folder of events, and of what a project keeps beside its code: lock and past results.

    What is told is never newer than what is read afterwards: at worst something is read once too often.

    Args:
        events: The folder, or its URL.
        clock: Gives seconds.
    """

    def __init__(self, events: str, *, clock: Callable[[], float] = monotonic) -> None:
        self._events = events
        self._clock = clock
        self._lock = ProcessLock()
        self._known: tuple[float, str] | None = None

    def __call__(self) -> str:
        """The state, as text; empty if it is not known without reading the events."""
        if is_url(self._events):
            return ""
        with self._lock:
            now = self._clock()
            if self._known is None or now - self._known[0] >= AT_ONCE:
                self._known = now, self._looked()
            return self._known[1]

    def _looked(self) -> str:
        try:
            events = folder_state(within(self._events, kind) for kind in _KINDS)
            results = results_folder()
            beside = folder_state([lock_path()] if results is None else [lock_path(), results])
        except (OSError, AbkitError):
            return ""
        return hashlib.sha256(repr((events, beside)).encode()).hexdigest() if events else ""
