"""The variants of units in Redis."""

import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from abkit.errors import DeliveryError
from abkit.exposure.runtime.process_hooks import call_after_fork
from abkit.exposure.runtime.redis_client import redis_client
from abkit.exposure.sticky.store import Choice, StickyKey

if TYPE_CHECKING:
    from redis import Redis

# One step for the server. ARGV: the variant, what it takes the place of, milliseconds or 0.
_SET = """
local held = redis.call('GET', KEYS[1])
if held and (ARGV[2] == '' or held ~= ARGV[2]) then
    return 0
end
if ARGV[3] == '0' then
    redis.call('SET', KEYS[1], ARGV[1])
else
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
end
return 1
"""


class RedisStickyStore:
    """A `StickyStore` in Redis 2.6 or later, or any server with the same protocol.

    Each unit is one key, such as `abkit:sticky:["Checkout","org","42"]`, and takes about 150 bytes of the
    server's memory. The server must not evict the keys: `maxmemory-policy noeviction`, or a `volatile-` one.

    Args:
        server: An address such as "redis://:password@host:6379/0", or a client of redis-py; a client's
            timeouts are its own.
        prefix: The start of each key.
        keep: Seconds after which a unit's variant is forgotten, counted from its first exposure; None: never.
        timeout: Seconds to wait for a connection, and for an answer.

    Raises:
        DeliveryError: The address or a number is invalid.
        MissingExtraError: redis-py is not installed.
    """

    def __init__(
        self,
        server: "str | Redis",
        *,
        prefix: str = "abkit:sticky:",
        keep: float | None = None,
        timeout: float = 0.5,
    ) -> None:
        if not (0 < timeout < float("inf")) or (keep is not None and not 1 <= keep < float("inf")):
            message = (
                "RedisStickyStore: timeout must be seconds above 0, and keep None or seconds from 1, not "
                f"timeout={timeout}, keep={keep}"
            )
            raise DeliveryError(message)
        self._server = server
        self._prefix = prefix
        self._keep = 0 if keep is None else int(1_000 * keep)
        self._timeout = timeout
        self._begin()
        call_after_fork(self)

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._client = redis_client(self._server, timeout=self._timeout, of="RedisStickyStore")

    def after_fork(self) -> None:
        """In a forked child: connections of its own."""
        self._begin()

    def get(self, key: StickyKey, /) -> str | None:
        """As `StickyStore.get`.

        Raises:
            redis.RedisError: The server cannot be reached, or refuses.
        """
        found = self._connected().get(self._name(key))
        if found is None:
            return None
        return found if isinstance(found, str) else bytes(found).decode("utf-8", "surrogatepass")

    def set(self, choices: Sequence[Choice], /) -> None:
        """As `StickyStore.set`.

        Raises:
            redis.RedisError: The server cannot be reached, or refuses.
        """
        pipeline = self._connected().pipeline(transaction=False)
        for key, variant, instead_of in choices:
            words = [
                (text or "").encode("utf-8", "surrogatepass") for text in (variant, instead_of)
            ]
            pipeline.eval(_SET, 1, self._name(key), *words, self._keep)
        pipeline.execute()

    def _connected(self) -> Any:
        if self._pid != os.getpid():
            self.after_fork()
        return self._client

    def _name(self, key: StickyKey) -> bytes:
        # As JSON: no two keys are one text.
        return f"{self._prefix}{json.dumps(key, separators=(',', ':'))}".encode()

    def __repr__(self) -> str:
        return f"<RedisStickyStore {self._prefix}*>"  # Without the address: it has the password.
