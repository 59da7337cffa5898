"""A store in a schema: the numbers of a run without, whatever arrives, breaks off or runs beside it."""

import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import psycopg
import pymysql
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from abkit import UserExperiment
from abkit.analysis import Analysis, Store, Table, read_together
from abkit.errors import AnalysisError, EmptyDataError

from ...sinks.mariadb import MariaDBServer
from ...sinks.postgres import running_server
from ..engines.chdb_tables import clickhouse_connect
from .arriving_events import LENGTH, Event, Everything, actions, differences, exposures
from .arriving_rows import STORE, DuckDBTables, Tables
from .interrupted import Interrupted, Killed
from .test_continuing import outcome
from .test_store import Buyers, Spenders


def arrive(tables: Tables, seed: int, *, units: int, runs: int) -> Iterator[None]:
    """Let random events arrive, and stop from time to time."""
    rng = random.Random(seed)  # noqa: S311
    arriving = {"exposures": exposures(rng, units=units), "actions": actions(rng, units=units)}
    moments = sorted(rng.random() * LENGTH for _ in range(runs - 1))
    before = float("-inf")
    for moment in [*moments, LENGTH + 20]:
        for kind, rows in arriving.items():
            tables.add(kind, (each.event for each in rows if before < each.at <= moment))
        before = moment
        yield


def check(tables: Tables, experiment: type[UserExperiment] = Buyers) -> None:
    """Run it with the store, and compare it with one without."""
    expected = outcome(tables.analysis(experiment, None).run)
    assert [*differences(expected, outcome(tables.analysis(experiment).run))] == []


@given(st.integers(0, 2**32), st.integers(2, 3))
@settings(max_examples=2)
def test_each_run_has_the_numbers_of_a_run_from_nothing(seed: int, runs: int) -> None:
    with duckdb.connect() as connection:
        tables = DuckDBTables(connection)
        for _ in arrive(tables, seed, units=30, runs=runs):
            check(tables, Everything)


class Most(Everything):
    """What closed days are continued by in each way; databases take long to plan what has more metrics."""

    name = "everything"
    salt = "everything"
    variants = {"0": 0.5, "1": 0.5}
    metrics = [Everything.metrics[place] for place in (0, 2, 5, 7, 9)]
    plan = Everything.plan


class SQLiteTables(Tables):
    """Those of an SQLite, which has no times."""

    def value(self, value: object) -> object:
        return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


@contextmanager
def of_sqlite(_: pytest.FixtureRequest) -> Iterator[Tables]:
    with closing(sqlite3.connect(":memory:")) as connection:
        yield SQLiteTables(connection, schema="attach ':memory:' as abkit")


@contextmanager
def of_postgresql(_: pytest.FixtureRequest) -> Iterator[Tables]:
    with running_server() as server:
        address = f"host=127.0.0.1 port={server.port} user=postgres dbname=postgres"
        with psycopg.connect(address) as connection:
            yield Tables(connection, mark="%s")


@contextmanager
def of_mariadb(request: pytest.FixtureRequest) -> Iterator[Tables]:
    server: MariaDBServer = request.getfixturevalue("mariadb")
    with closing(
        pymysql.connect(host="127.0.0.1", port=server.port, user="root", charset="utf8mb4")
    ) as connection:
        with connection.cursor() as cursor:
            cursor.execute("create database arriving")
            cursor.execute("use arriving")
        yield Tables(connection, mark="%s", timestamp="datetime(6)", text="varchar(300)")
        with connection.cursor() as cursor:
            for database in ("arriving", "abkit"):
                cursor.execute(f"drop database {database}")


class ClickHouseTables(Tables):
    """Those of a ClickHouse, whose driver writes whole seconds only."""

    def value(self, value: object) -> object:
        return f"{value:%Y-%m-%d %H:%M:%S.%f}" if isinstance(value, datetime) else value


@contextmanager
def of_clickhouse(_: pytest.FixtureRequest) -> Iterator[Tables]:
    with clickhouse_connect() as connection, closing(connection.cursor()) as cursor:
        yield ClickHouseTables(
            connection,
            mark="%s",
            timestamp="DateTime64(6, 'UTC')",
            text="Nullable(String)",
            after=" engine = MergeTree order by tuple()",
            schema="create database abkit",
        )
        cursor.execute("drop database abkit")
        for kind in ("exposures", "actions"):
            cursor.execute(f"drop table {kind}")


@pytest.mark.parametrize("of", [of_sqlite, of_postgresql, of_mariadb, of_clickhouse])
def test_each_database_has_the_numbers_of_a_run_from_nothing(
    of: Callable[[pytest.FixtureRequest], Any], request: pytest.FixtureRequest
) -> None:
    with of(request) as tables, duckdb.connect() as connection:
        others = DuckDBTables(connection)
        for _ in zip(
            *(arrive(each, 5, units=20, runs=2) for each in (tables, others)), strict=True
        ):
            expected = outcome(others.analysis(Most, None).run)
            assert [*differences(expected, outcome(tables.analysis(Most).run))] == []


