"""DuckDB with a file that keeps what was read."""

import errno
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from abkit.analysis.engines.local import DuckDB
from abkit.analysis.query.periods import microseconds
from abkit.analysis.reading.columns import Column
from abkit.analysis.reading.quoting import identifier, literal
from abkit.analysis.reading.sources import Table
from abkit.analysis.store.file.kept_days import KeptDays
from abkit.analysis.store.kept_columns import BATCH, kept_columns
from abkit.errors import AnalysisError
from abkit.extras import extra

FORMAT = 4
"""The number of how a store is laid out: one that is laid out otherwise is made anew."""

_LOCKED = "Could not set lock"
_FULL = tuple(map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)))

PATIENCE = 60.0
"""Seconds to wait for another process that uses the same store."""

_TABLES = """\
create table if not exists store.layout (format integer);
create table if not exists store.sources (kind text primary key, place text, renamed text, repeats boolean);
create table if not exists store.columns (kind text, name text, written text, present boolean);
create table if not exists store.files (kind text, name text, state text, part integer);
create table if not exists store.batches (batch integer primary key, began timestamp);
create table if not exists store.experiments (experiment text, definition text, kept text, number integer)"""

_NAMES = ("layout", "sources", "columns", "files", "batches", "experiments")


class StoreEngine(DuckDB):
    """DuckDB, embedded, which reads what a store keeps instead of the files that it was read from.

    What queries define is forgotten as ever; what is written in the schema `store` is kept.

    Args:
        path: The file.
        late: How long after it happened an event commonly arrives.

    Attributes:
        path: The file.
        late: How long after it happened an event commonly arrives, in microseconds.

    Raises:
        AnalysisError: It cannot be opened; the message says why.
        MissingExtraError: duckdb is not installed.
    """

    def __init__(self, path: Path, *, late: timedelta) -> None:
        with extra("analysis"):
            import duckdb
        super().__init__()
        self._unreadable = duckdb.IOException
        self._ended = duckdb.TransactionException
        self.path: Path = path
        self.late: int = microseconds(late)
        self._kept: list[tuple[Table, str]] = []
        self._opened: dict[str, str] = {}
        try:
            self._open_store()
        except BaseException:
            self.close()
            raise

    def keeps(self, kind: str, table: Table) -> None:
        """From now on, what is opened of a table is what the store has of it."""
        self._kept.append((table, kind))

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """Do something in the store; the answer are rows."""
        with self._attached.translated(str(self.path)):
            try:
                return self._connection.execute(statement).fetchall()
            except (self._unreadable, self._ended) as error:
                if str(self.path) not in str(error):  # It is a file of events.
                    raise
                raise AnalysisError(_refused(self.path, error)) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is done within is kept together, or nothing of it."""
        self.run("begin transaction")
        try:
            yield
            self.run("commit")
        except BaseException:
            with suppress(self._ended):  # A commit that failed has ended it.
                self._connection.rollback()
            raise

    def open(self, name: str, table: Table, columns: Sequence[Column]) -> Collection[str]:
        """As `Engine.open`: of what the store has, or else of the table itself."""
        for kept, kind in self._kept:
            if kept == table:
                present = self._open_kept(name, kind, kept_columns(columns), columns)
                if present is not None:
                    return present
        return super().open(name, table, columns)

    def forget(self, name: str) -> None:
        """Forget what was opened under a name, or was about to be."""
        self.run(f"drop view if exists {identifier(name)}")
        self.run(f"drop view if exists {identifier(f'{name}_source')}")
        self._attached.detach(f"{name}_source")

    def has(self, kind: str, table: Table, columns: Sequence[Column]) -> bool:
        """Whether the store has all of a table that queries need."""
        kept = any(each == table and of == kind for each, of in self._kept)
        return kept and self._present(kind, kept_columns(columns), columns) is not None

    def differ(self, kind: str) -> bool:
        """Whether some events have one insert_id, and are not the same."""
        return any(row[0] for row in self.run(f"select repeats from store.sources {_of(kind)}"))

    def kept(self, experiment: str, definition: str) -> KeptDays:
        """What is known of one experiment, as it is asked."""
        return KeptDays(self, experiment, definition)

    def columns(self, name: str) -> Sequence[str]:
        """The names of a table's columns."""
        return [str(column) for column, *_ in self.run(f"describe {identifier(name)}")]

    def repeats(self, name: str, column: str, *, share: float = 1.0) -> bool:
        """As `Engine.repeats`; what is kept was looked through when it came."""
        kind = self._opened.get(name)
        if kind is None or column != "insert_id":
            return super().repeats(name, column, share=share)
        return self.differ(kind)

    def _present(
        self, kind: str, kept: dict[str, Column], columns: Sequence[Column]
    ) -> frozenset[str] | None:
        """The columns that the store's table really has; None if queries need others."""
        rows = self.run(f"select name, present from store.columns {_of(kind)}")
        present = frozenset(column for column, there in rows if there)
        known = {column for column, _ in rows}
        lacking = any(each.name not in known for each in kept.values())
        required = (kept[column.name].name for column in columns if column.required)
        return None if lacking or any(name not in present for name in required) else present

    def _open_kept(
        self, name: str, kind: str, kept: dict[str, Column], columns: Sequence[Column]
    ) -> Collection[str] | None:
        present = self._present(kind, kept, columns)
        if present is None:
            return None  # the table itself says what is wrong with it
        selected = ", ".join(
            (
                BATCH,
                *(f"{identifier(of.name)} as {identifier(column)}" for column, of in kept.items()),
            )
        )
        self.run(
            f"create view {identifier(name)} as select {selected} from store.{identifier(kind)}"
        )
        self._opened[name] = kind
        return [column for column, each in kept.items() if each.name in present]

    def _open_store(self) -> None:
        import duckdb

        end = monotonic() + PATIENCE
        while True:
            try:
                # Of a file of another database, DuckDB would look for an extension.
                self._connection.execute(f"attach {literal(str(self.path))} as store (type duckdb)")
                break
            except duckdb.IOException as error:
                if _LOCKED not in str(error) or monotonic() > end:
                    raise AnalysisError(_refused(self.path, error)) from error
                sleep(0.05)
            except duckdb.Error as error:
                raise AnalysisError(_refused(self.path, error)) from error
        self._lay_out()

    def _lay_out(self) -> None:
        found = "select table_name from information_schema.tables where table_catalog = 'store'"
        tables = {name for (name,) in self.run(found)}
        if tables and not tables.issuperset(_NAMES):
            message = (
                f"{self.path} is a database of something else: give the store a file of its own"
            )
            raise AnalysisError(message)
        if tables and self.run("select format from store.layout") != [(FORMAT,)]:
            for name in tables:
                self.run(f"drop table store.{identifier(name)}")
        with self.transaction():
            for statement in _TABLES.split(";"):
                self.run(statement)
            if not self.run("select format from store.layout"):
                self.run(f"insert into store.layout values ({FORMAT})")


def _of(kind: str) -> str:
    return f"where kind = {literal(kind)}"


def _refused(path: Path, error: Exception) -> str:
    full = next((why for why in _FULL if why in str(error)), None)
    if full is not None:
        return f"{path} cannot be written to ({full}): make room, or give the store another place"
    if _LOCKED in str(error):
        return f"{path} is in use by another process: wait for its end, or give another store"
    if path.is_dir():
        return f"{path} is a folder: a store is a file, such as {path / 'store.duckdb'}"
    if path.is_symlink() and not path.exists():
        return f"{path} is a link to a file that does not exist: remove it, or name another one"
    if path.exists() and not path.is_file():
        return f"{path} is no file: a store is one, such as store.duckdb"
    if not path.parent.is_dir():
        return f"{path} is in a folder that does not exist: make it, or name another one"
    if "not a valid DuckDB" in str(error):
        return f"{path} is a file of something else: give the store a file of its own"
    said = " ".join(str(error).split())
    return (
        f"{path} cannot be opened as a store, which may be removed: it is made again from the events. "
        f"DuckDB says: {said}"
    )
