"""A sticky store from its URL, or from "module:name", as configuration has it."""

from importlib import import_module

from abkit.errors import AbkitError, ConfigError
from abkit.exposure.sticky.store import StickyStore
from abkit.quoting import masked

_FORMS = (
    '"redis://host:6379/0", "postgresql+psycopg://user:password@host/name", "sqlite:///file.db" or '
    '"your.module:name"'
)


def store_from_url(place: str) -> StickyStore:
    """The store at a URL, or the object that a module has, as "your.module:name".

    Raises:
        ConfigError: There is none.
        MissingExtraError: The package that it needs is not installed.
    """
    scheme = place.partition("://")[0]
    if scheme in {"redis", "rediss", "unix"}:
        from abkit.exposure.sticky.redis_store import RedisStickyStore

        return _made(RedisStickyStore, place)
    if scheme != place:
        from abkit.exposure.sticky.sql_store import SqlStickyStore

        return _made(SqlStickyStore, place)
    module, colon, name = place.partition(":")
    if not colon:
        message = f"A sticky store is said as {_FORMS}, not {place!r}"
        raise ConfigError(message)
    try:
        store: StickyStore = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError, AbkitError) as error:
        message = f"There is no sticky store {place!r}: {error}"
        raise ConfigError(message) from error
    return store


def _made(kind: type[StickyStore], place: str) -> StickyStore:
    try:
        return kind(place)  # type: ignore[call-arg] # both take an address
    except ConfigError:
        raise
    except AbkitError as error:
        message = f"There is no sticky store at {masked(place)}: {error}"
        raise ConfigError(message) from error
