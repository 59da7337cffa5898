"""What came since a store was last used: each event is taken in once, whatever files it is in."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path, PurePath

from attrs import frozen

from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.gone_files import FilesGoneError
from abkit.analysis.reading.listing import format_of
from abkit.analysis.reading.quoting import identifier, literal
from abkit.analysis.reading.sources import Table
from abkit.analysis.store import kept_columns
from abkit.analysis.store.file.engine import StoreEngine
from abkit.analysis.store.file.event_files import EventFiles, event_files
from abkit.analysis.store.file.incoming import HASHED, Incoming, Parts
from abkit.analysis.store.file.kept_days import forget_all
from abkit.analysis.store.kept_columns import BATCH, PART, ROW_ID

FOLDERS_APART = 8
"""So many of the last folders, which are days, are each read by itself; all before them at once.

If a file of some is replaced by another, all that were read with it are read again."""

ONCE = ("exposures", "actions", "identities")
"""The kinds of events that count once if they have one insert_id; assignments have none."""

_INSERT_ID = [Column(name="insert_id", kind=Kind.TEXT, source="insert_id")]


@frozen
class _Known:
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
        if _is_csv(now) and self.files != now.states:
            return frozenset(self.parts.values())
        return frozenset(
            self.parts[name] for name, state in self.files.items() if now.states.get(name) != state
        )


def take_in(
    engine: StoreEngine, kind: str, table: Table, requests: Iterable[Mapping[str, Column]]
) -> None:
    """Bring what a store has of a table up to date; from then on the engine reads it there.

    Args:
        engine: The engine, with its store.
        kind: What the table is of, such as "actions".
        table: The table, of files.
        requests: The columns that each experiment needs, as of `kept_columns`.

    Raises:
        FilesGoneError: A file is gone that was listed. What is there may have been taken in; the rest is in
            files that are listed next.
        AnalysisError: The table is none of files, or they cannot be read.
    """
    now = event_files(table)
    wanted = kept_columns.together([kept_columns.kept_columns(table, _INSERT_ID), *requests])
    known = _known(engine, kind, now)
    if any(column.name not in known.columns for column in wanted):
        wanted = kept_columns.together([known.columns, {c.name: c for c in wanted}])
        known = _begin(engine, kind, now, wanted)
    if not _Arriving(engine, kind, table, now, known).take_in():
        known = _begin(engine, kind, now, tuple(known.columns.values()))
        _Arriving(engine, kind, table, now, known).take_in()
    if now.states:
        engine.keeps(kind, table)


def _known(engine: StoreEngine, kind: str, now: EventFiles) -> _Known:
    of = f"where kind = {literal(kind)}"
    if engine.run(f"select place from store.sources {of}") != [(now.place,)]:
        return _Known({}, {}, {})
    columns = [
        kept_columns.read(text) for (text,) in engine.run(f"select written from store.columns {of}")
    ]
    files = engine.run(f"select name, state, part from store.files {of}")
    return _Known(
        {column.name: column for column in columns},
        {name: state for name, state, _ in files},
        {name: part for name, _, part in files},
    )


def _begin(engine: StoreEngine, kind: str, now: EventFiles, columns: Sequence[Column]) -> _Known:
    """Forget what there is of a table, to read it anew."""
    with engine.transaction():
        engine.run(f"drop table if exists {_rows(kind)}")
        if kind == "actions":
            forget_all(engine)  # It cannot be told any more of which events the sums were made.
        for name in ("sources", "columns", "files"):
            engine.run(f"delete from store.{name} where kind = {literal(kind)}")
        engine.run(
            f"insert into store.sources values ({literal(kind)}, {literal(now.place)}, false)"
        )
        for column in columns:
            texts = ", ".join(map(literal, (kind, column.name, kept_columns.written(column))))
            engine.run(f"insert into store.columns values ({texts}, false)")
    return _Known({column.name: column for column in columns}, {}, {})


@frozen
class _Arriving:
    """The taking in of what is new.

    Attributes:
        engine: The engine, with its store.
        kind: What the table is of.
        table: The table.
        now: Its files.
        known: What the store has of it.
    """

    engine: StoreEngine
    kind: str
    table: Table
    now: EventFiles
    known: _Known

    def take_in(self) -> bool:
        """Take in what is new; False if something that was read is gone, so that all must be read again."""
        replaced = self.known.replaced(self.now)
        if replaced and not self._has_ids():
            return False
        kept = {name for name, part in self.known.parts.items() if part not in replaced}
        new = sorted(name for name in self.now.states if name not in kept)
        if not new:
            return not replaced
        incoming = Incoming(
            self.engine, self.kind, self.table, self.now, tuple(self.known.columns.values())
        )
        incoming.check_formats()
        first = 1 + max(self.known.parts.values(), default=-1)
        apart = [new] if _is_csv(self.now) else _apart(new)
        parts = [*enumerate(apart, start=first)]
        with tempfile.TemporaryDirectory(prefix="abkit-") as scratch:
            read, present = incoming.read(parts, Path(scratch))
            gone = read != parts
            # What is gone may be what replaces something that was read before.
            if gone and (replaced or not read):
                raise FilesGoneError(self.table.label)
            self.engine.run(
                f"create or replace temporary table previous ({ROW_ID} {HASHED}, {BATCH} integer)"
            )
            with self.engine.transaction():
                if replaced and not self._are_all_there(replaced):
                    return False
                self._insert(again=bool(replaced))
                self._note(read, present, replaced)
            self.engine.run("drop table incoming")
        if gone:
            raise FilesGoneError(self.table.label)
        return True

    @property
    def _names(self) -> str:
        return ", ".join(identifier(name) for name in self.known.columns)

    def _same(self, one: str, other: str) -> str:
        return " and ".join(
            f"{one}.{identifier(name)} is not distinct from {other}.{identifier(name)}"
            for name in self.known.columns
        )

    def _has_ids(self) -> bool:
        """Whether each row of the store can be told from all others."""
        without = f"select count(*) from {_rows(self.kind)} where {ROW_ID} is null"
        return self.kind in ONCE and self.engine.run(without) == [(0,)]

    def _are_all_there(self, replaced: Iterable[int]) -> bool:
        """Whether what was read from files that were replaced is in the new ones; it is taken out then."""
        run, rows = self.engine.run, _rows(self.kind)
        of = f"{PART} in ({', '.join(map(str, replaced))})"
        gone = f"""\
