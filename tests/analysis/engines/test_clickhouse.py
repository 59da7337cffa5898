"""A real ClickHouse as an engine, within the process (chDB), by its own driver and by clickhouse-connect."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

import pytest

from abkit.analysis.reading.sources import Table

from . import golden
from .chdb_tables import chdb, clickhouse_connect, create, own_database, quoted, store, tables_of
from .connection_contract import ConnectionContract


class ClickHouseContract(ConnectionContract):
    """Give the fixture `driver`, a connection."""

    @pytest.fixture(autouse=True)
    def database(self, driver: Any) -> Iterator[None]:
        self.connection = driver
        with own_database(driver):
            yield

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
        return tables_of(self.connection.cursor())


@pytest.fixture(scope="module")
def by_clickhouse_connect() -> Iterator[Any]:
    with clickhouse_connect() as connection:
        yield connection


class TestClickHouseConnect(ClickHouseContract):
    @pytest.fixture
    def driver(self, by_clickhouse_connect: Any) -> Any:
        return by_clickhouse_connect


@pytest.fixture(scope="module")
def by_chdb() -> Iterator[Any]:
    with chdb() as connection:
        yield connection


class TestChDB(ClickHouseContract):
    @pytest.fixture
    def driver(self, by_chdb: Any) -> Any:
        return by_chdb
