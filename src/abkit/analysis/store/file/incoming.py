"""Files that came, read into a table of the engine as far as they are still there."""

from collections.abc import Collection, Sequence
from glob import escape
from itertools import count
from pathlib import Path
from typing import TypeAlias

from attrs import frozen

from abkit.analysis.reading.columns import Column
from abkit.analysis.reading.listing import format_of
from abkit.analysis.reading.sources import Table
from abkit.analysis.store.file.engine import StoreEngine
from abkit.analysis.store.file.event_files import EventFiles
from abkit.analysis.store.kept_columns import PART, ROW_ID
from abkit.errors import AnalysisError

HASHED = "struct(high ubigint, low ubigint)"
"""The type of the hash of an insert_id."""

_HALVES = f"{{'high': ({ROW_ID} >> 64)::ubigint, 'low': ({ROW_ID} & {2**64 - 1})::ubigint}}"

Parts: TypeAlias = Sequence[tuple[int, Sequence[str]]]
"""By number, the names of files that are read together."""


@frozen
class Incoming:
    """The table `incoming`: what is in files that came.

    Attributes:
        engine: The engine, with its store.
        kind: What the table of events is of, such as "actions".
        table: That table.
        now: Its files.
        columns: Which columns are read.
    """

    engine: StoreEngine
    kind: str
    table: Table
    now: EventFiles
    columns: Sequence[Column]

    def check_formats(self) -> None:
        """Refuse what cannot be read together, though each part could."""
        formats = {format_of(name) for name in self.now.states}
        if len(formats) > 1 and formats != {"parquet", "jsonl"}:
            self.engine.open("as_given", self.table, self.columns)
            self.engine.forget("as_given")

    def read(self, parts: Parts, scratch: Path) -> tuple[Parts, frozenset[str]]:
        """Read files, as far as they are still there.

        Args:
            parts: Which files.
            scratch: A folder of its own.

        Returns:
            What was read, and the columns that some of it has.
        """
        self.engine.run("drop table if exists incoming")
        read, present = list[tuple[int, Sequence[str]]](), frozenset[str]()
        for number, names in parts:
            there = self.now.there(names)
            for again in count():
                if not there:
                    break
                folder = self.now.linked(there, scratch / f"{number}-{again}")
                columns = self._read_part(number, folder, there, first=not read)
                before, there = there, self.now.there(there)
                if there == before and columns is not None:
                    present = present.union(columns)
                    read.append((number, there))
                    break
                if read and columns is not None:
                    # Of what went meanwhile, nobody knows what was read.
                    self.engine.run(f"delete from incoming where {PART} = {number}")
        return read, present

    def _read_part(
        self, number: int, folder: Path, names: Sequence[str], *, first: bool
    ) -> Collection[str] | None:
        """Read the files of a folder; the answer are the columns that some have, or None if some are gone."""
        view = f"arriving_{self.kind}_{number}"
        # A glob, as a name that begins with _ may be data: the path of the table says so.
        pattern = f"{escape(str(folder))}/**/*"
        make = "create or replace temporary table incoming as" if first else "insert into incoming"
        try:
            present = self.engine.open(view, Table(pattern, self.table.columns), self.columns)
            self.engine.run(
                f"""\
{make} select {number} as {PART},
  * replace (case when {ROW_ID} is not null then {_HALVES} end as {ROW_ID})
from (select * replace (md5_number({ROW_ID}) as {ROW_ID}) from {view})"""
            )
        except AnalysisError as error:
            if len(self.now.there(names)) < len(names):
                return None
            # If there is something wrong with the table, it says so itself: of all files together, and
            # of what was given, not of the folder that only we know.
            self.engine.open(f"as_given_{number}", self.table, self.columns)
            root, label = str(self.now.root), self.table.label
            error.args = tuple(
                str(each).replace(pattern, label).replace(str(folder), root) for each in error.args
            )
            raise
        finally:
            self.engine.forget(view)
        return present