@pytest.fixture
def tables() -> Iterator[DuckDBTables]:
    """Two weeks of events."""
    with duckdb.connect() as connection:
        found, rng = DuckDBTables(connection), random.Random(5)  # noqa: S311
        found.add("exposures", (each.event for each in exposures(rng, units=40)))
        found.add("actions", (each.event for each in actions(rng, units=40)))
        yield found


def some_actions(name: str, *, days: float) -> list[Event]:
    """One of each of ten users, so many days after the start."""
    return [
        {
            "insert_id": f"{name}-{user}",
            "time": datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=days, seconds=user),
            "action": "buy",
            "user_id": f"u{user}",
            "properties": '{"price": 7.5}',
        }
        for user in range(10)
    ]


def stored(tables: Tables) -> list[str]:
    """The tables of the store."""
    rows = tables.run("select table_name from duckdb_tables() where schema_name = 'abkit'")
    return sorted(str(name) for (name,) in rows)


def test_a_day_whose_number_of_rows_is_the_same_is_not_read_again(tables: DuckDBTables) -> None:
    before = tables.result(Buyers)
    tables.run("update actions set action = 'none'")
    again = tables.result(Buyers)
    assert "known_units" in again.queries
    assert [*differences(before.to_dict(), again.to_dict())] == []


def test_a_day_that_has_changed_otherwise_than_by_new_rows_is_seen_with_its_next_row(
    tables: DuckDBTables,
) -> None:
    check(tables)
    ((day,),) = tables.run("select min(time) from actions where user_id = 'u3'")
    tables.run(
        f"insert into actions values ('new', timestamp '{day}', 'buy', 'u4', null)"  # noqa: S608
    )
    tables.run("update actions set action = 'none' where user_id = 'u3'")
    check(tables)


def test_rows_that_are_removed_count_no_more(tables: DuckDBTables) -> None:
    check(tables)
    tables.run("delete from actions where user_id = 'u5'")
    check(tables)
    tables.run("delete from exposures where time > timestamp '2026-03-12'")
    check(tables)
    tables.run("delete from exposures")
    with pytest.raises(EmptyDataError):
        tables.result(Buyers)


@pytest.mark.parametrize("column", ["insert_id", "action"])
def test_the_same_question_to_other_columns_is_another_one(
    tables: DuckDBTables, column: str
) -> None:
    tables.run("alter table actions add column other text")
    tables.run(
        {
            "insert_id": "update actions set other = user_id || time",
            "action": "update actions set other = case action when 'view' then 'buy' else action end",
        }[column]
    )
    for columns in ({}, {column: "other"}, {}, {column: "other"}):
        actions = Table("actions", columns)
        plain, kept = (
            evolve(tables.analysis(Buyers, store), actions=actions).run() for store in (None, STORE)
        )
        assert [*differences(plain.to_dict(), kept.to_dict())] == []


def test_actions_without_ids_are_read_anew(tables: DuckDBTables) -> None:
    tables.run("update actions set insert_id = null")
    check(tables)
    tables.add("actions", [event | {"insert_id": None} for event in some_actions("", days=3)] * 2)
    check(tables)


def test_different_actions_of_one_id_are_told_apart(tables: DuckDBTables) -> None:
    check(tables)
    tables.run(
        "insert into actions select insert_id, time + interval 5 hour, action, user_id, properties "
        "from actions where user_id < 'u3'"
    )
    check(tables, Spenders)


def test_another_metric_and_another_question_are_right_too(tables: DuckDBTables) -> None:
    check(tables)
    check(tables, Spenders)
    check(tables, Everything)


def test_what_comes_too_late_is_told(tables: DuckDBTables) -> None:
    check(tables)
    tables.add("actions", some_actions("late", days=2))
    told = [each for each in tables.result(Buyers).warnings if "had happened" in each]
    assert len(told) == 1
    assert "more than 3 days after they had happened. They count" in told[0]
    week = evolve(STORE, late=timedelta(days=90))
    tables.add("actions", some_actions("later", days=2.1))
    assert not [e for e in tables.result(Buyers, week).warnings if "had happened" in e]


def arrive_and_interrupt(tables: DuckDBTables, at: int, happens: Callable[[], object]) -> int:
    """Let actions arrive, of the last day and of an old one, and run it; the answer is how often it wrote."""
    check(tables)
    tables.add("actions", [*some_actions(f"a{at}", days=17.5), *some_actions(f"b{at}", days=3)])
    interrupted = Interrupted(tables.connection, at, happens)
    with interrupted.engine() as engine:
        analysis = evolve(tables.analysis(Buyers), engine=engine)
        expected = tables.result(Buyers, None).to_dict()
        assert [*differences(expected, analysis.run().to_dict())] == []
    return interrupted.writes


def kill() -> None:
    raise Killed


