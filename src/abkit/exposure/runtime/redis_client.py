"""A client of Redis for what is asked while an application serves: quick to give up, and not to try again."""

from typing import TYPE_CHECKING, Any

from abkit.errors import DeliveryError
from abkit.extras import extra
from abkit.quoting import told

if TYPE_CHECKING:
    from redis import Redis


def redis_client(server: "str | Redis", *, timeout: float, of: str) -> Any:
    """The client that was given, or a new one of an address.

    Args:
        server: An address such as "redis://:password@host:6379/0", or a client.
        timeout: Seconds to wait for a connection, and for an answer; a client keeps its own.
        of: What asks for it, for errors.

    Raises:
        DeliveryError: The address makes no sense.
        MissingExtraError: redis-py is not installed.
    """
    with extra("redis"):
        import redis
    if not isinstance(server, str):
        return server
    try:
        return redis.Redis.from_url(
            server, socket_timeout=timeout, socket_connect_timeout=timeout, retry=None
        )
    except ValueError as error:
        message = f"{of}: cannot use the address of the server: {told(str(error))}"
        raise DeliveryError(message) from None
