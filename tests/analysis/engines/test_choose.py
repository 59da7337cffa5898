"""Which engine stands for what a caller gives."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from abkit.analysis.engines.choose import engine_for
from abkit.analysis.engines.connection import Connection
from abkit.analysis.engines.local import DuckDB
from abkit.errors import AnalysisError


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        yield connection


def test_nothing_is_duckdb() -> None:
    engine = engine_for(None)
    assert isinstance(engine, DuckDB)
    assert engine.version.startswith("DuckDB ")
    engine.close()


def test_an_engine_is_taken_as_it_is(database: sqlite3.Connection) -> None:
    with DuckDB() as engine:
        assert engine_for(engine) is engine
    with Connection(database) as connected:
        assert engine_for(connected) is connected


def test_a_connection_or_an_engine_of_sqlalchemy_is_a_connection(
    database: sqlite3.Connection,
) -> None:
    import sqlalchemy as sa

    pool = sa.create_engine("sqlite://")
    for value in (database, pool):
        engine = engine_for(value)
        assert isinstance(engine, Connection)
        assert engine.rows("select 1 as one") == [{"one": 1}]
        engine.close()
    pool.dispose()


def test_a_connection_of_duckdb_is_a_connection_to_its_tables() -> None:
    import duckdb

    with duckdb.connect() as database:
        database.execute("create table t (x integer)")
        engine = engine_for(database)
        assert isinstance(engine, Connection)
        engine.close()


def test_a_session_of_spark_is_spark(spark: Any) -> None:
    engine = engine_for(spark)
    assert engine.version == f"Spark {spark.version}"


@pytest.mark.parametrize("value", [42, "duckdb", object()])
def test_anything_else_is_refused_with_what_would_do(value: object) -> None:
    with pytest.raises(
        AnalysisError, match="is no engine. Leave it out .* or give a DB-API connec"
    ):
        engine_for(value)
