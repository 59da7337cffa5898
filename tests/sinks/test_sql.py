"""The sink that writes rows, on SQLite and on real servers of PostgreSQL and MariaDB."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from abkit.errors import DeliveryError, MissingExtraError
from abkit.events import ACTION_COLUMNS, EXPOSURE_COLUMNS, IDENTITY_COLUMNS, Event
from abkit.sinks.base import Rejected, Retry
from abkit.sinks.sql import SqlSink

from .contract import POISON, TIME, WEIGHTS, SinkContract, action, exposure, identity
from .mariadb import MariaDBServer
from .postgres import PostgresServer, running_server


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    with running_server() as server:
        yield server


def some_events(count: int = 20, prefix: str = "i") -> list[Event]:
    exposures = [exposure(str(n), insert_id=f"{prefix}e{n}") for n in range(count)]
    return [*exposures, *(action(insert_id=f"{prefix}a{n}") for n in range(count))]


def started(program: str, *arguments: str) -> "subprocess.Popen[str]":
    """A process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


MAKE_EVENTS = """
from abkit.events import Action, Exposure
from abkit.sinks.base import Retry
from abkit.sinks.sql import SqlSink

def events(first, last):
    for n in range(first, last):
        yield Exposure(experiment="E", salt="s", unit_type="org", unit_id=f"{n}", variant="a", time=0.0,
                       groups={"org": "1"}, properties={"odd": float("nan")}, insert_id=f"{n}")
        yield Action(name="clicked", time=0.0, insert_id=f"{n}")
"""

SEND_IN_PIECES = """
import sys
url, schema, step = sys.argv[1], sys.argv[2] or None, int(sys.argv[3])
sink = SqlSink(url, schema=schema)
for first in range(0, 100, 20):
    piece = list(events(first, first + 20))[::step]
    outcome = sink.send(piece)
    while isinstance(outcome, Retry):
        outcome = sink.send(piece)
    assert outcome is None
sink.close()
"""

FORK = """
import os, sys
url, schema = sys.argv[1], sys.argv[2] or None
sink = SqlSink(url, schema=schema)
assert sink.send(list(events(0, 10))) is None
child = os.fork()
if child == 0:
    assert sink.send(list(events(10, 20))) is None
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
assert sink.send(list(events(20, 30))) is None
"""

LATE_IMPORTS = """
import sys
url, schema = sys.argv[1], sys.argv[2] or None
sink = SqlSink(url, schema=schema)
batch = list(events(0, 1))
before = set(sys.modules)
assert sink.send(batch) is None
print(sorted(set(sys.modules) - before))
"""


