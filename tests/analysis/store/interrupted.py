"""A DuckDB connection to which something happens when it writes into a store."""

from collections.abc import Callable
from typing import Any

import duckdb

from abkit.analysis.engines.connection import Connection

Error = duckdb.Error
"""As each driver's module has it."""

_WRITES = ('create table "abkit"', 'insert into "abkit"', 'drop table if exists "abkit"')


class Killed(BaseException):
    """The process is gone."""


class Interrupted:
    """A connection; before one of its writes something happens.

    Args:
        connection: The connection.
        at: The number of the write, from 0.
        happens: What happens.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, at: int, happens: Callable[[], object]
    ) -> None:
        self._connection, self._at, self._happens = connection, at, happens
        self.writes = 0

    def cursor(self) -> Any:
        return _Cursor(self, self._connection.cursor())

    def engine(self) -> Connection:
        return Connection(self, dialect="duckdb")

    def count(self, statement: str) -> None:
        if statement.startswith(_WRITES):
            self.writes += 1
            if self.writes == self._at + 1:
                self._happens()


class _Cursor:
    def __init__(self, connection: Interrupted, cursor: duckdb.DuckDBPyConnection) -> None:
        self._connection, self._cursor = connection, cursor

    def execute(self, statement: str) -> None:
        self._connection.count(statement)
        self._cursor.execute(statement)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)
