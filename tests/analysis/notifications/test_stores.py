"""The stores: one contract, on a file, on SQLite and on real servers of PostgreSQL and MariaDB."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from abkit.analysis.notifications.alert_state import AlertState, ExperimentRun, FiringAlert
from abkit.analysis.notifications.sql_store import SqlStore
from abkit.analysis.notifications.stores import FileStore, StateStore
from abkit.errors import ConfigError, NotificationError

from ...sinks.mariadb import MariaDBServer
from ...sinks.postgres import PostgresServer, running_server
from .results import FIRST

RUN = ExperimentRun(experiment="Exp", salt="s")
STATE: AlertState = {
    ("significance", "click", "b"): FiringAlert(since=FIRST, notified=frozenset({"chat"}))
}


PROGRAM = """
import os, signal, sys, time
from datetime import UTC, datetime
from pathlib import Path
from abkit.analysis.notifications.alerts import Alert, AlertKind, Evaluation
from abkit.analysis.notifications.alert_state import ExperimentRun
from abkit.analysis.notifications.sql_store import SqlStore
from abkit.analysis.notifications.stores import FileStore
from abkit.analysis.notifications.notify import notify

class Diary:
    name = "diary"

    def send(self, title, body, *, kind):
        time.sleep(0.1)  # so that the others are there before it is written down
        with Path(sys.argv[3]).open("a") as file:
            file.write(title + "\\n")
        if sys.argv[4] == "dies":
            os.kill(os.getpid(), signal.SIGKILL)