class SqlSinkContract(SinkContract):
    url: str
    schema: str | None = None

    @pytest.fixture
    def sink(self) -> Iterator[SqlSink]:
        sink = SqlSink(self.url, schema=self.schema)
        yield sink
        sink.close()

    def rows(self, table: str) -> list[dict[str, Any]]:
        engine = sa.create_engine(self.url)
        with engine.connect() as connection:
            select = sa.text(f"SELECT * FROM {self.place(table)}")  # noqa: S608
            rows = connection.execute(select).mappings()
            found = [dict(row) for row in rows]
        engine.dispose()
        return found

    def count(self, sink: Any) -> tuple[int, int]:
        return len(self.rows("abkit_exposures")), len(self.rows("abkit_actions"))

    def count_identities(self, sink: Any) -> int:
        return len(self.rows("abkit_identities"))

    def place(self, table: str) -> str:
        return f"{self.schema}.{table}" if self.schema else table

    def test_the_columns_are_those_of_the_schema(self, sink: SqlSink) -> None:
        sink.send([exposure(), action(), identity()])
        assert list(self.rows("abkit_exposures")[0]) == list(EXPOSURE_COLUMNS)
        assert list(self.rows("abkit_actions")[0]) == list(ACTION_COLUMNS)
        assert list(self.rows("abkit_identities")[0]) == list(IDENTITY_COLUMNS)

    def test_a_batch_that_comes_twice_is_stored_once(self, sink: SqlSink) -> None:
        self.send(sink, *some_events())
        self.send(sink, *some_events())
        assert self.count(sink) == (20, 20)

    def test_an_id_twice_in_one_batch_is_stored_once(self, sink: SqlSink) -> None:
        self.send(sink, exposure("1", insert_id="i"), exposure("1", insert_id="i"))
        assert self.count(sink) == (1, 0)

    def test_a_row_is_never_changed(self, sink: SqlSink) -> None:
        self.send(sink, exposure("1", insert_id="i"))
        self.send(sink, exposure("2", insert_id="i"))
        assert [row["unit_id"] for row in self.rows("abkit_exposures")] == ["1"]

    def test_two_processes_may_begin_at_once_and_write_the_same_ids(self) -> None:
        """Both create the tables, and send the same events in opposite orders."""
        processes = [self.started(SEND_IN_PIECES, step) for step in ("1", "-1")]
        for process in processes:
            process.communicate(timeout=60)
        assert [process.returncode for process in processes] == [0, 0]
        assert self.count(None) == (100, 100)

    def test_parent_and_forked_child_have_connections_of_their_own(self) -> None:
        process = self.started(FORK)
        process.communicate(timeout=60)
        assert process.returncode == 0
        assert self.count(None) == (30, 30)

    def test_the_first_batch_imports_nothing(self) -> None:
        """A fork in the middle of an import, or the end of the program, would be fatal."""
        printed, _ = self.started(LATE_IMPORTS).communicate(timeout=60)
        assert printed.strip() == "[]"

    def started(self, program: str, *arguments: str) -> "subprocess.Popen[str]":
        return started(MAKE_EVENTS + program, self.url, self.schema or "", *arguments)

    def test_an_engine_stays_the_callers(self) -> None:
        engine = sa.create_engine(self.url)
        sink = SqlSink(engine, schema=self.schema)
        self.send(sink, exposure())
        pool = engine.pool
        sink.close()
        assert engine.pool is pool
        engine.dispose()

    def test_a_table_that_was_dropped_is_made_again(self, sink: SqlSink) -> None:
        self.send(sink, *some_events())
        self.drop("abkit_actions")
        outcome = sink.send(some_events(prefix="j"))
        assert isinstance(outcome, Retry)
        assert "abkit_actions" in outcome.reason
        self.send(sink, *some_events(prefix="j"))
        assert self.count(sink) == (40, 20)

    def drop(self, table: str) -> None:
        engine = sa.create_engine(self.url)
        with engine.begin() as connection:
            connection.execute(sa.text(f"DROP TABLE {self.place(table)}"))
        engine.dispose()

    def test_a_database_of_an_older_version_gets_the_table_of_identities(
        self, sink: SqlSink
    ) -> None:
        self.drop("abkit_identities")
        newer = SqlSink(self.url, schema=self.schema)
        self.send(newer, exposure(), identity())
        assert self.count_identities(newer) == 1
        newer.close()

    def test_without_create_identities_are_rejected_until_they_have_a_table(
        self, sink: SqlSink, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The statement that makes it is in the log, once."""
        self.drop("abkit_identities")
        reader = SqlSink(self.url, schema=self.schema, create=False)
        for _ in range(2):
            outcome = reader.send([exposure(), identity(), action()])
            assert isinstance(outcome, Rejected)
            assert (outcome.events, outcome.retry) == ((identity(),), None)
            assert outcome.why == f"there is no table {self.place('abkit_identities')}"
        assert self.count(reader) == (2, 2)
        (said,) = [record.getMessage() for record in caplog.records]
        create = said[said.index("CREATE TABLE") : said.index("; no restart")]
        engine = sa.create_engine(self.url)
        with engine.begin() as connection:
            connection.execute(sa.text(create))
        engine.dispose()
        self.send(reader, identity())
        assert self.count_identities(reader) == 1
        reader.close()

    def test_without_create_the_tables_must_be_there(self) -> None:
        sink = SqlSink(self.url, schema=self.schema, create=False)
        outcome = sink.send([exposure()])
        assert isinstance(outcome, Retry)
        assert "abkit_exposures" in outcome.reason
        sink.close()


class TestSqlite(SqlSinkContract):
    @pytest.fixture(autouse=True)
    def database(self, tmp_path: Path) -> None:
        self.url = f"sqlite:///{tmp_path}/events.db"

    def test_a_time_is_utc_and_what_has_a_structure_is_json(self, sink: SqlSink) -> None:
        sink.send([exposure("42", True, properties={"price": 9.5}, insert_id="i")])
        assert self.rows("abkit_exposures")[0] == {
            "insert_id": "i",
            "time": "2024-05-17 12:30:15.123456",
            "experiment": "Buttons",
            "salt": "Buttons.1",
            "unit_type": "org",
            "unit_id": "42",
            "variant": "true",
            "user_id": "7",
            "groups": '{"org":"42"}',
            "properties": '{"price":9.5}',
            "weights": WEIGHTS,
        }

    def test_a_row_that_the_database_refuses_is_rejected_alone(self, tmp_path: Path) -> None:
        sink = SqlSink(self.url)
        with sqlite3.connect(tmp_path / "events.db") as connection:
            connection.execute("DROP TABLE abkit_actions")
            connection.execute(
                f"CREATE TABLE abkit_actions ({', '.join(ACTION_COLUMNS)}, "
                "PRIMARY KEY (insert_id), CHECK (length(action) < 9))"
            )
        connection.close()
        bad = action("a name that is too long", insert_id="bad")
        outcome = sink.send([*some_events(), bad, *some_events(prefix="j")])
        assert isinstance(outcome, Rejected)
        assert (outcome.events, outcome.retry) == ((bad,), None)
        assert "CHECK" in outcome.why
        assert self.count(sink) == (40, 40)
        sink.close()

    def test_a_locked_database_is_tried_again(self, tmp_path: Path) -> None:
        engine = sa.create_engine(self.url, connect_args={"timeout": 0.01})
        sink = SqlSink(engine)
        other = sqlite3.connect(tmp_path / "events.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        outcome = sink.send(some_events())
        assert isinstance(outcome, Retry)
        assert "locked" in outcome.reason
        other.execute("ROLLBACK")
        other.close()
        self.send(sink, *some_events())
        assert self.count(sink) == (20, 20)
        engine.dispose()


class TestPostgres(SqlSinkContract):
    refuses = POISON.keys() | {
        "a name with a NUL",
        "a group with a NUL",
        "an identity with a NUL",
    }

    @pytest.fixture(autouse=True)
    def database(self, server: PostgresServer) -> None:
        """A schema of its own for each test."""
        self.server = server
        self.url = server.url
        self.schema = f"test_{uuid4().hex}"
        self.execute(f"CREATE SCHEMA {self.schema}")

    def execute(self, statement: str) -> list[Any]:
        engine = sa.create_engine(self.url)
        with engine.begin() as connection:
            result = connection.execute(sa.text(statement))
            found = [tuple(row) for row in result] if result.returns_rows else []
        engine.dispose()
        return found

    def test_the_database_understands_time_groups_and_properties(self, sink: SqlSink) -> None:
        sink.send([exposure("42", True, properties={"price": 9.5}, insert_id="i")])
        row = self.execute(
            "SELECT extract(epoch FROM time)::float8, variant, groups->>'org', "  # noqa: S608
            f"(properties->>'price')::float8 FROM {self.schema}.abkit_exposures"
        )
        assert row == [(TIME, "true", "42", 9.5)]

    @pytest.mark.parametrize(
        ("bad", "why"),
        [
            (exposure("a NUL \x00", insert_id="bad"), "NUL"),
            (action(insert_id="bad")._replace(groups={"org": "\x00"}), "Unicode escape"),
            (action(insert_id="bad" * 100_000), "index row"),
        ],
        ids=["text", "groups", "id"],
    )
    def test_what_postgres_cannot_store_is_rejected_alone(
        self, sink: SqlSink, bad: Event, why: str
    ) -> None:
        if "index row" in why:
            bad = bad._replace(insert_id=os.urandom(10_000).hex())  # it cannot be compressed
        outcome = sink.send([*some_events(), bad, *some_events(prefix="j")])
        assert isinstance(outcome, Rejected)
        assert (outcome.events, outcome.retry) == ((bad,), None)
        assert why in outcome.why
        assert self.count(sink) == (40, 40)

    def test_a_text_that_is_too_long_for_its_column_is_rejected_alone(self, sink: SqlSink) -> None:
        table = f"{self.schema}.abkit_exposures"
        self.execute(f"ALTER TABLE {table} ALTER COLUMN unit_id TYPE varchar(5)")
        bad = [exposure("too long", insert_id="b1"), exposure("too long", insert_id="b2")]
        outcome = sink.send([bad[0], *some_events(), bad[1]])
        assert isinstance(outcome, Rejected)
        assert outcome.events == tuple(bad)
        assert "too long for type" in outcome.why
        assert self.count(sink) == (20, 20)

    def test_a_server_that_is_stopped_and_started_again_loses_nothing(self, sink: SqlSink) -> None:
        self.send(sink, *some_events())
        self.server.stop()
        try:
            outcome = sink.send(some_events(prefix="j"))
            assert isinstance(outcome, Retry)
            assert "127.0.0.1" in outcome.reason
        finally:
            self.server.start()
        self.send(sink, *some_events(prefix="j"))
        assert self.count(sink) == (40, 40)

    def test_a_connection_that_is_cut_is_replaced(self, sink: SqlSink) -> None:
        self.send(sink, *some_events())
        self.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        self.send(sink, *some_events(prefix="j"))
        assert self.count(sink) == (40, 40)

    def test_a_server_that_starts_after_the_sink_has_its_tables_created(self) -> None:
        self.server.stop()
        try:
            sink = SqlSink(self.url, schema=self.schema)
            assert isinstance(sink.send(some_events()), Retry)
        finally:
            self.server.start()
        self.send(sink, *some_events())
        assert self.count(sink) == (20, 20)
        sink.close()

    def test_a_statement_that_waits_too_long_is_tried_again(self) -> None:
        sink = SqlSink(self.url, schema=self.schema, timeout=0.05)
        engine = sa.create_engine(self.url)
        with engine.begin() as connection:
            connection.execute(sa.text(f"LOCK TABLE {self.schema}.abkit_exposures"))
            outcome = sink.send(some_events())
        assert isinstance(outcome, Retry)
        assert "timeout" in outcome.reason
        self.send(sink, *some_events())
        sink.close()
        engine.dispose()

    def test_tables_that_may_not_be_created_are_an_error_at_once(self) -> None:
        with pytest.raises(DeliveryError, match="the tables cannot be created in postgresql"):
            SqlSink(self.url, schema="no_such_schema")

    def test_who_may_not_create_the_table_of_identities_still_writes_the_others(
        self, sink: SqlSink, caplog: pytest.LogCaptureFixture
    ) -> None:
        self.drop("abkit_identities")
        role = f"writer_{self.schema}"
        self.execute(f"CREATE ROLE {role} LOGIN")
        self.execute(f"GRANT USAGE ON SCHEMA {self.schema} TO {role}")
        self.execute(f"GRANT INSERT, SELECT ON ALL TABLES IN SCHEMA {self.schema} TO {role}")
        writer = SqlSink(self.url.replace("postgres@", f"{role}@"), schema=self.schema)
        outcome = writer.send([exposure(), identity(), action()])
        assert isinstance(outcome, Rejected)
        assert outcome.events == (identity(),)
        assert self.count(writer) == (1, 1)
        assert "Run CREATE TABLE" in caplog.text
        writer.close()

    def test_half_a_batch_is_never_seen(self, sink: SqlSink) -> None:
        """The exposures do not arrive without the actions."""
        self.execute(f"DROP TABLE {self.schema}.abkit_actions")
        assert isinstance(sink.send(some_events()), Retry)
        assert self.rows("abkit_exposures") == []


class TestMariaDB(SqlSinkContract):
    refuses = POISON.keys() | {"an identity with a long id"}

    @pytest.fixture(autouse=True)
    def database(self, mariadb: MariaDBServer) -> Iterator[None]:
        """A database of its own for each test."""
        self.server = mariadb
        self.schema = f"test_{uuid4().hex}"
        self.url = mariadb.url
        self.execute(f"CREATE DATABASE {self.schema}")
        yield
        self.execute(f"DROP DATABASE {self.schema}")

    def execute(self, statement: str) -> list[Any]:
        engine = sa.create_engine(self.url)
        with engine.begin() as connection:
            result = connection.execute(sa.text(statement))
            found = [tuple(row) for row in result] if result.returns_rows else []
        engine.dispose()
        return found

    def test_the_database_understands_time_groups_and_properties(self, sink: SqlSink) -> None:
        sink.send([exposure("42", True, properties={"price": 9.5}, insert_id="i")])
        row = self.execute(
            "SELECT CAST(time AS char), variant, json_value(`groups`, '$.org'), "  # noqa: S608
            f"json_value(properties, '$.price'), weights FROM {self.schema}.abkit_exposures"
        )
        assert row == [("2024-05-17 12:30:15.123456", "true", "42", "9.5", WEIGHTS)]

    def test_ids_are_told_apart_by_case_and_spaces(self, sink: SqlSink) -> None:
        ids = ["i", "I", "i ", "í"]
        self.send(sink, *(exposure("1", insert_id=one) for one in ids))
        assert self.count(sink) == (len(ids), 0)

    @pytest.mark.parametrize("mode", ["STRICT_TRANS_TABLES", ""])
    def test_what_does_not_fit_is_rejected_alone_and_never_shortened(
        self, mode: str, sink: SqlSink
    ) -> None:
        """Also on a server whose settings would only warn."""
        before = self.execute("SELECT @@GLOBAL.sql_mode")[0][0]
        self.execute(f"SET GLOBAL sql_mode = '{mode}'")
        try:
            bad = exposure("x" * 256, insert_id="bad")
            outcome = sink.send([*some_events(), bad, *some_events(prefix="j")])
        finally:
            self.execute(f"SET GLOBAL sql_mode = '{before}'")
        assert isinstance(outcome, Rejected)
        assert (outcome.events, outcome.retry) == ((bad,), None)
        assert "Data too long" in outcome.why
        assert self.count(sink) == (40, 40)

    def test_a_long_list_of_properties_is_stored(self, sink: SqlSink) -> None:
        """A text of MySQL has 64 kilobytes."""
        self.send(sink, exposure("1", properties={"all": "é" * 100_000}))
        (row,) = self.rows("abkit_exposures")
        assert len(row["properties"]) > 100_000

    def test_a_row_that_a_constraint_refuses_is_rejected_alone(self, sink: SqlSink) -> None:
        self.execute(f"ALTER TABLE {self.schema}.abkit_actions ADD CHECK (length(action) < 9)")
        bad = action("a name that is too long", insert_id="bad")
        outcome = sink.send([*some_events(), bad])
        assert isinstance(outcome, Rejected)
        assert (outcome.events, outcome.retry) == ((bad,), None)
        assert "CONSTRAINT" in outcome.why
        assert self.count(sink) == (20, 20)

    def test_a_connection_that_is_cut_is_replaced(self, sink: SqlSink) -> None:
        self.send(sink, *some_events())
        for (number,) in self.execute(
            "SELECT id FROM information_schema.processlist WHERE id <> connection_id() AND user = 'root'"
        ):
            self.execute(f"KILL {number}")
        self.send(sink, *some_events(prefix="j"))
        assert self.count(sink) == (40, 40)

    def test_a_row_that_is_locked_too_long_is_tried_again(self) -> None:
        sink = SqlSink(self.url, schema=self.schema, timeout=1)
        self.send(sink, *some_events())
        engine = sa.create_engine(self.url)
        with engine.begin() as connection:
            connection.execute(sa.text(f"UPDATE {self.schema}.abkit_exposures SET unit_id = '1'"))  # noqa: S608
            outcome = sink.send(some_events())
        assert isinstance(outcome, Retry)
        assert "Lock wait timeout" in outcome.reason
        self.send(sink, *some_events())
        sink.close()
        engine.dispose()

    def test_a_server_that_starts_after_the_sink_has_its_tables_created(self) -> None:
        self.server.stop()
        try:
            sink = SqlSink(self.url, schema=self.schema)
            assert isinstance(sink.send(some_events()), Retry)
        finally:
            self.server.start()
        self.send(sink, *some_events())
        assert self.count(sink) == (20, 20)
        sink.close()

    def test_half_a_batch_is_never_seen(self, sink: SqlSink) -> None:
        """The exposures do not arrive without the actions."""
        self.execute(f"DROP TABLE {self.schema}.abkit_actions")
        assert isinstance(sink.send(some_events()), Retry)
        assert self.rows("abkit_exposures") == []

    def test_who_may_not_create_tables_is_told_at_once_or_writes_to_those_there_are(
        self, sink: SqlSink, caplog: pytest.LogCaptureFixture
    ) -> None:
        self.execute("CREATE USER IF NOT EXISTS writer@'127.0.0.1'")
        self.execute(f"GRANT SELECT, INSERT, UPDATE ON {self.schema}.* TO writer@'127.0.0.1'")
        url = self.url.replace("root@", "writer@").replace("/events", f"/{self.schema}")
        self.drop("abkit_identities")
        writer = SqlSink(url)
        outcome = writer.send([exposure(), identity(), action()])
        assert isinstance(outcome, Rejected)
        assert outcome.events == (identity(),)
        assert self.count(writer) == (1, 1)
        assert "Run CREATE TABLE" in caplog.text
        writer.close()
        self.drop("abkit_actions")
        with pytest.raises(DeliveryError, match="the tables cannot be created in mysql"):
            SqlSink(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("me:geheim@127.0.0.1:1/name", "me:***@127.0.0.1:1/name"),
        (
            "me@127.0.0.1:1/name?password=geheim&sslmode=disable",
            "me@127.0.0.1:1/name?password=***&sslmode=disable",
        ),
    ],
)
def test_a_password_is_never_shown(url: str, shown: str) -> None:
    sink = SqlSink(f"postgresql+psycopg://{url}")
    outcome = sink.send([exposure()])
    assert isinstance(outcome, Retry)
    assert "geheim" not in f"{outcome.reason}{sink!r}"
    assert outcome.reason.isprintable()
    assert repr(sink) == f"<SqlSink postgresql+psycopg://{shown}>"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("events.db", "the URL cannot be used"),
        ("nosuchdatabase://host", "the URL cannot be used"),
        ("sqlite://", "in memory is no destination"),
    ],
)
def test_a_url_that_cannot_be_used_is_an_error(url: str, problem: str) -> None:
    with pytest.raises(DeliveryError, match=problem):
        SqlSink(url)


@pytest.mark.filterwarnings("ignore:version is deprecated:DeprecationWarning")
def test_another_database_is_an_error() -> None:
    engine = sa.create_engine("mssql+pyodbc://", module=sqlite3)
    with pytest.raises(DeliveryError, match="writes to PostgreSQL, .* and MariaDB, not to mssql"):
        SqlSink(engine)


@pytest.mark.parametrize(
    ("url", "module", "needed"),
    [
        ("mysql://host/name", "MySQLdb", r"PyMySQL, and a URL such as mysql\+pymysql://"),
        (
            "postgresql+psycopg2://host/name",
            "psycopg2",
            r"psycopg, and a URL such as postgresql\+psycopg://",
        ),
    ],
)
def test_where_the_url_names_no_driver_the_one_of_the_extra_is_told(
    url: str, module: str, needed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=needed):
        SqlSink(url)


def test_a_driver_that_is_missing_is_named() -> None:
    with pytest.raises(MissingExtraError, match="pg8000"):
        SqlSink("postgresql+pg8000://host/name")


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_a_table_of_an_older_version_is_written_without_weights_and_that_is_said_once(
    dialect: str, tmp_path: Path, server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    url = server.url if dialect == "postgresql" else f"sqlite:///{tmp_path / 'events.db'}"
    engine = sa.create_engine(url)

    def execute(statement: str) -> None:
        with engine.begin() as connection:
            connection.execute(sa.text(statement))

    SqlSink(engine).close()
    try:
        execute("ALTER TABLE abkit_exposures DROP COLUMN weights")
        sink = SqlSink(engine)
        assert sink.send([exposure("1", insert_id="a")]) is None
        assert sink.send([exposure("2", insert_id="b")]) is None
        (said,) = [record.getMessage() for record in caplog.records]
        assert "Run ALTER TABLE abkit_exposures ADD COLUMN weights TEXT, then restart" in said
        execute("ALTER TABLE abkit_exposures ADD COLUMN weights TEXT")
        assert SqlSink(engine).send([exposure("3", insert_id="c")]) is None
        with engine.connect() as connection:
            select = "SELECT unit_id, weights FROM abkit_exposures ORDER BY unit_id"
            rows = connection.execute(sa.text(select)).all()
        assert [tuple(row) for row in rows] == [("1", None), ("2", None), ("3", WEIGHTS)]
    finally:
        execute("DROP TABLE abkit_exposures")
        execute("DROP TABLE abkit_actions")
        execute("DROP TABLE abkit_identities")
        engine.dispose()
