"""What came since a store was last used: each event is taken in once, whatever files it is in."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path, PurePath

from attrs import frozen

from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.gone_files import FilesGoneError
from abkit.analysis.reading.quoting import identifier, literal
from abkit.analysis.reading.sources import Table
from abkit.analysis.store import kept_columns
from abkit.analysis.store.file.engine import StoreEngine
from abkit.analysis.store.file.event_files import EventFiles, event_files
from abkit.analysis.store.file.incoming import HASHED, Incoming, Parts
from abkit.analysis.store.file.known_files import (
    KnownFiles,
    begin,
    is_csv,
    known_files,
    note_columns,
    rows_of,
)
from abkit.analysis.store.kept_columns import BATCH, PART, ROW_ID

FOLDERS_APART = 8
"""So many of the last folders, which are days, are each read by itself; all before them at once.

If a file of some is replaced by another, all that were read with it are read again."""

ONCE = ("exposures", "actions", "identities")
"""The kinds of events that count once if they have one insert_id; assignments have none."""

_INSERT_ID = [Column(name="insert_id", kind=Kind.TEXT, source="insert_id")]


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
    known = known_files(engine, kind, table, now)
    ids = kept_columns.kept_columns(_INSERT_ID)
    wanted = kept_columns.together([known.columns, ids, *requests])
    if not _Arriving(engine, kind, table, now, known, wanted).take_in():
        known = begin(engine, kind, table, now, wanted)
        _Arriving(engine, kind, table, now, known, wanted).take_in()
    if now.states:
        engine.keeps(kind, table)


@frozen
class _Arriving:
    """The taking in of what is new.

    Attributes:
        engine: The engine, with its store.
        kind: What the table is of.
        table: The table.
        now: Its files.
        known: What the store has of it.
        wanted: All columns that it is to have: those that it has, and others.
    """

    engine: StoreEngine
    kind: str
    table: Table
    now: EventFiles
    known: KnownFiles
    wanted: Sequence[Column]

    def take_in(self) -> bool:
        """Take in what is new; False if all must be read, as of nothing is known what was read before."""
        replaced = self.known.replaced(self.now)
        again = frozenset(self.known.parts.values()) if self._lacking else replaced
        if (self._lacking and not again) or (again and not self._has_ids()):
            return False
        kept = {name for name, part in self.known.parts.items() if part not in again}
        new = sorted(name for name in self.now.states if name not in kept)
        if not new:
            return not again
        incoming = Incoming(self.engine, self.kind, self.table, self.now, self.wanted)
        incoming.check_formats()
        first = 1 + max(self.known.parts.values(), default=-1)
        apart = [new] if is_csv(self.now) else _apart(new)
        parts = [*enumerate(apart, start=first)]
        with tempfile.TemporaryDirectory(prefix="abkit-") as scratch:
            read, present = incoming.read(parts, Path(scratch))
            gone = read != parts
            # What is gone may be what replaces something that was read before.
            if gone and (again or not read):
                raise FilesGoneError(self.table.label)
            self.engine.run(
                f"create or replace temporary table previous ({ROW_ID} {HASHED}, {BATCH} integer)"
            )
            with self.engine.transaction():
                if replaced and not self._are_all_there(replaced):
                    return False
                if again:
                    self._take_out(again)
                self._insert(again=bool(again))
                self._note(read, present, again)
            self.engine.run("drop table incoming")
        if gone:
            raise FilesGoneError(self.table.label)
        return True

    @property
    def _lacking(self) -> Sequence[Column]:
        """Columns that the store does not have yet: all is read again for them, and stays what it is."""
        return [column for column in self.wanted if column.name not in self.known.columns]

    @property
    def _names(self) -> str:
        return ", ".join(identifier(column.name) for column in self.wanted)

    def _has_ids(self) -> bool:
        """Whether each row of the store can be told from all others."""
        without = f"select count(*) from {rows_of(self.kind)} where {ROW_ID} is null"
        return self.kind in ONCE and self.engine.run(without) == [(0,)]

    def _are_all_there(self, replaced: Iterable[int]) -> bool:
        """Whether what was read from files that were replaced is in the new ones."""
        same = _same("i", "s", self.known.columns)
        gone = f"""\
select count(*) from {rows_of(self.kind)} s
where {_of_parts(replaced)} and not exists (
  select 1 from incoming i where i.{ROW_ID} = s.{ROW_ID} and {same}
)"""
        return self.engine.run(gone) == [(0,)]

    def _take_out(self, parts: Iterable[int]) -> None:
        """Take out what has been read again, and remember when it came."""
        run, rows, of = self.engine.run, rows_of(self.kind), _of_parts(parts)
        run(
            f"insert into previous select {ROW_ID}, max({BATCH}) from {rows} where {of} group by {ROW_ID}"
        )
        run(f"drop table {rows}" if self._lacking else f"delete from {rows} where {of}")

    def _insert(self, *, again: bool) -> None:
        """Move `incoming` into the store, without what is there already.

        Args:
            again: Whether some of it was there, and stays of the batch that it came with.
        """
        run, rows = self.engine.run, rows_of(self.kind)
        run(f"create table if not exists {rows} as select 0 as {BATCH}, * from incoming limit 0")
        source = "incoming"
        if self.kind in ONCE and self._repeats():
            same = _same("i", "s", [column.name for column in self.wanted])
            run(
                f"""\
create or replace temporary table different as
select min({PART}) as {PART}, {self._names} from incoming i
where {ROW_ID} is not null and not exists (
  select 1 from {rows} s where s.{ROW_ID} = i.{ROW_ID} and {same}
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
  exists (select 1 from {rows_of(self.kind)} s join incoming i on i.{half} = s.{half})
from incoming"""
        )
        return bool(within or before)

    def _look_for_repeats(self, source: str) -> None:
        """Note whether what comes differs from something that has its insert_id."""
        ((differs,),) = self.engine.run(
            f"""\
select count({ROW_ID}) > count(distinct {ROW_ID})
  or exists (select 1 from {rows_of(self.kind)} s join {source} i on i.{ROW_ID} = s.{ROW_ID})
from {source}"""
        )
        if differs:
            self.engine.run(
                f"update store.sources set repeats = true where kind = {literal(self.kind)}"
            )

    def _note(self, parts: Parts, present: Iterable[str], again: Iterable[int]) -> None:
        """Note which files were read, some of them again, and what they had."""
        run, of = self.engine.run, f"kind = {literal(self.kind)}"
        note_columns(self.engine, self.kind, self._lacking)
        for number in again:
            run(f"delete from store.files where {of} and part = {number}")
        values = [
            f"({literal(self.kind)}, {literal(name)}, {literal(self.now.states[name])}, {number})"
            for number, names in parts
            for name in names
        ]
        run(f"insert into store.files values {', '.join(values)}")
        for name in present:
            run(f"update store.columns set present = true where {of} and name = {literal(name)}")


def _same(one: str, other: str, names: Iterable[str]) -> str:
    return " and ".join(
        f"{one}.{identifier(name)} is not distinct from {other}.{identifier(name)}"
        for name in names
    )


def _of_parts(parts: Iterable[int]) -> str:
    return f"{PART} in ({', '.join(map(str, parts))})"


def _apart(names: Sequence[str]) -> list[list[str]]:
    """Files that are read together: those of each of the last folders, and all others.

    Args:
        names: In order.
    """
    folders = [[*of] for _, of in groupby(names, key=lambda name: str(PurePath(name).parent))]
    older = [name for of in folders[:-FOLDERS_APART] for name in of]
    return [*([older] if older else []), *folders[-FOLDERS_APART:]]
