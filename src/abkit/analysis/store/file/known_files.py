"""What a store has of a table of events, and of which files."""

from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from abkit.analysis.reading.columns import Column
from abkit.analysis.reading.listing import format_of
from abkit.analysis.reading.quoting import identifier, literal
from abkit.analysis.reading.sources import Table
from abkit.analysis.store import kept_columns
from abkit.analysis.store.file.engine import StoreEngine
from abkit.analysis.store.file.event_files import EventFiles
from abkit.analysis.store.file.kept_days import forget_all


@frozen
class KnownFiles:
    """What a store has of a table.

    Attributes:
        columns: Its columns, by the store's names.
        files: The state of each file that was read.
        parts: The number of those that were read together, by file.
    """

    columns: Mapping[str, Column]
    files: Mapping[str, str]
    parts: Mapping[str, int]

    def replaced(self, now: EventFiles) -> frozenset[int]:
        """The parts of which a file is not there any more, or is another one; of CSV, all if any is new."""
        if is_csv(now) and self.files != now.states:
            return frozenset(self.parts.values())
        return frozenset(
            self.parts[name] for name, state in self.files.items() if now.states.get(name) != state
        )


def is_csv(files: EventFiles) -> bool:
    """Whether what a comma means is decided by all values of a column, in whatever file."""
    return any(format_of(name) == "csv" for name in files.states)


def rows_of(kind: str) -> str:
    """The store's table of events of a kind, as SQL."""
    return f"store.{identifier(kind)}"


def known_files(engine: StoreEngine, kind: str, table: Table, now: EventFiles) -> KnownFiles:
    """What a store has of a table.

    Args:
        engine: The engine, with its store.
        kind: What the table is of, such as "actions".
        table: The table.
        now: Its files.
    """
    of = f"where kind = {literal(kind)}"
    if engine.run(f"select place, renamed from store.sources {of}") != [_source(table, now)]:
        return KnownFiles({}, {}, {})
    columns = [
        kept_columns.read(text) for (text,) in engine.run(f"select written from store.columns {of}")
    ]
    files = engine.run(f"select name, state, part from store.files {of}")
    return KnownFiles(
        {column.name: column for column in columns},
        {name: state for name, state, _ in files},
        {name: part for name, _, part in files},
    )


def begin(
    engine: StoreEngine, kind: str, table: Table, now: EventFiles, columns: Sequence[Column]
) -> KnownFiles:
    """Forget what there is of a table, to read it anew.

    Args:
        engine: The engine, with its store.
        kind: What the table is of.
        table: The table.
        now: Its files.
        columns: What is to be read of it.
    """
    with engine.transaction():
        engine.run(f"drop table if exists {rows_of(kind)}")
        if kind == "actions":
            forget_all(engine)  # It cannot be told any more of which events the sums were made.
        for name in ("sources", "columns", "files"):
            engine.run(f"delete from store.{name} where kind = {literal(kind)}")
        texts = ", ".join(map(literal, (kind, *_source(table, now))))
        engine.run(f"insert into store.sources values ({texts}, false)")
        note_columns(engine, kind, columns)
    return KnownFiles({column.name: column for column in columns}, {}, {})


def _source(table: Table, now: EventFiles) -> tuple[str, str]:
    """What the events are: of which files, and by which of their columns."""
    return now.place, kept_columns.renamed(table)


def note_columns(engine: StoreEngine, kind: str, columns: Iterable[Column]) -> None:
    """Note that a table is to have some more columns.

    Args:
        engine: The engine, with its store.
        kind: What the table is of.
        columns: Which ones.
    """
    for column in columns:
        texts = ", ".join(map(literal, (kind, column.name, kept_columns.written(column))))
        engine.run(f"insert into store.columns values ({texts}, false)")
