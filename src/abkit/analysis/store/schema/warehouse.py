"""An engine that can write, a schema of which keeps what was read."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from abkit.analysis.engines.base import Engine, Row
from abkit.analysis.engines.choose import opened
from abkit.analysis.engines.writing import WritingEngine, appends, lists
from abkit.analysis.query.periods import microseconds
from abkit.analysis.reading.columns import Column
from abkit.analysis.reading.quoting import identifier
from abkit.analysis.reading.sources import Table
from abkit.analysis.store.kept_columns import BATCH, kept_columns
from abkit.analysis.store.place import Store
from abkit.analysis.store.schema.arriving_days import rows_of, take_in_days
from abkit.analysis.store.schema.kept_events import KeptEvents
from abkit.analysis.store.schema.kept_in_schema import KeptInSchema
from abkit.analysis.store.schema.places import Places
from abkit.analysis.store.schema.registers import NameRegister, RowRegister
from abkit.analysis.store.schema.schema_tables import SchemaTables
from abkit.errors import AnalysisError


class Warehouse:
    """An engine that reads what a schema of its database keeps instead of the tables that it was read from.

    Args:
        engine: The engine itself.
        tables: The tables of the store.
        late: How long after it happened an event commonly arrives, in microseconds.
    """

    def __init__(self, engine: WritingEngine, tables: SchemaTables, *, late: int) -> None:
        self._engine, self._tables = engine, tables
        self.late: int = late
        self._kept: dict[str, tuple[Table, KeptEvents]] = {}
        self._opened: dict[str, str] = {}

    def keeps(self, kind: str, table: Table, events: KeptEvents) -> None:
        """From now on, what is opened of a table is what the store has of it."""
        self._kept[kind] = (table, events)

    @property
    def version(self) -> str:
        """As `Engine.version`."""
        return self._engine.version

    def open(self, name: str, table: Table, columns: Sequence[Column]) -> Collection[str]:
        """As `Engine.open`: of what the store has, or else of the table itself."""
        self._opened.pop(name, None)
        for kind, (kept, events) in self._kept.items():
            if kept == table and _has(events, columns):
                return self._open_kept(name, kind, columns)
        return self._engine.open(name, table, columns)

    def define(self, name: str, query: str, *, keep: bool = False) -> None:
        """As `Engine.define`."""
        self._opened.pop(name, None)
        if keep:
            self._engine.materialize(name, query)
        else:
            self._engine.define(name, query)

    def rows(self, query: str) -> Sequence[Row]:
        """As `Engine.rows`."""
        return self._engine.rows(query)

    def repeats(self, name: str, column: str, *, share: float = 1.0) -> bool:
        """As `Engine.repeats`; what is kept was looked through when it came."""
        kind = self._opened.get(name)
        if kind is None or column != "insert_id":
            return self._engine.repeats(name, column, share=share)
        return self.differ(kind)

    def close(self) -> None:
        """Nothing: the engine itself forgets its tables when it is closed."""

    def has(self, kind: str, table: Table, columns: Sequence[Column]) -> bool:
        """Whether the store has all of a table that queries need."""
        kept, events = self._kept.get(kind, (None, None))
        return kept == table and events is not None and _has(events, columns)

    def differ(self, kind: str) -> bool:
        """Whether some events have one insert_id, and are not the same."""
        return kind in self._kept and self._kept[kind][1].differ

    def columns(self, name: str) -> Sequence[str]:
        """The names of a table's columns."""
        return self._engine.columns(name)

    def kept(self, experiment: str, definition: str) -> KeptInSchema:
        """What is known of one experiment, as it is asked."""
        batches = self._kept["actions"][1].batches
        return KeptInSchema(
            self, self._tables, batches, experiment=experiment, definition=definition
        )

    def _open_kept(self, name: str, kind: str, columns: Sequence[Column]) -> Collection[str]:
        _, events = self._kept[kind]
        wanted = kept_columns(columns)
        selected = [BATCH]
        selected += [f"{identifier(of.name)} as {identifier(as_)}" for as_, of in wanted.items()]
        self._engine.name(name, rows_of(self._tables, events, selected))
        self._opened[name] = kind
        return [column for column, each in wanted.items() if each.name in events.present]


@contextmanager
def opened_warehouse(
    store: Store,
    engine: object,
    tables: Mapping[str, Table],
    requests: Sequence[Mapping[str, Sequence[Column]]],
) -> Iterator[Warehouse]:
    """An engine that reads what is in a schema, after what is new has been taken in.

    Args:
        store: The store, with a schema.
        engine: A connection or a Spark session, as for `Analysis`.
        tables: By kind, such as "actions", the tables of the events.
        requests: What each experiment needs of them: by kind, columns.

    Raises:
        AnalysisError: It can make no tables, or has a transaction of the caller's; a table cannot be read,
            or the store not be written.
    """
    with opened(engine) as plain:
        kept = _tables_in(store.schema or "", plain, called=type(engine).__name__)
        warehouse = Warehouse(kept.engine, kept, late=microseconds(store.late))
        in_use = set[str]()
        for kind, table in tables.items():
            needed = [kept_columns(each[kind]) for each in requests if kind in each]
            events = take_in_days(kept, kind, table, needed)
            if events is not None:
                warehouse.keeps(kind, table, events)
                retired = (name for name, at in events.retired.items() if at >= kept.oldest)
                in_use |= {*events.tables, *retired}
        kept.sweep(in_use)
        yield warehouse


def _tables_in(schema: str, engine: Engine, *, called: str) -> SchemaTables:
    """The tables of a store in a schema.

    Args:
        schema: The schema.
        engine: What is to keep it.
        called: How a message calls that.
    """
    if lists(engine):
        places = Places(schema, engine.dialect)
        return SchemaTables(engine, places, NameRegister(engine, places))
    if not appends(engine):
        message = (
            "a store in a schema is kept by a connection to a database, such as psycopg.connect(...), or by "
            f"a Spark session, not by {called}: leave store= out, or give a file"
        )
        raise AnalysisError(message)
    if engine.in_transaction():
        message = (
            "the connection has begun a transaction, which a store would commit: commit it or roll it "
            "back, or give another connection"
        )
        raise AnalysisError(message)
    places = Places(schema, engine.dialect)
    return SchemaTables(engine, places, RowRegister(engine, places))


def _has(events: KeptEvents, columns: Sequence[Column]) -> bool:
    """Whether all that queries need is kept; what is required must be in the table."""
    kept = kept_columns(columns)
    required = {kept[column.name].name for column in columns if column.required}
    return {each.name for each in kept.values()} <= {*events.columns} and required <= events.present
