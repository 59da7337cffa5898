"""A real ClickHouse as an engine, within the process (chDB), by its own driver and by clickhouse-connect."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from abkit.analysis.engines.connection import Connection
from abkit.analysis.engines.sessions import unwrapped
from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.sources import Table
from abkit.errors import AnalysisError

from . import golden
from .chdb_tables import chdb, clickhouse_connect, create, own_database, quoted, store, tables_of
from .connection_contract import ConnectionContract, X
from .contract import assert_alike


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

    def test_every_type_of_clickhouse_has_its_place(self) -> None:
        texts = {"text": "x", "few": "y", "fixed": "z", "uuid": str(UUID(int=7)), "enum": "on"}
        types = {
            "seconds": "UInt32",
            "decimal": "Decimal(18, 2)",
            "float": "Float64",
            "plain": "DateTime('America/New_York')",
            "fine": "DateTime64(3, 'Asia/Tokyo')",
            "nanos": "Nullable(DateTime64(9, 'UTC'))",
            "day": "Date32",
            "text": "String",
            "few": "LowCardinality(Nullable(String))",
            "fixed": "FixedString(4)",
            "uuid": "UUID",
            "enum": "Enum8('off' = 0, 'on' = 1)",
            "truth": "Bool",
            "whole": "Nullable(Float32)",
            "map": "Map(LowCardinality(String), Float64)",
            "tuple": "Tuple(org String, size UInt8)",
            "object": "JSON",
        }
        start, inner = int(golden.START), {"deep": {"er": 7}, "b c": "%", "no": None, "a": [1.5]}
        create(
            self.connection.cursor(),
            "types",
            types,
            [
                {
                    **dict.fromkeys(("seconds", "decimal", "float", "plain", "fine"), start),
                    **texts,
                    "nanos": f"{start}.25",
                    "day": "2024-03-01",
                    "truth": True,
                    "whole": 42,
                    "map": {"size": 1.5},
                    "tuple": {"org": "7", "size": 2},
                    "object": {**inner, "is": True},
                }
            ],
        )
        times = ("seconds", "decimal", "float", "plain", "fine", "nanos", "day")
        columns = [
            *(Column(name=one, kind=Kind.INSTANT, source=one) for one in times),
            *(Column(name=one, kind=Kind.TEXT, source=one) for one in (*texts, "whole")),
            Column(name="truth", kind=Kind.TRUTH, source="truth"),
            Column(name="number", kind=Kind.NUMBER, source="truth"),
            *(
                Column(name=f"{of} {key}", kind=kind, source=of, key=key)
                for of, key, kind in (
                    ("map", "size", Kind.NUMBER),
                    ("map", "none", Kind.NUMBER),
                    ("tuple", "org", Kind.TEXT),
                    ("tuple", "size", Kind.NUMBER),
                    ("tuple", "none", Kind.NUMBER),
                    ("object", "deep", Kind.TEXT),
                    ("object", "b c", Kind.TEXT),
                    ("object", "no", Kind.TEXT),
                    ("object", "a", Kind.TEXT),
                    ("object", "is", Kind.TRUTH),
                )
            ),
        ]
        with Connection(self.connection) as engine:
            engine.open("t", Table("types"), columns)
            (row,) = engine.rows("select * from t")
            assert engine.version.startswith("ClickHouse 2")
            with pytest.raises(AnalysisError, match="`uuid` is of the type UUID, which has no"):
                engine.open(
                    "u",
                    Table("types"),
                    [Column(name="x", kind=Kind.TEXT, source="uuid", key="org")],
                )
        assert row == {
            **dict.fromkeys(times, golden.micros(start)),
            "nanos": golden.micros(start + 0.25),
            "day": golden.micros(start - 43_200),
            **texts,
            "whole": "42",
            "truth": 1.0,
            "number": 1.0,
            "map size": 1.5,
            "map none": None,
            "tuple org": "7",
            "tuple size": 2.0,
            "tuple none": None,
            "object deep": '{"er":7}',
            "object b c": "%",
            "object no": None,
            "object a": "[1.5]",
            "object is": 1.0,
        }

    def test_broken_json_is_called_so(self, engine: Connection) -> None:
        column = Column(name="x", kind=Kind.TEXT, source="it", key="org")
        engine.open("t", self.table([{"it": '{"org": "'}]), [column])
        with pytest.raises(AnalysisError, match="a text is no JSON object"):
            engine.rows("select count(x) as n from t")

    def test_its_settings_are_of_its_queries_only(self) -> None:
        before = self.settings()
        with Connection(self.connection) as engine:
            engine.open("t", self.table([{"x": 1.0}]), [X])
            engine.define("kept", "select x from t", keep=True)
            assert_alike(engine.rows("select x from kept"), [{"x": 1.0}])
            assert self.settings() == before

    def settings(self) -> list[Any]:
        cursor = self.connection.cursor()
        cursor.execute("select name, value from system.settings where changed order by name")
        return list(cursor.fetchall())


@pytest.fixture(scope="module")
def by_clickhouse_connect() -> Iterator[Any]:
    with clickhouse_connect() as connection:
        yield connection


class TestClickHouseConnect(ClickHouseContract):
    @pytest.fixture
    def driver(self, by_clickhouse_connect: Any) -> Any:
        return by_clickhouse_connect

    def test_an_engine_of_sqlalchemy_is_a_connection(self) -> None:
        engine = sa.create_engine("clickhousedb:///default?interface=chdb")
        try:
            with Connection(engine) as by_engine:
                assert by_engine.version.startswith("ClickHouse 2")
                assert_alike(by_engine.rows("select 1 as n"), [{"n": 1}])
        finally:
            engine.dispose()


@pytest.fixture(scope="module")
def by_chdb() -> Iterator[Any]:
    with chdb() as connection:
        yield connection


class TestChDB(ClickHouseContract):
    @pytest.fixture
    def driver(self, by_chdb: Any) -> Any:
        return by_chdb


@pytest.mark.parametrize(
    "driver", ["clickhouse_driver.dbapi", "clickhouse_sqlalchemy.drivers.http"]
)
def test_other_drivers_are_known_by_their_modules(driver: str) -> None:
    """They are not installed here."""
    connection = type("Connection", (), {"__module__": driver, "cursor": lambda _self: None})()
    _, dialect, _ = unwrapped(connection)
    assert dialect == "clickhouse"
