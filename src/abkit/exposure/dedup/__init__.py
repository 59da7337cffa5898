"""Deduplication of exposures, in one process and across processes."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from abkit.lazy_names import lazy_names

if TYPE_CHECKING:
    from abkit.exposure.dedup.base import DedupStore, Reservation
    from abkit.exposure.dedup.memory import MemoryDedup
    from abkit.exposure.dedup.redis import RedisDedup
    from abkit.exposure.dedup.shared import Claim, SharedDedup

__all__ = ["Claim", "DedupStore", "MemoryDedup", "RedisDedup", "Reservation", "SharedDedup"]

_PLACES = {
    "Claim": "abkit.exposure.dedup.shared",
    "DedupStore": "abkit.exposure.dedup.base",
    "MemoryDedup": "abkit.exposure.dedup.memory",
    "RedisDedup": "abkit.exposure.dedup.redis",
    "Reservation": "abkit.exposure.dedup.base",
    "SharedDedup": "abkit.exposure.dedup.shared",
}

__getattr__: Callable[[str], Any]
__dir__: Callable[[], list[str]]
__getattr__, __dir__ = lazy_names(globals(), _PLACES)
