"""Any DB-API connection as an engine: the tables are where they are, and only sums leave them."""

import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

from abkit.analysis.engines.base import Row
from abkit.analysis.engines.dialects.base import Dialect, select
from abkit.analysis.engines.dialects.described import held
from abkit.analysis.engines.dialects.duckdb import DuckDBDialect
from abkit.analysis.engines.dialects.generic import GENERIC, GenericDialect
from abkit.analysis.engines.dialects.postgres import COLUMNS, PostgresDialect
from abkit.analysis.engines.dialects.sqlite import Functions, SQLiteDialect
from abkit.analysis.engines.refusals import Refusals
from abkit.analysis.engines.sessions import Session, driver_has, error_of, unwrapped
from abkit.analysis.engines.translation import Translation, place, quoted, translated, with_parts
from abkit.analysis.reading.columns import Column
from abkit.analysis.reading.matching import match
from abkit.analysis.reading.quoting import literal
from abkit.analysis.reading.sources import Table
from abkit.errors import AnalysisError

_KEEPING = ("duckdb", "postgres", "sqlite")
"""Where temporary tables are made for what several queries read; elsewhere it is computed each time."""


class Connection:
    """Runs the queries through a DB-API connection; tables are names such as "analytics.events".

    It never commits, and writes nothing but temporary tables, which it drops again; where it may not make
    them, it repeats their queries. SQLite, PostgreSQL and DuckDB are tested, and Snowflake's driver before an
    imitation of Snowflake; BigQuery, Trino, Redshift and Databricks only as texts.

    Args:
        connection: A DB-API connection, or an engine or a connection of SQLAlchemy. It stays the
            caller's to close.
        dialect: SQLGlot's name of the dialect; None: what the connection's module suggests.

    Raises:
        AnalysisError: It is no connection, or the dialect is unknown.
        MissingExtraError: sqlglot is not installed.
    """

    def __init__(self, connection: Any, *, dialect: str | None = None) -> None:
        self._connection, guessed, self._give_back = unwrapped(connection)
        self._dialect = _checked(dialect or guessed, self._connection)
        self._error = error_of(self._connection)
        self._refusals = Refusals()
        self._suffix = f"abkit_{secrets.token_hex(4)}"
        self._names: dict[str, str] = {}
        self._definitions: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._kept: list[str] = []
        self._functions: Functions | None = None
        with self._translated("the connection"):
            self._session = Session(self._connection, self._dialect)
            if self._dialect == "sqlite":
                self._functions = Functions(self._connection)
        if self._dialect == "postgres":
            self._check_settings()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the connection as it was found."""
        try:
            if not self._session.transactional:
                for name in self._kept:
                    self._session.run(f"drop table if exists {quoted(name, self._dialect)}")
            self._session.close()
            if self._functions is not None:
                self._functions.close()
        except self._error as error:
            message = f"the connection cannot be left as it was: {_first_line(error)}"
            raise AnalysisError(message) from error
        finally:
            self._give_back()

    @property
    def version(self) -> str:
        """What computes, such as "PostgreSQL 15.13"."""
        queries = {
            "sqlite": "select 'SQLite ' || sqlite_version()",
            "postgres": "select 'PostgreSQL ' || current_setting('server_version')",
            "duckdb": "select 'DuckDB ' || version()",
        }
        if self._dialect not in queries:
            return self._dialect
        with self._translated("the database"):
            return str(self._session.run(queries[self._dialect])[1][0][0])

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
            types = self._types(where)
        matches = match(table, columns, list(types))
        selection = select(
            matches,
            types,
            dialect=self._columns(where),
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
        translation = translated(query, self._dialect, self._names)
        internal = self._named(name)
        if not (keep and self._keep(internal, self._complete(translation))):
            body = with_parts(translation.parts, translation.body)
            self._definitions[internal] = (body, self._needed(translation))

    def rows(self, query: str) -> Sequence[Row]:
        """The answer to a query, by column name.

        Raises:
            AnalysisError: The query fails on these data; the message says why.
        """
        text = self._complete(translated(query, self._dialect, self._names))
        with self._translated("the data"), self._session.attempt():
            description, rows = self._session.run(text)
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

    def _named(self, name: str) -> str:
        """What `name` is called in the database; no table there has such a name."""
        self._names[name] = f"{name}_{self._suffix}"
        return self._names[name]

    def _keep(self, name: str, query: str) -> bool:
        """Whether a temporary table could be made."""
        if self._dialect not in _KEEPING:
            return False
        table = quoted(name, self._dialect)
        try:
            with self._session.attempt():
                self._session.run(f"create temporary table {table} as\n{query}")
                if (
                    self._dialect == "postgres"
                ):  # which knows nothing of a new table, and plans badly
                    self._session.run(f"analyze {table}")
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
        # SQLite would else join rows by computing their columns once for each pair of them.
        once = before if self._dialect == "sqlite" else ()
        return with_parts({**before, **translation.parts}, translation.body, once=once)

    def _needed(self, translation: Translation) -> tuple[str, ...]:
        """The definitions that a query reads, and those that they read, in their order."""
        needed: set[str] = set()
        for called in translation.tables:
            name = self._names[called]
            if name in self._definitions:
                needed |= {name, *self._definitions[name][1]}
        return tuple(name for name in self._definitions if name in needed)

    def _types(self, where: str) -> Mapping[str, str]:
        """The columns of a table and their types, as far as its dialect wants to know them."""
        if self._dialect == "postgres":
            return dict(self._session.run(COLUMNS.format(table=literal(where)))[1])  # type: ignore[arg-type]
        if self._dialect == "duckdb":
            return {str(row[0]): str(row[1]) for row in self._session.run(f"describe {where}")[1]}
        description, _ = self._session.run(f"select * from {where} where 1 = 0")  # noqa: S608
        return {column[0]: held(column, self._dialect, self._driver_has) for column in description}

    def _driver_has(self, name: str) -> object:
        return driver_has(self._connection, name)

    def _columns(self, where: str) -> Dialect:
        if self._dialect == "sqlite":
            return SQLiteDialect()
        if self._dialect == "postgres":
            return PostgresDialect()
        if self._dialect == "duckdb":
            return DuckDBDialect(lambda sql: self._type_of(sql, where))
        return GenericDialect(self._dialect)

    def _type_of(self, sql: str, where: str) -> str | None:
        query = f"describe select {sql} from {where}"  # noqa: S608 - names are quoted
        try:
            rows = self._session.run(query)[1]
        except self._error:
            return None
        return str(rows[0][1])

    def _check_settings(self) -> None:
        """Refuse a setting under which a backslash in a name could end a constant."""
        with self._translated("the connection"):
            _, ((setting,),) = self._session.run("show standard_conforming_strings")
        if setting != "on":
            message = "the connection must have standard_conforming_strings on, its default"
            raise AnalysisError(message)

    def _raise_refused(self, error: Exception) -> None:
        said = self._functions.taken() if self._functions is not None else ""
        refused = self._refusals.explained(said or str(error))
        if refused is not None:
            raise refused from error

    @contextmanager
    def _translated(self, source: str) -> Iterator[None]:
        """Let no exception of the driver through."""
        try:
            yield
        except self._error as error:
            self._raise_refused(error)
            message = f"{source} cannot be analyzed: {_first_line(error)}"
            raise AnalysisError(message) from error


def _checked(dialect: str | None, connection: object) -> str:
    known = sorted({"sqlite", "postgres", *GENERIC})
    if dialect in known:
        return dialect
    what = f"the dialect {dialect!r} is not known"
    if dialect is None:
        what = f"the dialect of {type(connection).__module__} is not known; name it with dialect="
    message = f"{what}. The dialects are {', '.join(known)}"
    raise AnalysisError(message)


def _number(value: object) -> object:
    """Counts and sums that a driver gives as decimals, as Python's own numbers."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
