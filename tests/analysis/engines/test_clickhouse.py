"""A real ClickHouse as an engine: chDB, which is one within the process."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

import pytest

from abkit.analysis.engines.connection import Connection
from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.sources import Table
from abkit.errors import AnalysisError

from . import golden
from .chdb_tables import create, quoted, store
from .connection_contract import ConnectionContract, X
from .contract import assert_alike

dbapi = pytest.importorskip("chdb.dbapi", reason="chdb is not installed")


@pytest.fixture(scope="module")
def chdb() -> Iterator[Any]:
    connection = dbapi.connect()
    yield connection
    connection.close()


class TestClickHouse(ConnectionContract):
    mark = "%s"
    real = "Nullable(Float64)"

    @pytest.fixture(autouse=True)
    def database(self, chdb: Any) -> Iterator[None]:
        self.connection = chdb
        schema = f"s{uuid4().hex}"
        cursor = chdb.cursor()
        cursor.execute(f"create database {schema}")
        cursor.execute(f"use {schema}")
        yield
        cursor.execute("use default")
        cursor.execute(f"drop database {schema}")

    def quoted(self, name: str) -> str:
        return quoted(name)

    def store(self, rows: Sequence[Mapping[str, Any]], name: str = "") -> str:
        name = name or f"t {uuid4().hex}"
        columns = {one: self.type_of(row[one] for row in rows) for one in rows[0]}
        create(self.connection.cursor(), name, columns, rows)
        return name

    def type_of(self, values: Any) -> str:
        types = {type(value) for value in values} - {type(None)}
        return "Nullable(Float64)" if types == {float} else "Nullable(String)"

    @pytest.fixture
    def own(self) -> tuple[Table, Table]:
        tables = store(self.connection.cursor(), [*golden.EXPOSURES, *golden.ACTIONS])
        return golden.tables(tables["exposures"], tables["actions"])

    def all_tables(self) -> list[str]:
        cursor = self.connection.cursor()
        cursor.execute("select name from system.tables where database in ('', currentDatabase())")
        return sorted(name for (name,) in cursor.fetchall())
