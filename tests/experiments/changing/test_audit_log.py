"""The audit log keeps each record; what is damaged is told, and breaks nothing."""

import datetime as dt
import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from abkit.errors import ConfigError
from abkit.experiments.changing.audit_log import (
    AuditLog,
    AuditRecord,
    AuditTrail,
    ChangeOutcome,
    from_text,
    to_text,
    trail_of,
)
from abkit.experiments.changing.file_audit_log import FileAuditLog
from abkit.experiments.changing.sql_audit_log import SqlAuditLog

from ...sinks.mariadb import MariaDBServer
from ...sinks.postgres import PostgresServer, running_server

RECORD = AuditRecord(
    id="1f2e",
    time=dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC),
    experiment="Buttons",
    who="Ådá",
    why="it is\nbetter",
    before={},
    after={"enabled": False, "forced": {"new": ["a"]}},
)
WRITTEN = evolve(RECORD, outcome=ChangeOutcome.WRITTEN)


def _at(time: str) -> bytes:
    """The record at another time."""
    return json.dumps({**json.loads(to_text(RECORD)), "time": time}).encode()


class LogContract:
    """What each audit log does."""

    @pytest.fixture
    def log(self) -> AuditLog:
        raise NotImplementedError

    def test_there_is_nothing_at_first(self, log: AuditLog) -> None:
        assert log.read() == AuditTrail()

    def test_a_change_is_there_once_with_what_became_of_it(self, log: AuditLog) -> None:
        log.append(RECORD)
        assert log.read() == AuditTrail((RECORD,))
        log.append(WRITTEN)
        assert log.read() == AuditTrail((WRITTEN,))

    def test_the_oldest_is_first(self, log: AuditLog) -> None:
        second = evolve(RECORD, id="a", experiment="Colours", undoes="1f2e")
        for each in (RECORD, second, WRITTEN):
            log.append(each)
        assert log.read().records == (WRITTEN, second)
        assert log.read().of("Colours").records == (second,)

    def test_threads_lose_nothing(self, log: AuditLog) -> None:
        def append(name: str) -> None:
            for number in range(5):
                log.append(evolve(RECORD, id=f"{name}{number}"))

        threads = [threading.Thread(target=append, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        trail = log.read()
        assert (len(trail.records), trail.damaged) == (20, ())


class TestFile(LogContract):
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "experiments.audit.jsonl"

    @pytest.fixture
    def log(self, path: Path) -> FileAuditLog:
        return FileAuditLog(path)

    def test_it_is_called_as_the_settings_beside_it(self, path: Path) -> None:
        assert FileAuditLog.beside(path.with_name("experiments.toml")).path == path

    def test_a_line_is_json_that_anybody_can_read(self, log: FileAuditLog, path: Path) -> None:
        log.append(RECORD)
        (line,) = path.read_text().splitlines()
        assert json.loads(line) == {
            "id": "1f2e",
            "time": "2026-03-02T12:00:00.000000+00:00",
            "experiment": "Buttons",
            "who": "Ådá",
            "why": "it is\nbetter",
            "before": {},
            "after": {"enabled": False, "forced": {"new": ["a"]}},
            "undoes": None,
            "outcome": "begun",
        }

    def test_a_line_that_was_torn_costs_only_itself(self, log: FileAuditLog, path: Path) -> None:
        log.append(evolve(RECORD, id="first"))
        with path.open("ab") as file:
            file.write(to_text(RECORD).encode()[:50])
        log.append(WRITTEN)
        trail = log.read()
        assert [each.id for each in trail.records] == ["first", "1f2e"]
        (problem,) = trail.damaged
        assert problem.startswith(f"{path}, line 2: ")

    @pytest.mark.parametrize(
        "line",
        [
            b"\xff\xfe",
            b"[]",
            b"{}",
            b"null",
            b"[" * 100_000,
            to_text(RECORD).replace("begun", "dreamt").encode(),
            to_text(RECORD).replace("+00:00", "").encode(),
            to_text(RECORD).replace('"before": {}', '"before": 3').encode(),
            to_text(RECORD).replace('"undoes": null', '"undoes": 3').encode(),
            to_text(RECORD).replace("2026-03-02", "yesterday").encode(),
            _at("0001-01-01T00:00:00+14:00"),
            _at("9999-12-31T23:59:59-14:00"),
            json.dumps({**json.loads(to_text(RECORD)), "id": "\ud800"}).encode(),
        ],
    )
    def test_a_damaged_line_is_told(self, log: FileAuditLog, path: Path, line: bytes) -> None:
        path.write_bytes(line + b"\n")
        log.append(RECORD)
        trail = log.read()
        assert trail.records == (RECORD,)
        assert len(trail.damaged) == 1
        assert "line 1" in trail.damaged[0]

    def test_what_is_no_file_is_an_error(self, log: FileAuditLog, path: Path) -> None:
        os.mkfifo(path)
        for use in (log.read, lambda: log.append(RECORD)):
            with pytest.raises(ConfigError, match="no regular file"):
                use()
        path.unlink()
        path.mkdir()
        for use in (log.read, lambda: log.append(RECORD)):
            with pytest.raises(ConfigError, match=r"experiments\.audit\.jsonl cannot be"):
                use()

    def test_a_full_disk_leaves_no_half_record(
        self, log: FileAuditLog, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        log.append(RECORD)
        whole = path.read_bytes()
        real = os.write

        def full(file: int, content: bytes) -> int:
            if len(content) < 100:
                raise OSError(28, "No space left on device")
            return real(file, content[:-50])

        monkeypatch.setattr(os, "write", full)
        with pytest.raises(ConfigError, match="No space left"):
            log.append(WRITTEN)
        monkeypatch.undo()
        assert path.read_bytes() == whole


class SqlContract(LogContract):
    @pytest.fixture
    def where(self) -> str:
        raise NotImplementedError

    @pytest.fixture
    def log(self, where: str) -> SqlAuditLog:
        return SqlAuditLog(where)

    def test_reading_makes_no_table(self, log: AuditLog, where: str) -> None:
        log.read()
        engine = sa.create_engine(where)
        assert not sa.inspect(engine).has_table("abkit_settings_audit")
        engine.dispose()

    def test_a_damaged_row_is_told(self, log: AuditLog, where: str) -> None:
        log.append(RECORD)
        engine = sa.create_engine(where)
        with engine.begin() as connection:
            connection.execute(sa.text("UPDATE abkit_settings_audit SET record = 'x'"))
        engine.dispose()
        log.append(WRITTEN)
        trail = log.read()
        assert trail.records == (WRITTEN,)
        assert trail.damaged[0].startswith("abkit_settings_audit, position 1: ")


class TestSqlite(SqlContract):
    @pytest.fixture
    def where(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'audit.db'}"

    def test_a_file_that_is_no_database_is_a_clear_error(self, tmp_path: Path) -> None:
        (tmp_path / "x.db").write_text("no database at all, but long enough to be looked at" * 30)
        with pytest.raises(ConfigError, match="cannot be used: file is not a database"):
            SqlAuditLog(f"sqlite:///{tmp_path / 'x.db'}").read()

    def test_a_row_has_beside_the_record_what_one_searches_for(
        self, where: str, tmp_path: Path
    ) -> None:
        SqlAuditLog(where).append(RECORD)
        connection = sqlite3.connect(tmp_path / "audit.db")
        (row,) = connection.execute(
            "SELECT change_id, experiment, record FROM abkit_settings_audit"
        )
        connection.close()
        assert row == ("1f2e", "Buttons", to_text(RECORD))


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running_server() as server:
        yield server


class TestPostgres(SqlContract):
    @pytest.fixture
    def where(self, server: PostgresServer) -> str:
        engine = sa.create_engine(server.url)
        with engine.begin() as connection:
            connection.execute(sa.text("DROP TABLE IF EXISTS abkit_settings_audit"))
        engine.dispose()
        return server.url

    def test_the_table_may_be_in_a_schema(self, where: str) -> None:
        engine = sa.create_engine(where)
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS audits"))
        log = SqlAuditLog(engine, schema="audits")
        log.append(RECORD)
        assert log.read().records == (RECORD,)
        engine.dispose()


class TestMariaDB(SqlContract):
    @pytest.fixture
    def where(self, mariadb: MariaDBServer) -> Iterator[str]:
        yield mariadb.url
        engine = sa.create_engine(mariadb.url)
        with engine.begin() as connection:
            connection.execute(sa.text("DROP TABLE IF EXISTS abkit_settings_audit"))
        engine.dispose()


def test_a_server_that_is_not_there_is_an_error_without_the_password() -> None:
    log = SqlAuditLog("postgresql+psycopg://me:hunter22@127.0.0.1:1/db")
    with pytest.raises(ConfigError, match=r"127\.0\.0\.1:1/db cannot be used") as caught:
        log.append(RECORD)
    assert "hunter22" not in str(caught.value) + repr(log)


@pytest.mark.parametrize("url", ["oracle://me:hunter22@h/db", "nonsense", "://hunter22"])
def test_a_url_that_cannot_be_used_is_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        SqlAuditLog(url)
    assert "hunter22" not in str(caught.value)


texts = st.text(st.characters(codec="utf-8"))
keys = st.dictionaries(
    texts, st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), texts)
)


@given(
    time=st.datetimes(timezones=st.just(dt.UTC)),
    who=texts,
    why=texts,
    before=keys,
    after=keys,
    undoes=st.one_of(st.none(), texts),
)
def test_a_record_survives_its_line(**fields: Any) -> None:
    record = evolve(RECORD, **fields)
    line = to_text(record)
    assert "\n" not in line
    assert from_text(line) == record
    assert trail_of([("here", line.encode())]) == AuditTrail((record,))
