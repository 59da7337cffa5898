"""Tables of ClickHouse, as those who have events there make them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from abkit.events import ACTION_COLUMNS, EXPOSURE_COLUMNS, IDENTITY_COLUMNS, Event
from abkit.sinks.records import by_kind, record

OWN = {"exposures": EXPOSURE_COLUMNS, "actions": ACTION_COLUMNS, "identities": IDENTITY_COLUMNS}
TYPES = {
    "text": "String",
    "timestamp": "DateTime64(6, 'Europe/Berlin')",
    "map": "Map(String, String)",
    "json": "String",
}
NULLABLE = ("user_id", "weights")
FEW = ("experiment", "salt", "unit_type", "variant", "action")


def quoted(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`").replace("%", "\\x25") + "`"


@contextmanager
def chdb() -> Iterator[Any]:
    """A connection of chDB's own driver."""
    driver = pytest.importorskip("chdb.dbapi", reason="it is not installed")
    with closing(driver.connect()) as connection:
        yield connection


@contextmanager
def clickhouse_connect() -> Iterator[Any]:
    """A connection of ClickHouse's own driver for servers, to a ClickHouse within the process."""
    driver = pytest.importorskip("clickhouse_connect.dbapi", reason="it is not installed")
    pytest.importorskip("chdb", reason="it is not installed")
    with driver.connect(interface="chdb") as connection:
        yield connection


def tables_of(cursor: Any) -> list[str]:
    """The names of the tables that there are, the session's temporary ones too."""
    cursor.execute("select name from system.tables where database in ('', currentDatabase())")
    return sorted(name for (name,) in cursor.fetchall())


@contextmanager
def own_database(connection: Any) -> Iterator[Any]:
    """A cursor, and a database of its own as the connection's, for a while."""
    name, cursor = f"s{uuid4().hex}", connection.cursor()
    cursor.execute(f"create database {name}")
    cursor.execute(f"use {name}")
    try:
        yield cursor
    finally:
        cursor.execute("use default")
        cursor.execute(f"drop database {name}")


def create(
    cursor: Any, table: str, columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]]
) -> None:
    """Make a table of columns of these types that has these rows."""
    listed = ", ".join(f"{quoted(name)} {type_}" for name, type_ in columns.items())
    cursor.execute(f"create table {quoted(table)} ({listed}) engine = MergeTree order by tuple()")
    texts = "\n".join(json.dumps(row, default=_written) for row in rows)
    texts = texts.replace("%", "\\u0025")  # of two, clickhouse-connect would make one
    if texts:
        cursor.execute(f"insert into {quoted(table)} format JSONEachRow\n{texts}")


def store(cursor: Any, events: Iterable[Event], *, properties: str = "String") -> dict[str, str]:
    """Make the tables of abkit's events; the answer is what they are called.

    Args:
        cursor: Of a connection to the database that shall have them.
        events: What they hold.
        properties: The type of what holds the properties.
    """
    stored = by_kind([(event, record(event)) for event in events])
    tables = dict(zip(OWN, stored, strict=True))
    for name, columns in OWN.items():
        types = {column: _type(column, kind, properties) for column, kind in columns.items()}
        rows = tables[name]
        if properties == "JSON":
            rows = [
                {**row, "properties": json.loads(str(row.get("properties") or "{}"))}
                for row in rows
            ]
        create(cursor, f"abkit_{name}", types, rows)
    return {name: f"abkit_{name}" for name in OWN}


def _type(column: str, kind: str, properties: str) -> str:
    if column == "properties":
        return properties
    if column in NULLABLE:
        return f"Nullable({TYPES[kind]})"
    return f"LowCardinality({TYPES[kind]})" if column in FEW else TYPES[kind]


def _written(value: Any) -> str:
    """A time as seconds since 1970, which is the same in every zone."""
    assert isinstance(value, datetime)
    return f"{value.timestamp():.6f}"
