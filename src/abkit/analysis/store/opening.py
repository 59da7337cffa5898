"""A store in use: brought up to date, and read instead of the files."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from abkit.analysis.reading.columns import Column
from abkit.analysis.reading.sources import Table
from abkit.analysis.store.arriving import take_in
from abkit.analysis.store.engine import StoreEngine
from abkit.analysis.store.kept_columns import kept_columns
from abkit.analysis.store.place import Store
from abkit.analysis.store.remote_event_files import FilesGoneError
from abkit.analysis.store.remote_store import working_copy
from abkit.errors import AnalysisError

_ATTEMPTS = 5


@contextmanager
def opened_store(
    store: Store,
    tables: Mapping[str, Table],
    requests: Sequence[Mapping[str, Sequence[Column]]],
) -> Iterator[StoreEngine]:
    """An engine that reads what is in a store, after what is new has been taken in.

    Args:
        store: The store.
        tables: By kind, such as "actions", the tables of the events.
        requests: What each experiment needs of them: by kind, columns.

    Raises:
        AnalysisError: The store cannot be opened, or a table cannot be read.
        MissingExtraError: duckdb is not installed, or fsspec, for a URL.
    """
    with working_copy(store) as copy:
        engine = StoreEngine(copy)
        try:
            for kind, table in tables.items():
                needed = [kept_columns(table, each[kind]) for each in requests if kind in each]
                _take_in(engine, kind, table, needed)
            yield engine
        finally:
            engine.close()


def _take_in(
    engine: StoreEngine, kind: str, table: Table, needed: Sequence[Mapping[str, Column]]
) -> None:
    """Take in what is new; if a file is gone that was listed, all are listed again."""
    for _ in range(_ATTEMPTS):
        try:
            take_in(engine, kind, table, needed)
        except FilesGoneError:
            continue
        return
    message = f"{table.label} changes all the time: a file was removed while it was fetched"
    raise AnalysisError(message)
