"""DB-API connections as engines: SQLite, a real PostgreSQL, and DuckDB; other dialects as texts."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from abkit.analysis.engines.connection import Connection
from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.sources import Table
from abkit.errors import AnalysisError
from abkit.sinks.sql import SqlSink

from ...sinks.postgres import PostgresServer, running_server
from . import golden
from .connection_contract import ConnectionContract, TransactionContract, X, quoted
from .contract import assert_alike


class TestSQLite(TransactionContract):
    real = "real"

    @pytest.fixture(autouse=True)
    def database(self, tmp_path: Path) -> Iterator[None]:
        self.path = tmp_path / "events.db"
        with closing(sqlite3.connect(self.path)) as connection:
            self.connection = connection
            yield

    @pytest.fixture
    def own(self) -> tuple[Table, Table]:
        with closing(SqlSink(f"sqlite:///{self.path}")) as sink:
            golden.send_all(sink)
        return golden.tables("abkit_exposures", "main.abkit_actions")

    def all_tables(self) -> list[str]:
        query = "select name from sqlite_master union all select name from sqlite_temp_master"
        return [name for (name,) in self.connection.execute(query)]

    def test_a_connection_that_only_reads_will_do(self) -> None:
        name = self.store([{"x": 1.0}, {"x": 2.0}])
        for setting in ("mode=ro", "mode=ro&immutable=1"):
            only = sqlite3.connect(f"file:{self.path}?{setting}", uri=True)
            only.execute("pragma query_only = 1")
            with closing(only), Connection(only) as engine:
                engine.open("t", Table(name), [X])
                engine.define("kept", "select x from t where x > 1", keep=True)
                assert_alike(engine.rows("select sum(x) as x from kept"), [{"x": 2.0}])

    def test_rows_may_be_of_any_kind(self) -> None:
        self.connection.row_factory = sqlite3.Row
        with Connection(self.connection) as engine:
            engine.open("t", self.table([{"x": 1.0}]), [X])
            assert_alike(engine.rows("select x, 2 as y from t"), [{"x": 1.0, "y": 2}])

    def test_an_sqlite_without_mathematics_is_given_it(self) -> None:
        class Plain(sqlite3.Connection):
            """Knows of ln, floor and exp only once it was given them, as SQLite without its extras."""

            given: set[str] = set()

            def create_function(self, name: str, *arguments: Any, **options: Any) -> None:
                self.given.add(name)
                super().create_function(name, *arguments, **options)

            def execute(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
                name = statement.removeprefix("select ").partition("(")[0]
                if name in ("ln", "floor", "exp") and name not in self.given:
                    raise sqlite3.OperationalError("no such function")
                return super().execute(statement, *parameters)

        query = (
            "select ln(2.5) as a, floor(-2.5) as b, exp(1.0) as c, ln(0.0) as d, floor(null) as e"
        )
        wanted = {"a": 0.9162907318741551, "b": -3.0, "c": 2.718281828459045, "d": None, "e": None}
        with (
            closing(sqlite3.connect(":memory:", factory=Plain)) as plain,
            Connection(plain) as engine,
        ):
            assert_alike(engine.rows(query), [wanted])
            assert {"ln", "floor", "exp"} <= Plain.given
        with Connection(self.connection) as engine:
            assert_alike(engine.rows(query), [wanted])

    def test_an_engine_of_sqlalchemy_is_a_connection(self) -> None:
        name = self.store([{"x": 1.0}])
        engine = sa.create_engine(f"sqlite:///{self.path}")
        with Connection(engine) as by_engine:
            by_engine.open("t", Table(name), [X])
            assert_alike(by_engine.rows("select x from t"), [{"x": 1.0}])
            assert by_engine.version.startswith("SQLite 3.")
        with engine.connect() as connection, Connection(connection) as by_connection:
            by_connection.open("t", Table(name), [X])
            assert_alike(by_connection.rows("select x from t"), [{"x": 1.0}])
        assert engine.pool.status().endswith("Current Checked out connections: 0")
        engine.dispose()


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    with running_server() as server:
        yield server


class TestPostgres(TransactionContract):
    mark = "%s"

    @pytest.fixture(autouse=True)
    def database(self, server: PostgresServer) -> Iterator[None]:
        import psycopg

        self.server = server
        self.schema = f"s{uuid4().hex}"
        with psycopg.connect(self.address()) as connection:
            connection.execute(f"create schema {self.schema}")
            connection.execute(f"set search_path = {self.schema}, public")
            connection.execute("set timezone = 'America/New_York'")
            connection.commit()
            self.connection = connection
            yield

    def address(self, user: str = "postgres") -> str:
        return f"host=127.0.0.1 port={self.server.port} user={user} dbname=postgres"

    @pytest.fixture
    def own(self) -> tuple[Table, Table]:
        with closing(SqlSink(self.server.url, schema=self.schema)) as sink:
            golden.send_all(sink)
        return golden.tables(f"{self.schema}.abkit_exposures", f'{self.schema}."abkit_actions"')

    def all_tables(self) -> list[str]:
        query = "select relname from pg_class where relkind = 'r' order by 1"
        with self.connection.cursor() as cursor:
            names = [name for (name,) in cursor.execute(query)]
        self.connection.commit()
        return names

    def test_an_own_transaction_ends_with_the_engine(self) -> None:
        import psycopg

        name = self.store([{"x": 1.0}])
        with Connection(self.connection) as engine:
            engine.open("t", Table(name), [X])
            with pytest.raises(AnalysisError):
                engine.rows("select nothing from t")
        assert self.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE

    def test_a_connection_that_commits_by_itself_keeps_nothing(self) -> None:
        name = self.store([{"x": 1.0}])
        before = self.all_tables()
        self.connection.autocommit = True
        with Connection(self.connection) as engine:
            engine.open("t", Table(name), [X])
            engine.define("kept", "select x from t", keep=True)
            with pytest.raises(AnalysisError):
                engine.rows("select nothing from t")
            assert_alike(engine.rows("select x from kept"), [{"x": 1.0}])
        self.connection.autocommit = False
        assert self.all_tables() == before

    def test_a_connection_that_only_reads_will_do(self) -> None:
        name = self.store([{"x": 1.0}, {"x": 2.0}])
        self.connection.read_only = True
        with Connection(self.connection) as engine:
            engine.open("t", Table(name), [X])
            engine.define("kept", "select x from t where x > 1", keep=True)
            engine.define(
                "more", "with k as (select x from kept) select x + 1.0 as x from k", keep=True
            )
            assert_alike(engine.rows("select sum(x) as x from more"), [{"x": 3.0}])

    def test_rows_may_be_of_any_kind(self) -> None:
        from psycopg.rows import dict_row

        name = self.store([{"x": 1.0}])
        self.connection.row_factory = dict_row
        with Connection(self.connection) as engine:
            engine.open("t", Table(name), [X])
            assert_alike(
                engine.rows("select x, sum(2) as y from t group by x"), [{"x": 1.0, "y": 2}]
            )

    def test_a_session_in_which_backslashes_escape_is_refused(self) -> None:
        self.connection.execute("set standard_conforming_strings = off")
        with pytest.raises(AnalysisError, match="standard_conforming_strings"):
            Connection(self.connection)
        self.connection.rollback()

    def test_every_type_of_postgresql_has_its_place(self) -> None:
        self.connection.execute(
            "create table types as select "
            "timestamp '2024-03-01 12:00:00.25' as a, timestamptz '2024-03-01 14:00:00.25+02' as b, "
            "1709294400.25::numeric as c, 1709294400.25::double precision as d, "
            "42.00::numeric as e, 42::real as f, 'infinity'::timestamp as g, true as h, "
            """'{"org": {"deep": "7"}}'::jsonb as i, '"text"'::jsonb as j, 'x'::char(3) as k, """
            "date '2024-03-01' as l"
        )
        self.connection.commit()
        kinds = {
            **dict.fromkeys("abcdgl", Kind.INSTANT),
            **dict.fromkeys("efj", Kind.TEXT),
            "h": Kind.TRUTH,
        }
        columns = [Column(name=one, kind=kind, source=one) for one, kind in kinds.items()]
        columns.append(Column(name="i", kind=Kind.TEXT, source="i", key="org"))
        columns.append(Column(name="m", kind=Kind.NUMBER, source="h"))
        with Connection(self.connection) as engine:
            engine.open("t", Table("types"), columns)
            (row,) = engine.rows("select * from t")
            assert engine.version.startswith("PostgreSQL 1")
            with pytest.raises(
                AnalysisError, match='"e" is of the type numeric, which has no entry'
            ):
                key = Column(name="x", kind=Kind.TEXT, source="e", key="org")
                engine.open("u", Table("types"), [key])
        quarter = golden.micros(golden.START + 0.25)
        assert row == {
            **dict.fromkeys("abcd", quarter),
            "g": None,
            "l": golden.micros(golden.START) - 43_200_000_000,
            "e": "42",
            "f": "42",
            "j": "text",
            "h": 1.0,
            "i": '{"deep": "7"}',
            "m": 1.0,
        }


class TestDuckDBConnection(ConnectionContract):
    real = "double"

    @pytest.fixture(autouse=True)
    def database(self) -> Iterator[None]:
        import duckdb

        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'America/New_York'")
            self.connection = connection
            yield

    def store(self, rows: Sequence[Mapping[str, Any]], name: str = "") -> str:
        import pyarrow as pa

        return self.store_arrow(pa.Table.from_pylist(list(rows)), name)

    def store_arrow(self, table: Any, name: str = "") -> str:
        name = name or f"t {uuid4().hex}"
        self.connection.register("arrow", table)
        self.connection.execute(f"create table {quoted(name)} as from arrow")
        self.connection.unregister("arrow")
        return name

    @pytest.fixture
    def own(self) -> tuple[Table, Table]:
        exposures, actions = map(self.store_arrow, golden.arrow_tables(own=True))
        return golden.tables(exposures, actions)

    def all_tables(self) -> list[str]:
        return [row[2] for row in self.connection.execute("show all tables").fetchall()]

    def test_the_time_zone_of_the_connection_stays(self) -> None:
        with Connection(self.connection) as engine:
            assert engine.rows("select 1 as x") == [{"x": 1}]
        zone = self.connection.execute("select current_setting('TimeZone')").fetchone()
        assert zone == ("America/New_York",)


class Unknown:
    def cursor(self) -> None: ...


def test_an_unknown_driver_needs_the_name_of_its_dialect() -> None:
    with pytest.raises(
        AnalysisError, match="name it with dialect=. The dialects are bigquery, .*, trino"
    ):
        Connection(Unknown())
    with (
        closing(sqlite3.connect(":memory:")) as connection,
        pytest.raises(AnalysisError, match="'oracle' is not known. The dialects are"),
    ):
        Connection(connection, dialect="oracle")


def test_what_is_no_connection_is_refused() -> None:
    from sqlalchemy.ext.asyncio import create_async_engine

    for nothing in (42, "sqlite:///events.db", create_async_engine("postgresql+psycopg://h/x")):
        with pytest.raises(AnalysisError, match="is no DB-API connection; give one such as"):
            Connection(nothing)


def test_a_closed_connection_is_refused_without_an_exception_of_the_driver() -> None:
    connection = sqlite3.connect(":memory:")
    connection.close()
    with pytest.raises(AnalysisError, match="the connection cannot be analyzed: .*closed database"):
        Connection(connection)
