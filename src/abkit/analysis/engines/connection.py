"""Any DB-API connection as an engine: the tables are where they are, and only sums leave them."""

import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

from abkit.analysis.engines.base import Row
from abkit.analysis.engines.databases import Opens, known
from abkit.analysis.engines.dialects.base import select
from abkit.analysis.engines.refusals import Refusals
from abkit.analysis.engines.sessions import Session, error_of, unwrapped
from abkit.analysis.engines.translation import Translation, place, quoted, translated, with_parts
from abkit.analysis.reading.columns import Column
from abkit.analysis.reading.matching import match
from abkit.analysis.reading.sources import Table
from abkit.errors import AnalysisError


class Connection:
    """Runs the queries through a DB-API connection; tables are names such as "analytics.events".

    Unless a store is kept there, it never commits, and writes nothing but temporary tables, which it drops
    again; where it may not make them, it repeats their queries. SQLite, PostgreSQL, MariaDB, DuckDB and
    ClickHouse are tested, and Snowflake's driver before an imitation of Snowflake; BigQuery, Trino, Redshift
    and Databricks only as texts.

    Args:
        connection: A DB-API connection, or an engine or a connection of SQLAlchemy. It stays the
            caller's to close.
        dialect: SQLGlot's name of the dialect; None: what the connection's module suggests.
        database: What makes the `Database` of a dialect that abkit does not know, of its name and a session.

    Raises:
        AnalysisError: It is no connection, or the dialect is unknown.
        MissingExtraError: sqlglot is not installed.
    """

    def __init__(
        self, connection: Any, *, dialect: str | None = None, database: Opens | None = None
    ) -> None:
        driver, guessed, self._give_back = unwrapped(connection)
        dialect, opens = known(dialect or guessed, driver, database)
        self._dialect = dialect
        self._error = error_of(driver)
        self._refusals = Refusals()
        self._suffix = f"abkit_{secrets.token_hex(4)}"
        self._names: dict[str, str] = {}
        self._definitions: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._cheap: set[str] = set()
        self._kept: list[str] = []
        try:
            self._session = Session(driver, dialect)
            self._database = opens(dialect, self._session)
        except self._error as error:
            self._give_back()
            raise _failed("the connection", error) from error
        except AnalysisError:
            self._give_back()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def dialect(self) -> str:
        """SQLGlot's name of the dialect."""
        return self._dialect

    def close(self) -> None:
        """Leave the connection as it was found."""
        try:
            if self._session.committed or not self._session.transactional:
                for name in self._kept:
                    self._database.drop(quoted(name, self._dialect))
            if self._session.committed:
                self._session.commit()
            self._database.close()
            self._session.close()
        except self._error as error:
            message = f"the connection cannot be left as it was: {_first_line(error)}"
            raise AnalysisError(message) from error
        finally:
            self._give_back()

    @property
    def version(self) -> str:
        """What computes, such as "PostgreSQL 15.13"."""
        with self._translated("the database"):
            return self._database.version()

    def open(self, name: str, table: Table, columns: Sequence[Column]) -> Collection[str]:
        """Make a table or a view of the database available to queries under `name`.

        Returns:
            The names of the columns that the table really has; the others are null.

        Raises:
            MissingColumnError: A required column is not there.
            AnalysisError: There is no such table.
        """
        if not isinstance(table.source, str):
            message = (
                f"{table.label} is not the name of a table; with a connection, exposures and actions "
                'are names such as "analytics.events"'
            )
            raise AnalysisError(message)
        where = place(table.source, self._dialect)
        with self._translated(table.label), self._session.attempt():
            types = self._database.types(where)
        matches = match(table, columns, list(types))
        selection = select(
            matches,
            types,
            dialect=self._database.dialect(where),
            refusals=self._refusals,
            label=table.label,
        )
        self._definitions[self._named(name)] = (selection.text(where), ())
        return [one.column.name for one in matches if one.source is not None]

    def define(self, name: str, query: str, *, keep: bool = False) -> None:
        """Let later queries call the answer to this one `name`.

        Args:
            name: How queries call it.
            query: A select.
            keep: Write it into a temporary table, if the connection may; else each query that reads it
                computes it.
        """
        translation = self._translation(query)
        internal = self._named(name)
        self._cheap.discard(internal)
        if not (keep and self._keep(internal, self._complete(translation))):
            body = with_parts(translation.parts, translation.body)
            self._definitions[internal] = (body, self._needed(translation))

    def name(self, name: str, query: str) -> None:
        """As `define`, of a query that only names what is in tables: to read it again costs nothing.

        Args:
            name: How queries call it.
            query: A select.
        """
        self.define(name, query)
        self._cheap.add(self._names[name])

    def rows(self, query: str) -> Sequence[Row]:
        """The answer to a query, by column name.

        Raises:
            AnalysisError: The query fails on these data; the message says why.
        """
        text = self._complete(self._translation(query))
        with self._translated("the data"), self._session.attempt():
            description, rows = self._session.run(self._database.query(text))
        names = [column[0] for column in description]
        return [dict(zip(names, map(_number, row), strict=True)) for row in rows]

    def repeats(self, name: str, column: str, *, share: float = 1.0) -> bool:  # noqa: ARG002
        """Whether some value (not null) stands twice in a column."""
        one = f'"{column}"'
        query = (
            f'select 1 as repeated from "{name}" where {one} is not null '  # noqa: S608
            f"group by {one} having count(*) > 1 limit 1"
        )
        return bool(self.rows(query))

    def materialize(self, name: str, query: str) -> None:
        """As `define`, and kept."""
        self.define(name, query, keep=True)

    def columns(self, name: str) -> Sequence[str]:
        """The names of a table's columns."""
        text = self._complete(self._translation(f'select * from "{name}" limit 0'))  # noqa: S608
        with self._translated("the data"), self._session.attempt():
            description, _ = self._session.run(self._database.query(text))
        return [str(column[0]) for column in description]

    def narrow(self, name: str, column: str, spans: Sequence[tuple[int, int]]) -> None:
        """Nothing: what a query asks for is all that a database knows."""

    def meet(self, one: str, other: str, column: str) -> bool:
        """As `WritingEngine.meet`."""
        query = (
            f'select 1 as met from "{one}" as one join "{other}" as other '  # noqa: S608
            f'on other."{column}" = one."{column}" limit 1'
        )
        return bool(self.rows(query))

    def in_transaction(self) -> bool:
        """Whether the caller has begun a transaction, which `create` and its like would commit."""
        return self._database.in_transaction()

    def create(self, table: str, query: str, *, days_of: str | None = None) -> None:  # noqa: ARG002
        """Make a table of the answer to a query, which stays; this commits.

        Args:
            table: Its name, as the database quotes it.
            query: A select.
            days_of: As for `WritingEngine.create`; a database keeps days as it likes.

        Raises:
            AnalysisError: It may not be written, or the query fails on these data.
        """
        text = self._database.query(self._complete(self._translation(query)))
        self._write(self._database.permanent(table, text))
        self._database.prepare(table)

    def insert(self, table: str, query: str) -> None:
        """Add the answer to a query to a table that was made by `create`; this commits.

        Args:
            table: Its name, as the database quotes it.
            query: A select of its columns, in their order.

        Raises:
            AnalysisError: As of `create`.
        """
        text = self._database.query(self._complete(self._translation(query)))
        self._write(f"insert into {table}\n{text}")

    def drop(self, table: str) -> None:
        """Drop a table that was made by `create`; this commits.

        Args:
            table: Its name, as the database quotes it.

        Raises:
            AnalysisError: It may not be dropped.
        """
        self._write(f"drop table if exists {table}")

    def _write(self, statement: str) -> None:
        try:
            with self._session.attempt():
                self._session.run(statement)
            self._session.commit()
        except self._error as error:
            self._raise_refused(error)
            message = f"a table that is to stay cannot be written: {_first_line(error)}"
            raise AnalysisError(message) from error

    def _translation(self, query: str) -> Translation:
        return translated(query, self._dialect, self._names, rewrite=self._database.rewrite)

    def _named(self, name: str) -> str:
        """What `name` is called in the database; no table there has such a name."""
        self._names[name] = f"{name}_{self._suffix}"
        return self._names[name]

    def _keep(self, name: str, query: str) -> bool:
        """Whether a temporary table could be made."""
        if not self._database.keeps:
            return False
        table = quoted(name, self._dialect)
        try:
            with self._session.attempt():
                text = self._database.query(query)
                self._session.run(f"create temporary table {table} as\n{text}")
                self._database.prepare(table)
        except self._error as error:
            self._raise_refused(error)
            return False  # it may not be written; if it is the query, the next one says so
        self._kept.append(name)
        return True

    def _complete(self, translation: Translation) -> str:
        """A query with all the definitions that it needs before it."""
        before = {
            quoted(name, self._dialect): self._definitions[name][0]
            for name in self._needed(translation)
        }
        once = before if self._database.materializes else ()
        anew = [quoted(n, self._dialect) for n in self._cheap] if self._database.inlines else ()
        parts = {**before, **translation.parts}
        return with_parts(parts, translation.body, once=once, anew=anew)

    def _needed(self, translation: Translation) -> tuple[str, ...]:
        """The definitions that a query reads, and those that they read, in their order."""
        needed: set[str] = set()
        for called in translation.tables:
            name = self._names[called]
            if name in self._definitions:
                needed |= {name, *self._definitions[name][1]}
        return tuple(name for name in self._definitions if name in needed)

    def _raise_refused(self, error: Exception) -> None:
        refused = self._refusals.explained(self._database.told(error))
        if refused is not None:
            raise refused from error

    @contextmanager
    def _translated(self, source: str) -> Iterator[None]:
        """Let no exception of the driver through."""
        try:
            yield
        except self._error as error:
            self._raise_refused(error)
            raise _failed(source, error) from error


def _number(value: object) -> object:
    """Counts and sums that a driver gives as decimals, as Python's own numbers."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _failed(source: str, error: Exception) -> AnalysisError:
    return AnalysisError(f"{source} cannot be analyzed: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