store = {"FileStore": FileStore, "SqlStore": SqlStore}[sys.argv[1]](sys.argv[2])
titles = ("b won", "c won")
alerts = tuple(Alert(kind=AlertKind.SIGNIFICANT, about=(t,), title=t, body="") for t in titles)
evaluation = Evaluation(alerts=alerts, evaluated=frozenset(AlertKind))
print("ready", flush=True)
input()
notify(evaluation, ExperimentRun(experiment="E", salt="s"), notifiers=[Diary()], store=store)
"""


class StoreContract:
    """What each store keeps; a subclass says where, and how it is opened from there."""

    open_store: Callable[[str], StateStore]

    @pytest.fixture
    def where(self) -> str:
        raise NotImplementedError

    @pytest.fixture
    def store(self, where: str) -> StateStore:
        return type(self).open_store(where)

    def test_before_the_first_look_there_is_nothing(self, store: StateStore) -> None:
        assert store.read(RUN) == {}

    def test_what_a_step_makes_is_read_by_another_store(
        self, store: StateStore, where: str
    ) -> None:
        store.update(RUN, lambda _before: STATE)
        assert type(self).open_store(where).read(RUN) == STATE

    def test_a_step_gets_what_the_last_one_made(self, store: StateStore) -> None:
        store.update(RUN, lambda _before: STATE)
        seen = []

        def step(before: AlertState) -> AlertState:
            seen.append(before)
            return {}

        store.update(RUN, step)
        assert seen == [STATE]
        assert store.read(RUN) == {}

    def test_a_step_that_fails_changes_nothing(self, store: StateStore) -> None:
        store.update(RUN, lambda _before: STATE)

        def step(before: AlertState) -> AlertState:
            raise KeyError("bug")

        with pytest.raises(KeyError, match="bug"):
            store.update(RUN, step)
        assert store.read(RUN) == STATE
        store.update(RUN, lambda _before: {})  # and it is not locked

    @pytest.mark.parametrize(
        "other",
        [ExperimentRun(experiment="Exp", salt="s2"), ExperimentRun(experiment="E", salt="xps")],
    )
    def test_another_salt_or_experiment_has_a_state_of_its_own(
        self, store: StateStore, other: ExperimentRun
    ) -> None:
        store.update(RUN, lambda _before: STATE)
        assert store.read(other) == {}
        store.update(other, lambda before: before)
        assert store.read(RUN) == STATE

    def test_names_may_hold_anything(self, store: StateStore) -> None:
        run = ExperimentRun(experiment="'); drop table abkit_notifications; --", salt='"\\é\n')
        state: AlertState = {("guardrail violated", "'\"\\", "é\n"): FiringAlert(since=FIRST)}
        store.update(run, lambda _before: state)
        assert store.read(run) == state

    def test_processes_that_look_at_the_same_time_tell_once(
        self, where: str, tmp_path: Path
    ) -> None:
        diary = tmp_path / "diary"
        processes = [self.started(where, diary, "lives") for _ in range(3)]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in processes:
            process.communicate()
            assert process.returncode == 0
        assert diary.read_text() == "b won\nc won\n"

    def test_a_process_that_is_killed_while_it_tells_leaves_no_lock_and_is_made_good(
        self, where: str, tmp_path: Path
    ) -> None:
        """At least once: what it had sent is sent again, and nothing is lost."""
        diary = tmp_path / "diary"
        killed = self.started(where, diary, "dies")
        killed.communicate("go\n")
        assert killed.returncode == -signal.SIGKILL
        assert diary.read_text() == "b won\n"
        alive = self.started(where, diary, "lives")
        alive.communicate("go\n")
        assert alive.returncode == 0
        assert diary.read_text() == "b won\nb won\nc won\n"

    def started(self, where: str, diary: Path, fate: str) -> "subprocess.Popen[str]":
        arguments = [type(self).open_store.__name__, where, str(diary), fate]
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


class TestFileStore(StoreContract):
    open_store = FileStore

    @pytest.fixture
    def where(self, tmp_path: Path) -> str:
        return str(tmp_path / "state.json")

    @pytest.mark.parametrize("content", ["", "[]", "not json", '{"[\\"Exp\\", \\"s\\"]": 5}'])
    def test_another_file_is_neither_used_nor_changed(
        self, store: StateStore, where: str, content: str
    ) -> None:
        Path(where).write_text(content)
        with pytest.raises(ConfigError, match=r"state\.json is not a state of notifications"):
            store.read(RUN)
        with pytest.raises(ConfigError, match="move it away"):
            store.update(RUN, lambda _before: STATE)
        assert Path(where).read_text() == content

    def test_bytes_that_are_no_text_are_refused(self, store: StateStore, where: str) -> None:
        Path(where).write_bytes(b"\xff\xfe\x00")
        with pytest.raises(ConfigError, match="is not a state"):
            store.read(RUN)

    def test_a_look_without_news_does_not_touch_the_file(
        self, store: StateStore, where: str
    ) -> None:
        store.update(RUN, lambda _before: STATE)
        before = Path(where).stat().st_ino
        store.update(RUN, dict)
        assert Path(where).stat().st_ino == before

    def test_reading_makes_no_file(self, store: StateStore, tmp_path: Path) -> None:
        store.read(RUN)
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_that_does_not_exist_is_an_error_before_anything_is_sent(
        self, tmp_path: Path
    ) -> None:
        started = []

        def step(before: AlertState) -> AlertState:
            started.append(before)
            return before

        with pytest.raises(FileNotFoundError):
            FileStore(tmp_path / "no" / "state.json").update(RUN, step)
        assert started == []


class SqlContract(StoreContract):
    open_store = SqlStore

    def test_reading_makes_no_table(self, store: StateStore, where: str) -> None:
        store.read(RUN)
        engine = sa.create_engine(where)
        assert not sa.inspect(engine).has_table("abkit_notifications")
        engine.dispose()

    def test_another_row_is_refused(self, store: StateStore, where: str) -> None:
        store.update(RUN, lambda _before: STATE)
        engine = sa.create_engine(where)
        with engine.begin() as connection:
            connection.execute(sa.text("UPDATE abkit_notifications SET state = 'x'"))
        engine.dispose()
        with pytest.raises(ConfigError, match="A row of abkit_notifications in .* is not a state"):
            store.read(RUN)


class TestSqliteStore(SqlContract):
    @pytest.fixture
    def where(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'state.db'}"

    def test_an_engine_does_and_stays_open(self, where: str) -> None:
        engine = sa.create_engine(where)
        store = SqlStore(engine)
        store.update(RUN, lambda _before: STATE)
        with engine.connect() as connection:
            found = connection.execute(sa.text("SELECT count(*) FROM abkit_notifications"))
            assert found.scalar_one() == 1
        engine.dispose()

    def test_a_file_that_is_no_database_is_a_clear_error(self, tmp_path: Path) -> None:
        (tmp_path / "x.db").write_text("no database at all, but long enough to be looked at" * 30)
        with pytest.raises(ConfigError, match="cannot be used: file is not a database"):
            SqlStore(f"sqlite:///{tmp_path / 'x.db'}").read(RUN)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running_server() as server:
        yield server


class TestPostgresStore(SqlContract):
    @pytest.fixture
    def where(self, server: PostgresServer) -> str:
        engine = sa.create_engine(server.url)
        with engine.begin() as connection:
            connection.execute(sa.text("DROP TABLE IF EXISTS abkit_notifications"))
        engine.dispose()
        return server.url

    def test_the_table_may_be_in_a_schema(self, where: str) -> None:
        engine = sa.create_engine(where)
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS analytics"))
        store = SqlStore(engine, schema="analytics")
        assert store.read(RUN) == {}
        store.update(RUN, lambda _before: STATE)
        assert store.read(RUN) == STATE
        assert not sa.inspect(engine).has_table("abkit_notifications")
        engine.dispose()


class TestMariaDBStore(SqlContract):
    @pytest.fixture
    def where(self, mariadb: MariaDBServer) -> Iterator[str]:
        yield mariadb.url
        engine = sa.create_engine(mariadb.url)
        with engine.begin() as connection:
            connection.execute(sa.text("DROP TABLE IF EXISTS abkit_notifications"))
        engine.dispose()


def test_a_server_that_is_not_there_is_an_error_without_the_password() -> None:
    store = SqlStore("postgresql+psycopg://me:hunter22@127.0.0.1:1/db")
    with pytest.raises(ConfigError, match=r"127\.0\.0\.1:1/db cannot be used") as caught:
        store.update(RUN, lambda _before: STATE)
    assert "hunter22" not in str(caught.value) + repr(store)


@pytest.mark.parametrize("url", ["oracle://me:hunter22@h/db", "nonsense", "://hunter22"])
def test_a_url_that_cannot_be_used_is_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        SqlStore(url)
    assert "hunter22" not in str(caught.value)


def test_sqlite_keeps_nothing_but_json(tmp_path: Path) -> None:
    """So that anybody can read who was told what."""
    path = tmp_path / "state.db"
    store = SqlStore(f"sqlite:///{path}")
    store.update(RUN, lambda _before: STATE)
    connection = sqlite3.connect(path)
    (row,) = connection.execute("SELECT * FROM abkit_notifications")
    connection.close()
    records = (
        '[{"condition": ["significance", "click", "b"], '
        '"since": "2026-03-02T00:00:00+00:00", "told": ["chat"]}]'
    )
    assert row == ("Exp", "s", records)


def test_an_error_of_a_notifier_has_its_parts() -> None:
    error = NotificationError("chat", "it is down")
    assert (error.destination, error.problem, str(error)) == (
        "chat",
        "it is down",
        "chat: it is down",
    )
