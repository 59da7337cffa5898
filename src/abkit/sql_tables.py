"""Tables that several processes make at once, and write the same rows to."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from abkit.errors import MissingExtraError

if TYPE_CHECKING:
    import sqlalchemy as sa

DIALECTS = ("mariadb", "mysql", "postgresql", "sqlite")
"""The databases, as SQLAlchemy names them, in which abkit's tables can be."""


_DRIVERS: Mapping[str, str] = MappingProxyType(
    {
        "MySQLdb": "PyMySQL, and a URL such as mysql+pymysql://host/name",
        "psycopg2": "psycopg, and a URL such as postgresql+psycopg://host/name",
    }
)
"""What abkit's extras have, by the driver that SQLAlchemy takes where a URL names none."""


def missing_driver(error: ModuleNotFoundError, url: object) -> MissingExtraError:
    """What to install where the driver of a database is not.

    Args:
        error: What importing the driver raised.
        url: The URL of the database.
    """
    extra = "mysql" if str(url).startswith(("mariadb", "mysql")) else "sql"
    name = error.name or "the driver"
    return MissingExtraError(_DRIVERS.get(name, name), extra)


def create_missing(connection: "sa.Connection", *tables: "sa.Table", lock: int) -> None:
    """Create those of some tables that are not there, within the connection's transaction.

    Args:
        connection: Of one of `DIALECTS`; in MySQL, what was done in its transaction is committed.
        tables: What is wanted. One that is there is not created: that may need a right of its own.
        lock: Any number, the same in every process that makes these tables.
    """
    import sqlalchemy as sa
    from sqlalchemy.schema import CreateTable

    if connection.dialect.name == "postgresql":
        # IF NOT EXISTS alone does not keep two processes apart.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))
    for table in tables:
        if not sa.inspect(connection).has_table(table.name, table.schema):
            connection.execute(CreateTable(table, if_not_exists=True))


def insertion(table: "sa.Table", values: Mapping[str, Any], dialect: str) -> Any:
    """The statement that inserts a row, and leaves one of the same key as it is.

    Args:
        table: Has a primary key.
        values: By the names of the columns.
        dialect: One of `DIALECTS`.
    """
    from sqlalchemy.dialects import mysql, postgresql, sqlite

    if dialect in ("mariadb", "mysql"):
        # Its INSERT IGNORE would also shorten what is too long.
        key = next(iter(table.primary_key.columns))
        own = mysql.insert(table).values(values)
        return own.on_duplicate_key_update({key.name: key})
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return (
        insert(table)
        .values(values)
        .on_conflict_do_nothing(index_elements=[*table.primary_key.columns])
    )