select count(*) from {rows} s
where {of} and not exists (
  select 1 from incoming i where i.{ROW_ID} = s.{ROW_ID} and {self._same("i", "s")}
)"""
        if run(gone) != [(0,)]:
            return False
        run(f"insert into previous select {ROW_ID}, {BATCH} from {rows} where {of}")
        run(f"delete from {rows} where {of}")
        return True

    def _insert(self, *, again: bool) -> None:
        """Move `incoming` into the store, without what is there already.

        Args:
            again: Whether some of it was there, and stays of the batch that it came with.
        """
        run, rows = self.engine.run, _rows(self.kind)
        run(f"create table if not exists {rows} as select 0 as {BATCH}, * from incoming limit 0")
        source = "incoming"
        if self.kind in ONCE and self._repeats():
            run(
                f"""\
create or replace temporary table different as
select min({PART}) as {PART}, {self._names} from incoming i
where {ROW_ID} is not null and not exists (
  select 1 from {rows} s where s.{ROW_ID} = i.{ROW_ID} and {self._same("i", "s")}
)
group by {self._names}
union all
select {PART}, {self._names} from incoming where {ROW_ID} is null"""
            )
            source = "different"
            self._look_for_repeats(source)
        ((batch,),) = run("select coalesce(max(batch), 0) + 1 from store.batches")
        run(f"insert into store.batches values ({batch}, now()::timestamp)")
        come = f"select {batch} as {BATCH}, * from {source}"
        if again:
            come = f"""\
select coalesce(p.{BATCH}, {batch}) as {BATCH}, i.*
from {source} i left join previous p on p.{ROW_ID} = i.{ROW_ID}"""
        run(f"insert into {rows} by name {come}")

    def _repeats(self) -> bool:
        """Whether something that comes may have the insert_id of something else."""
        half = f"{ROW_ID}.high"
        ((within, before),) = self.engine.run(
            f"""\
select count({half}) > count(distinct {half}),
  exists (select 1 from {_rows(self.kind)} s join incoming i on i.{half} = s.{half})
from incoming"""
        )
        return bool(within or before)

    def _look_for_repeats(self, source: str) -> None:
        """Note whether what comes differs from something that has its insert_id."""
        ((differs,),) = self.engine.run(
            f"""\
select count({ROW_ID}) > count(distinct {ROW_ID})
  or exists (select 1 from {_rows(self.kind)} s join {source} i on i.{ROW_ID} = s.{ROW_ID})
from {source}"""
        )
        if differs:
            self.engine.run(
                f"update store.sources set repeats = true where kind = {literal(self.kind)}"
            )

    def _note(self, parts: Parts, present: Iterable[str], replaced: Iterable[int]) -> None:
        """Note which files were read, and what they had."""
        run, of = self.engine.run, f"kind = {literal(self.kind)}"
        for number in replaced:
            run(f"delete from store.files where {of} and part = {number}")
        values = [
            f"({literal(self.kind)}, {literal(name)}, {literal(self.now.states[name])}, {number})"
            for number, names in parts
            for name in names
        ]
        run(f"insert into store.files values {', '.join(values)}")
        for name in present:
            run(f"update store.columns set present = true where {of} and name = {literal(name)}")


def _rows(kind: str) -> str:
    return f"store.{identifier(kind)}"


def _is_csv(files: EventFiles) -> bool:
    """Whether what a comma means is decided by all values of a column, in whatever file."""
    return any(format_of(name) == "csv" for name in files.states)


def _apart(names: Sequence[str]) -> list[list[str]]:
    """Files that are read together: those of each of the last folders, and all others.

    Args:
        names: In order.
    """
    folders = [[*of] for _, of in groupby(names, key=lambda name: str(PurePath(name).parent))]
    older = [name for of in folders[:-FOLDERS_APART] for name in of]
    return [*([older] if older else []), *folders[-FOLDERS_APART:]]