def test_a_run_that_is_killed_between_two_writes_leaves_a_store_that_the_next_one_uses(
    tables: DuckDBTables,
) -> None:
    writes = arrive_and_interrupt(tables, 10**6, kill)
    assert writes > 10
    for at in range(1, writes, 6):
        with pytest.raises(Killed):
            arrive_and_interrupt(tables, at, kill)
        check(tables)


def test_of_two_runs_at_once_both_are_right_and_the_next_one_too(tables: DuckDBTables) -> None:
    for at in (1, 5, 10):

        def another_one(at: int = at) -> None:
            with tables.connection.cursor() as beside:
                tables.add("actions", some_actions(f"beside{at}", days=4))
                found = evolve(tables.analysis(Spenders), engine=beside).run()
                tables.run(f"delete from actions where insert_id like 'beside{at}-%'")  # noqa: S608
                assert sum(count.units for count in found.counts) > 0

        arrive_and_interrupt(tables, at, another_one)
        check(tables)
        check(tables, Spenders)


def test_small_tables_become_one_and_what_nobody_reads_is_dropped(
    tables: DuckDBTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("abkit.analysis.store.schema.arriving_days.MOST_TABLES", 4)
    monkeypatch.setattr("abkit.analysis.store.schema.arriving_days.MERGED", 3)
    for run in range(7):
        check(tables)
        tables.add("actions", some_actions(f"run{run}", days=12 + run))
    many = stored(tables)
    monkeypatch.setattr("abkit.analysis.store.schema.schema_tables.GRACE", timedelta(0))
    check(tables)
    check(tables)
    few = [name for name in stored(tables) if name.startswith("abkit_store_actions_")]
    assert len(few) < 4 < len([n for n in many if n.startswith("abkit_store_actions_")])
    assert len(stored(tables)) < 14 < len(many)


def test_nothing_else_of_the_database_is_written(tables: DuckDBTables) -> None:
    query = "select table_name from duckdb_tables() where schema_name <> 'abkit' order by 1"
    before = tables.run(query), tables.run("select count(*), max(time) from actions")
    check(tables)
    assert (tables.run(query), tables.run("select count(*), max(time) from actions")) == before
    assert all(name.startswith("abkit_store_") for name in stored(tables))


def test_several_experiments_are_read_together(tables: DuckDBTables) -> None:
    read_together([tables.analysis(each) for each in (Buyers, Spenders)])
    expected = [tables.result(each, None).to_dict() for each in (Buyers, Spenders)]
    tables.run("update actions set action = 'none', properties = null")
    found: Sequence[object] = [tables.result(each).to_dict() for each in (Buyers, Spenders)]
    assert [*differences(expected, found)] == []
    with pytest.raises(AnalysisError, match="and one store="), tables.connection.cursor() as other:
        read_together([tables.analysis(Buyers), evolve(tables.analysis(Buyers), engine=other)])


def test_what_is_no_store_of_a_database_is_refused(tables: DuckDBTables) -> None:
    with pytest.raises(AnalysisError, match="in the schema nowhere: .* The schema must be there"):
        tables.result(Buyers, Store(schema="nowhere"))
    for path, schema in ((None, None), ("x.duckdb", "abkit")):
        with pytest.raises(AnalysisError, match="either a file, such as .* or a schema"):
            Store(path, schema=schema)
    for name in ("", "a..b", 7):
        with pytest.raises(AnalysisError, match="schema must be the name of a schema"):
            Store(schema=name)  # type: ignore[arg-type]
    with pytest.raises(AnalysisError, match=r"Store\(schema=...\) is kept in the database"):
        Analysis(Buyers, exposures="events", actions=None, store=STORE).run()

    class Other:
        """An engine that is no connection."""

        open = define = rows = repeats = close = None

    for method in ("open", "define", "rows", "repeats"):
        setattr(Other, method, lambda *_: None)
    with pytest.raises(AnalysisError, match="kept by a connection to a database, .* not by Other"):
        evolve(tables.analysis(Buyers), engine=Other()).run()


def test_a_table_of_the_store_that_lists_others_may_be_dropped(tables: DuckDBTables) -> None:
    for name in ("made", "dropped", "states"):
        check(tables)
        tables.run(f"drop table abkit.abkit_store_{name}")
        check(tables)


def test_a_table_of_something_else_in_the_place_of_one_of_the_store_is_refused(
    tables: DuckDBTables,
) -> None:
    tables.run("create table abkit.abkit_store_states as select 1 as place")
    with pytest.raises(AnalysisError, match="has a table of something else, .* column 'subject'"):
        tables.result(Buyers)
    assert stored(tables)[-1] == "abkit_store_states"


def test_a_transaction_of_the_callers_is_not_committed() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        found = SQLiteTables(connection, schema="attach ':memory:' as abkit")
        connection.execute("insert into actions (insert_id) values ('mine')")
        with pytest.raises(AnalysisError, match="has begun a transaction, which a store would"):
            found.result(Buyers)
        connection.rollback()
        assert found.run("select count(*) from actions") == [(0,)]
