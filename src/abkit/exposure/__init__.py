"""Exposure events: deduplicated, queued, delivered. And the variants that units keep."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from abkit.lazy_names import lazy_names

if TYPE_CHECKING:
    from abkit.exposure.dedup.base import DedupStore, Reservation
    from abkit.exposure.dedup.memory import MemoryDedup
    from abkit.exposure.dedup.redis import RedisDedup
    from abkit.exposure.dedup.shared import Claim, SharedDedup
    from abkit.exposure.delivery.drop_reports import OnDrop
    from abkit.exposure.fanout import FanOut
    from abkit.exposure.logger import ExposureLogger
    from abkit.exposure.outbox.outbox import Outbox
    from abkit.exposure.runtime.backoff import Backoff
    from abkit.exposure.stats import DeadLetter, Stats
    from abkit.exposure.sticky.redis_store import RedisStickyStore
    from abkit.exposure.sticky.sql_store import SqlStickyStore
    from abkit.exposure.sticky.store import Choice, MemoryStickyStore, StickyKey, StickyStore
    from abkit.exposure.sticky.variants import StickyStats, StickyVariants

__all__ = [
    "Backoff",
    "Choice",
    "Claim",
    "DeadLetter",
    "DedupStore",
    "ExposureLogger",
    "FanOut",
    "MemoryDedup",
    "MemoryStickyStore",
    "OnDrop",
    "Outbox",
    "RedisDedup",
    "RedisStickyStore",
    "Reservation",
    "SharedDedup",
    "SqlStickyStore",
    "Stats",
    "StickyKey",
    "StickyStats",
    "StickyStore",
    "StickyVariants",
]

_PLACES = {
    "Backoff": "abkit.exposure.runtime.backoff",
    "Choice": "abkit.exposure.sticky.store",
    "Claim": "abkit.exposure.dedup.shared",
    "DeadLetter": "abkit.exposure.stats",
    "DedupStore": "abkit.exposure.dedup.base",
    "ExposureLogger": "abkit.exposure.logger",
    "FanOut": "abkit.exposure.fanout",
    "MemoryDedup": "abkit.exposure.dedup.memory",
    "MemoryStickyStore": "abkit.exposure.sticky.store",
    "OnDrop": "abkit.exposure.delivery.drop_reports",
    "Outbox": "abkit.exposure.outbox.outbox",
    "RedisDedup": "abkit.exposure.dedup.redis",
    "RedisStickyStore": "abkit.exposure.sticky.redis_store",
    "Reservation": "abkit.exposure.dedup.base",
    "SharedDedup": "abkit.exposure.dedup.shared",
    "SqlStickyStore": "abkit.exposure.sticky.sql_store",
    "Stats": "abkit.exposure.stats",
    "StickyKey": "abkit.exposure.sticky.store",
    "StickyStats": "abkit.exposure.sticky.variants",
    "StickyStore": "abkit.exposure.sticky.store",
    "StickyVariants": "abkit.exposure.sticky.variants",
}

__getattr__: Callable[[str], Any]
__dir__: Callable[[], list[str]]
__getattr__, __dir__ = lazy_names(globals(), _PLACES)
