"""A store in use: brought up to date, and read instead of the files."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from abkit.analysis.reading.columns import Column
from abkit.analysis.reading.gone_files import FilesGoneError, read_again
from abkit.analysis.reading.sources import Table
from abkit.analysis.store.closed.keeping import Keeping
from abkit.analysis.store.file.arriving import take_in
from abkit.analysis.store.file.engine import StoreEngine
from abkit.analysis.store.file.remote_store import working_copy
from abkit.analysis.store.kept_columns import kept_columns
from abkit.analysis.store.place import Store
from abkit.analysis.store.schema.warehouse import opened_warehouse
from abkit.errors import AnalysisError

_DAMAGED = "Corrupt database file"


@contextmanager
def opened_store(
    store: Store,
    engine: object,
    tables: Mapping[str, Table],
    requests: Sequence[Mapping[str, Sequence[Column]]],
) -> Iterator[Keeping]:
    """An engine that reads what is in a store, after what is new has been taken in.

    Args:
        store: The store.
        engine: As for `Analysis`; None for a store that is a file.
        tables: By kind, such as "actions", the tables of the events.
        requests: What each experiment needs of them: by kind, columns.

    Raises:
        AnalysisError: The store cannot be opened, or is not one of such an engine; or a table cannot be read.
        MissingExtraError: duckdb is not installed; or what a connection or a URL needs.
    """
    if store.path is None:
        if engine is None:
            message = (
                "Store(schema=...) is kept in the database that is analyzed: give its connection as engine=, "
                "or keep what files have in a file, such as Store('events.duckdb')"
            )
            raise AnalysisError(message)
        with opened_warehouse(store, engine, tables, requests) as warehouse:
            yield warehouse
        return
    if engine is not None:
        message = (
            "with engine=, a store is a schema of its database, such as Store(schema='analytics_abkit'); "
            "a file keeps what files have, and goes without engine="
        )
        raise AnalysisError(message)
    with working_copy(store.path) as copy:
        kept = StoreEngine(copy, late=store.late)
        try:
            for kind, table in tables.items():
                needed = [kept_columns(each[kind]) for each in requests if kind in each]
                _take_in(kept, kind, table, needed)
            yield kept
        except AnalysisError as error:
            if _DAMAGED not in str(error):
                raise
            message = f"{store.path} is damaged: remove it, and it is made again from the events"
            raise AnalysisError(message) from error
        finally:
            kept.close()


def _take_in(
    engine: StoreEngine, kind: str, table: Table, needed: Sequence[Mapping[str, Column]]
) -> None:
    """Take in what is new; if a file is gone that was listed, all are listed again."""
    try:
        read_again(lambda: take_in(engine, kind, table, needed))
    except FilesGoneError as error:
        message = f"{table.label} changes all the time: a file was removed while it was read"
        raise AnalysisError(message) from error
