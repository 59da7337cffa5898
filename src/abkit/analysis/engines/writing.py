"""What a store in a schema asks of a database beside what an analysis does."""

from collections.abc import Sequence
from typing import Protocol, TypeGuard

from abkit.analysis.engines.base import Engine


class WritingEngine(Engine, Protocol):
    """An engine that can make tables that stay. Names of these are as `quoted` quotes them."""

    @property
    def dialect(self) -> str:
        """SQLGlot's name of the dialect."""
        ...

    def name(self, name: str, query: str) -> None:
        """As `define`, of a query that only names what is in tables: to read it again costs nothing.

        Args:
            name: How queries call it.
            query: A select.
        """
        ...

    def materialize(self, name: str, query: str) -> None:
        """As `define`, of what many queries read that are defined one upon the other: it is computed once.

        Args:
            name: How queries call it.
            query: A select.
        """
        ...

    def columns(self, name: str) -> Sequence[str]:
        """The names of a table's columns."""
        ...

    def narrow(self, name: str, column: str, spans: Sequence[tuple[int, int]]) -> None:
        """Promise that of what was opened as `name`, only rows of some times will be asked for.

        Args:
            name: How queries call it.
            column: Its column of the time.
            spans: From when to when, without the end, in microseconds since 1970.
        """
        ...

    def meet(self, one: str, other: str, column: str) -> bool:
        """Whether some value (not null) of a column stands in both of two tables.

        Args:
            one: The table that is smaller.
            other: The other one.
            column: The name of the column in both.
        """
        ...

    def create(self, table: str, query: str, *, days_of: str | None = None) -> None:
        """Make a table of the answer to a query, which stays. It is there as a whole, or not at all.

        Args:
            table: Its name.
            query: A select.
            days_of: A column of instants; an engine that keeps a table in files keeps each day in its own.

        Raises:
            AnalysisError: It may not be written, or the query fails on these data.
        """
        ...

    def drop(self, table: str) -> None:
        """Drop a table that was made by `create`.

        Args:
            table: Its name.

        Raises:
            AnalysisError: It may not be dropped.
        """
        ...


class AppendingEngine(WritingEngine, Protocol):
    """A database, in which two may add rows to one table at the same time."""

    def in_transaction(self) -> bool:
        """Whether the caller has begun a transaction, which `create` and its like would commit."""
        ...

    def insert(self, table: str, query: str) -> None:
        """Add the answer to a query to a table that was made by `create`.

        Args:
            table: Its name.
            query: A select of its columns, in their order.

        Raises:
            AnalysisError: It may not be written, or the query fails on these data.
        """
        ...


class ListingEngine(WritingEngine, Protocol):
    """A catalog of tables, of which it can be asked what there is."""

    def tables(self, schema: str, beginning: str) -> Sequence[str]:
        """The names of the tables of a schema, without it.

        Args:
            schema: The schema.
            beginning: What these names begin with.

        Raises:
            AnalysisError: There is no such schema.
        """
        ...


_METHODS = ("name", "materialize", "columns", "narrow", "meet", "create", "drop")


def appends(engine: Engine) -> TypeGuard[AppendingEngine]:
    """Whether a store can be kept by adding rows."""
    return _has(engine, *_METHODS, "in_transaction", "insert")


def lists(engine: Engine) -> TypeGuard[ListingEngine]:
    """Whether a store can be kept by listing tables."""
    return _has(engine, *_METHODS, "tables")


def _has(engine: Engine, *methods: str) -> bool:
    return all(callable(getattr(engine, method, None)) for method in methods)
