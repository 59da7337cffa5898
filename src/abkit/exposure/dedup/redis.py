"""Deduplication across processes, in Redis."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

from abkit.errors import DeliveryError
from abkit.exposure.dedup.base import DAY
from abkit.exposure.dedup.shared import Claim
from abkit.exposure.runtime.process_hooks import call_after_fork
from abkit.exposure.runtime.redis_client import redis_client

if TYPE_CHECKING:
    from redis import Redis

# Each is one step for the server. ARGV[1] is the claimant, ARGV[2] milliseconds.
_CLAIM = """
local answers = {}
for number, key in ipairs(KEYS) do
    local holder = redis.call('GET', key)
    if holder == 'sent' then
        answers[number] = 0
    elseif holder and holder ~= ARGV[1] then
        answers[number] = 2
    else
        redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
        answers[number] = 1
    end
end
return answers
"""
_CONFIRM = """
for _, key in ipairs(KEYS) do
    redis.call('SET', key, 'sent', 'PX', ARGV[2])
end
return #KEYS
"""
_GIVE_BACK = """
for _, key in ipairs(KEYS) do
    if redis.call('GET', key) == ARGV[1] then
        redis.call('DEL', key)
    end
end
return #KEYS
"""
_ANSWERS = {0: Claim.SENT, 1: Claim.MINE, 2: Claim.CONTESTED}

_AT_ONCE = 500
"""Keys of one call: the server does nothing else meanwhile."""


class RedisDedup:
    """A `SharedDedup` in Redis 2.6 or later, or any server with the same protocol.

    Each exposure is one key, named by its insert id, and takes about 150 bytes of the server's memory. Use a
    separate prefix for each destination.

    Args:
        server: An address such as "redis://:password@host:6379/0", or a client of redis-py; a client's
            timeouts are its own.
        prefix: The start of each key. The braces put all keys into one slot of a cluster.
        keep: Seconds for which a sent exposure is remembered; at least the window of the `dedup`.
        claim: Seconds after which a claim expires, and another process may send the exposure; longer than
            the sink may take for a batch.
        timeout: Seconds to wait for a connection, and for an answer.

    Raises:
        DeliveryError: The address or a number is invalid.
        MissingExtraError: redis-py is not installed.
    """

    def __init__(
        self,
        server: "str | Redis",
        *,
        prefix: str = "{abkit}:",
        keep: float = 2 * DAY,
        claim: float = 30.0,
        timeout: float = 0.5,
    ) -> None:
        if not (0.001 <= claim <= keep < float("inf") and 0 < timeout < float("inf")):
            message = (
                "RedisDedup: claim, keep and timeout must be seconds above 0, and claim at most keep, not "
                f"claim={claim}, keep={keep}, timeout={timeout}"
            )
            raise DeliveryError(message)
        self._server = server
        self._prefix = prefix.encode()
        self._keep = int(1_000 * keep)
        self._claim = int(1_000 * claim)
        self._timeout = timeout
        self._begin()
        call_after_fork(self)

    def _begin(self) -> None:
        self._name = uuid4().hex
        self._pid = os.getpid()
        self._client = redis_client(self._server, timeout=self._timeout, of="RedisDedup")

    def after_fork(self) -> None:
        """In a forked child: another claimant, with connections of its own."""
        self._begin()

    def claim(self, insert_ids: Sequence[str], /) -> Sequence[Claim]:
        """As `SharedDedup.claim`.

        Raises:
            redis.RedisError: The server cannot be reached, or refuses.
            DeliveryError: Its answer makes no sense.
        """
        if self._pid != os.getpid():
            self.after_fork()
        claims: list[Claim] = []
        for names in _chunks(insert_ids):
            answers = self._run(_CLAIM, names, self._claim)
            if not isinstance(answers, list) or not all(answer in _ANSWERS for answer in answers):
                if isinstance(self._server, str):
                    self._client.connection_pool.disconnect()  # What it says next is not the answer either.
                message = f"RedisDedup: the server answered {answers!r:.100}"
                raise DeliveryError(message)
            claims += [_ANSWERS[answer] for answer in answers]
        return claims

    def settle(self, *, sent: Sequence[str], given_back: Sequence[str]) -> None:
        """As `SharedDedup.settle`.

        Raises:
            redis.RedisError: The server cannot be reached, or refuses.
        """
        for names in _chunks(sent):
            self._run(_CONFIRM, names, self._keep)
        for names in _chunks(given_back):
            self._run(_GIVE_BACK, names, 0)

    def _run(self, script: str, insert_ids: Sequence[str], milliseconds: int) -> object:
        keys = [self._prefix + name.encode("utf-8", "surrogatepass") for name in insert_ids]
        return self._client.eval(script, len(keys), *keys, self._name, milliseconds)

    def __repr__(self) -> str:
        return f"<RedisDedup {self._prefix.decode()}*>"  # Without the address: it has the password.


def _chunks(names: Sequence[str]) -> list[Sequence[str]]:
    return [names[first : first + _AT_ONCE] for first in range(0, len(names), _AT_ONCE)]
