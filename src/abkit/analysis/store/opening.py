"""A store in use: brought up to date, and read instead of the files."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from abkit.analysis.reading.columns import Column
from abkit.analysis.reading.sources import Table
from abkit.analysis.store.arriving import take_in
from abkit.analysis.store.engine import StoreEngine
from abkit.analysis.store.kept_columns import kept_columns
from abkit.analysis.store.place import Store


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
        MissingExtraError: duckdb is not installed.
    """
    engine = StoreEngine(store)
    try:
        for kind, table in tables.items():
            needed = [kept_columns(table, each[kind]) for each in requests if kind in each]
            take_in(engine, kind, table, needed)
        yield engine
    finally:
        engine.close()
