"""How a caller's connection is used without a trace: its transaction, its rows, its errors."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from abkit.errors import AnalysisError

_IDLE = 0
_DIALECTS = {
    "MySQLdb": "mysql",
    "_duckdb": "duckdb",
    "chdb": "clickhouse",
    "clickhouse_connect": "clickhouse",
    "clickhouse_driver": "clickhouse",
    "clickhouse_sqlalchemy": "clickhouse",
    "databricks": "databricks",
    "duckdb": "duckdb",
    "google": "bigquery",
    "mariadb": "mysql",
    "mysql": "mysql",
    "pg8000": "postgres",
    "psycopg": "postgres",
    "psycopg2": "postgres",
    "pymysql": "mysql",
    "redshift_connector": "redshift",
    "snowflake": "snowflake",
    "sqlite3": "sqlite",
    "trino": "trino",
}
_NAMES = {"clickhousedb": "clickhouse", "mariadb": "mysql", "postgresql": "postgres"}
_SAVEPOINT = "abkit_analysis"
_ERRORS_OF_CHDB = (("chdb.dbapi.err", "Error"), ("chdb._exceptions", "ChdbError"))
"""It has PEP 249's in a module of its own, and lets those of the database through."""

Errors: TypeAlias = tuple[type[Exception], ...]
"""What `except` takes."""


def unwrapped(connection: Any) -> tuple[Any, str | None, Callable[[], None]]:
    """A DB-API connection; the dialect if it can be told; and what gives the connection back.

    Args:
        connection: A DB-API connection, or an engine or a connection of SQLAlchemy.

    Raises:
        AnalysisError: It is none of these.
    """
    given_back: Callable[[], None] = _nothing
    dialect = None
    given = connection
    if _root(connection) == "sqlalchemy" and not _is_asynchronous(connection):
        dialect = _NAMES.get(connection.dialect.name, connection.dialect.name)
        if hasattr(connection, "raw_connection"):
            pooled = connection.raw_connection()
            given_back = pooled.close
        else:
            pooled = connection.connection
        connection = pooled.dbapi_connection
    if not callable(getattr(connection, "cursor", None)) or _is_asynchronous(connection):
        message = (
            f"{type(given).__name__} is no DB-API connection; give one such as that of "
            "sqlite3.connect or psycopg.connect, or an engine of SQLAlchemy"
        )
        raise AnalysisError(message)
    return connection, dialect or _of_module(connection), given_back


def driver_has(connection: object, name: str) -> Any:
    """What the driver's module calls `name`, such as "Error"; None if it has no such thing."""
    for of in type(connection).__mro__:
        parts = of.__module__.split(".")
        for count in range(len(parts), 0, -1):
            found = getattr(sys.modules.get(".".join(parts[:count])), name, None)
            if found is not None:
                return found
    return None


def error_of(connection: object) -> Errors:
    """What the connection raises: the Error of PEP 249, of the module of its driver.

    Raises:
        AnalysisError: It is no connection of such a module.
    """
    found = [driver_has(connection, "Error")]
    if _root(connection) == "chdb":
        found += [getattr(sys.modules.get(module), name, None) for module, name in _ERRORS_OF_CHDB]
    errors = tuple(
        error for error in found if isinstance(error, type) and issubclass(error, Exception)
    )
    if errors:
        return errors
    message = f"{type(connection).__name__} is no DB-API connection: its module has no Error"
    raise AnalysisError(message)


class Session:
    """Runs statements on a connection, and leaves it as it was found.

    On PostgreSQL a transaction of the caller's stays open, with all that it did; one that begins here ends
    here. Nothing is committed but by `commit`.

    Attributes:
        connection: The driver's connection.
        error: What it raises.
        in_transaction: Whether the caller has begun a transaction, as far as the connection tells.
        committed: Whether something has been committed here.

    Args:
        connection: A DB-API connection.
        dialect: SQLGlot's name of the dialect.
    """

    def __init__(self, connection: Any, dialect: str) -> None:
        self.connection: Any = connection
        self.error: Errors = error_of(connection)
        self._cursor = connection.cursor()  # only one: in DuckDB each has its own temporary tables
        self._in_transaction = False
        self._began = False
        self._commits_itself = dialect == "duckdb"  # and has nothing to commit afterwards
        self.committed: bool = False
        self.in_transaction: bool = getattr(connection, "in_transaction", False) is True
        if dialect == "postgres":
            status = getattr(getattr(connection, "info", None), "transaction_status", _IDLE)
            automatic = bool(getattr(connection, "autocommit", False))
            self._in_transaction = int(status) != _IDLE
            self._began = not self._in_transaction and not automatic
            self.in_transaction = self._in_transaction
            if self._in_transaction:
                self.run(f"savepoint {_SAVEPOINT}")

    @property
    def transactional(self) -> bool:
        """Whether a statement that fails spoils those that follow."""
        return self._began or self._in_transaction

    def run(self, statement: str) -> tuple[list[Any], list[tuple[object, ...]]]:
        """The answer to a statement: what PEP 249 calls the description, and the rows."""
        try:
            self._cursor.execute(statement)
        except self.error:
            if (
                _root(self.connection) == "chdb"
            ):  # puts the names of a failed answer before the next
                self._cursor.execute("select 1")
            raise
        description = list(self._cursor.description or ())
        names = [column[0] for column in description]
        rows = [_plain(row, names) for row in self._cursor.fetchall()] if description else []
        return description, rows

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Statements that may fail: then it is as if they had never been run."""
        if not self.transactional:
            yield
            return
        self.run("savepoint abkit_attempt")
        try:
            yield
        except self.error:
            self.run("rollback to savepoint abkit_attempt")
            raise
        finally:
            self.run("release savepoint abkit_attempt")

    def commit(self) -> None:
        """Keep what was written; not for a connection that has a transaction of the caller's."""
        self.committed = True
        if not self._commits_itself:
            self.connection.commit()

    def close(self) -> None:
        """Undo, as far as a transaction can."""
        if self._in_transaction:
            self.run(f"rollback to savepoint {_SAVEPOINT}")
            self.run(f"release savepoint {_SAVEPOINT}")
        self._cursor.close()
        if self._began:
            self.connection.rollback()


def _plain(row: Any, names: Sequence[str]) -> tuple[object, ...]:
    """A row as a tuple, whatever the connection makes of rows."""
    return tuple(row[name] for name in names) if hasattr(row, "keys") else tuple(row)


def _root(value: object) -> str:
    return type(value).__module__.partition(".")[0]


def _of_module(connection: object) -> str | None:
    """The dialect of a driver, also if the connection is of a class derived from the driver's."""
    roots = (of.__module__.partition(".")[0] for of in type(connection).__mro__)
    return next((_DIALECTS[root] for root in roots if root in _DIALECTS), None)


def _is_asynchronous(connection: object) -> bool:
    from inspect import iscoroutinefunction

    return "asyncio" in type(connection).__module__ or iscoroutinefunction(
        getattr(connection, "commit", None)
    )


def _nothing() -> None:
    """There is nothing to give back."""
