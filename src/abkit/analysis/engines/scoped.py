"""An engine whose tables have names of their own, so that the same queries can be asked again and again."""

import re
from collections.abc import Collection, Sequence

from abkit.analysis.engines.base import Engine, Row
from abkit.analysis.reading.columns import Column
from abkit.analysis.reading.sources import Table

_TABLE = re.compile(r"('(?:[^']|'')*')|\b(from|join)(\s+)(\w+)")
"""A text, which stays as it is; or where a query names a table."""


class Scoped:
    """Another engine, in which what is opened and defined here is not seen from elsewhere.

    What was defined there before is seen here, unless it is defined here too.

    Args:
        engine: The other one. It stays the caller's to close.
        scope: What follows each name, such as "1".
    """

    def __init__(self, engine: Engine, scope: str) -> None:
        self._engine = engine
        self._scope = scope
        self._names: set[str] = set()

    @property
    def version(self) -> str:
        """As `Engine.version`."""
        return self._engine.version

    def open(self, name: str, table: Table, columns: Sequence[Column]) -> Collection[str]:
        """As `Engine.open`."""
        present = self._engine.open(f"{name}_{self._scope}", table, columns)
        self._names.add(name)
        return present

    def define(self, name: str, query: str, *, keep: bool = False) -> None:
        """As `Engine.define`."""
        self._engine.define(f"{name}_{self._scope}", self._scoped(query), keep=keep)
        self._names.add(name)

    def rows(self, query: str) -> Sequence[Row]:
        """As `Engine.rows`."""
        return self._engine.rows(self._scoped(query))

    def repeats(self, name: str, column: str, *, share: float = 1.0) -> bool:
        """As `Engine.repeats`."""
        return self._engine.repeats(self._named(name), column, share=share)

    def close(self) -> None:
        """Nothing: the other engine forgets its tables when it is closed."""

    def _named(self, name: str) -> str:
        return f"{name}_{self._scope}" if name in self._names else name

    def _scoped(self, query: str) -> str:
        return _TABLE.sub(
            lambda found: (
                found[0] if found[1] is not None else f"{found[2]}{found[3]}{self._named(found[4])}"
            ),
            query,
        )
