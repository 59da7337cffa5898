"""What came into a table of a database since a store was last used: days of events take the place of files.

A day whose number of rows is another one is read again, and what is new of it is kept. The day is that of the
time of the events, UTC.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from attrs import evolve, frozen

from abkit.analysis.engines.base import integer
from abkit.analysis.engines.writing import WritingEngine
from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.quoting import identifier
from abkit.analysis.reading.sources import Table
from abkit.analysis.store import kept_columns
from abkit.analysis.store.kept_columns import BATCH, ROW_ID
from abkit.analysis.store.schema.day_conditions import (
    NO_DAY,
    day_of,
    is_among,
    is_not_among,
    spans,
)
from abkit.analysis.store.schema.kept_events import KeptEvents
from abkit.analysis.store.schema.schema_tables import SchemaTables
from abkit.analysis.store.schema.states import moment, new_token

MOST_TABLES = 16
"""More tables than these are slow to read together: of these, the smallest become one."""
MERGED = 12
"""So many become one at a time."""

_MOST_DAYS = 400
"""If more days than these have changed, all are read."""

_TIME = Column(name="time", kind=Kind.INSTANT, source="time")
_INSERT_ID = Column(name="insert_id", kind=Kind.TEXT, source="insert_id")

_Days = Mapping[int, int]


def take_in_days(
    tables: SchemaTables, kind: str, table: Table, requests: Iterable[Mapping[str, Column]]
) -> KeptEvents | None:
    """Bring what a store has of a table up to date.

    Args:
        tables: The tables of the store.
        kind: What the table is of, such as "actions".
        table: The table.
        requests: The columns that each experiment needs, as of `kept_columns`.

    Returns:
        What it has now; None if the table is empty.

    Raises:
        AnalysisError: The table cannot be read, or the store not be written.
    """
    own = kept_columns.kept_columns([_INSERT_ID, _TIME])
    wanted = kept_columns.together([own, *requests])
    known = _known(tables, kind, table)
    if known is not None:
        wanted = kept_columns.together([known.columns, {c.name: c for c in wanted}])
    taking = _Taking(tables, kind, table, {c.name: c for c in wanted}, time=own["time"].name)
    days = taking.count_days()
    if not days:
        return None
    present = taking.open()
    nothing = KeptEvents(
        label=table.label,
        renamed=kept_columns.renamed(table),
        columns=taking.columns,
        present=present,
    )
    if known is not None and {*known.columns} == {*taking.columns} and known.present == present:
        if known.days == days:
            return known
        found = taking.take_in(known, days)
        if found is not None:
            return found
    retired = {} if known is None else {**known.retired, **dict.fromkeys(known.tables, moment())}
    return taking.take_in(evolve(nothing, retired=retired), days)


def _known(tables: SchemaTables, kind: str, table: Table) -> KeptEvents | None:
    state = tables.latest(kind)
    found = None if state is None else KeptEvents.from_json(tables.text(state))
    return found if found is not None and found.is_of(table) else None


def rows_of(tables: SchemaTables, known: KeptEvents, columns: Collection[str]) -> str:
    """All events that are known, as a query.

    Args:
        tables: The tables of the store.
        known: What is known.
        columns: What to select, as SQL.
    """
    listed = ", ".join(columns)
    parts = (f"select {listed} from {tables.name(each)}" for each in known.tables)
    return "\nunion all\n".join(parts)


@frozen
class _Taking:
    """The taking in of what is new.

    Attributes:
        tables: The tables of the store.
        kind: What the table is of.
        table: The table.
        columns: The columns that are kept, by the store's names.
        time: The name of that of the time.
    """

    tables: SchemaTables
    kind: str
    table: Table
    columns: Mapping[str, Column]
    time: str

    @property
    def _engine(self) -> WritingEngine:
        return self.tables.engine

    def count_days(self) -> _Days:
        """How many rows the table has of each day: of all its columns, that of the time is read only."""
        name = f"times_of_{self.kind}"
        self._engine.open(name, self.table, [_TIME])
        return self._counted(name, "time")

    def open(self) -> frozenset[str]:
        """Open the table itself; the answer are the columns that it really has."""
        return frozenset(
            self._engine.open(f"arriving_{self.kind}", self.table, [*self.columns.values()])
        )

    def take_in(self, known: KeptEvents, now: _Days) -> KeptEvents | None:
        """Take in what is new; None if something that was read is gone, so that all must be read again.

        Args:
            known: What is known.
            now: How many rows each day has now.
        """
        all_days = {*known.days, *now}
        changed = {day for day in all_days if known.days.get(day) != now.get(day)}
        if len(changed) > _MOST_DAYS:
            changed = all_days
        where = ""
        if changed != all_days:
            where = f" where {is_among(self._time, changed)}"
            if NO_DAY not in changed:
                self._engine.narrow(f"arriving_{self.kind}", self.time, spans(changed))
        batch = f"cast({len(known.batches) + 1} as bigint) as {BATCH}"
        came = self._make(f"select {batch}, {self._names} from arriving_{self.kind}{where}")
        # Of what is written meanwhile, more was read than had been counted.
        read = self._counted(self.tables.name(came), self._time)
        gone = any(read.get(day, 0) < known.days.get(day, 0) for day in changed)
        found_new = None if gone else self._new(known, changed & {*known.days}, came)
        if found_new is None:
            self.tables.drop(came)
            return None
        new, told_apart = found_new
        rows = self._count(f"select count(*) as times from {self.tables.name(new)}")
        if not rows:
            self.tables.drop(new)
        found = evolve(
            known,
            days={**{day: n for day, n in known.days.items() if day not in changed}, **read},
            differ=known.differ or (rows > 0 and self._differs(known, new, told_apart=told_apart)),
            retired={
                name: since for name, since in known.retired.items() if since >= self.tables.oldest
            },
        )
        if rows:
            found = evolve(
                found,
                batches=[*known.batches, new.rpartition("_")[2]],
                tables={**known.tables, new: rows},
            )
        found = self._merged(found)
        self.tables.write(self.kind, "", new_token(), found.to_json())
        return found

    def _new(self, known: KeptEvents, again: Collection[int], came: str) -> tuple[str, bool] | None:
        """A table of what is new of what was read, and whether no two of its rows have one insert_id.

        Args:
            known: What is known.
            again: The days that were read before.
            came: The table of what was read, which is dropped if another one is made of it.

        Returns:
            None if something that was read is gone.
        """
        told_apart, source = not self._repeats(came), self.tables.name(came)
        if not again or not known.tables:
            if told_apart:
                return came, True
            new = f"""\
select max({BATCH}) as {BATCH}, {self._names} from {source} where {ROW_ID} is not null
group by {self._names}"""
        else:
            stored = (
                f"select {self._names} from ({rows_of(self.tables, known, self._columns)}) as kept"
            )
            stored = f"{stored} where {is_among(self._time, again)}"
            nameless = (
                f"select count(*) as times from ({stored}) as kept_again where {ROW_ID} is null"
            )
            if self._count(nameless):
                return None  # It cannot be told which of them are new.
            # A day that was not read before has nothing to be compared with.
            both = f" and {is_among(self._time, again)}" if told_apart else ""
            compared = f"""\
select {self._names}, max(stored) as stored, max(came) as came, max({BATCH}) as {BATCH}
from (
  select {self._names}, 1 as stored, 0 as came, cast(0 as bigint) as {BATCH}
  from ({stored}) as kept_again
  union all
  select {self._names}, 0 as stored, 1 as came, {BATCH}
  from {source} where {ROW_ID} is not null{both}
) as kept_and_came
group by {self._names}"""
            self._engine.define(f"compared_{self.kind}", compared, keep=True)
            gone = f"select count(*) as times from compared_{self.kind} where came = 0"
            if self._count(gone):
                return None
            new = f"select {BATCH}, {self._names} from compared_{self.kind} where stored = 0"
            if told_apart:
                new += f"""
union all
select {BATCH}, {self._names} from {source}
where {ROW_ID} is not null and {is_not_among(self._time, again)}"""
        nameless = f"select {BATCH}, {self._names} from {source} where {ROW_ID} is null"
        made = self._make(f"{new}\nunion all\n{nameless}")
        self.tables.drop(came)
        return made, told_apart

    def _repeats(self, table: str) -> bool:
        """Whether some rows have one insert_id."""
        return self._engine.repeats(self._ids("came", [table]), ROW_ID)

    def _differs(self, known: KeptEvents, new: str, *, told_apart: bool) -> bool:
        """Whether what is new differs from something that has its insert_id.

        Args:
            known: What is known.
            new: The table of what is new.
            told_apart: Whether no two of its rows have one insert_id; False: it is not known.
        """
        if not told_apart and self._repeats(new):
            return True
        if not known.tables:
            return False
        before = self._ids("kept", [*known.tables])
        return self._engine.meet(self._ids("came", [new]), before, ROW_ID)

    def _ids(self, what: str, tables: Sequence[str]) -> str:
        """The ids of the rows of some tables, as queries name them."""
        name = f"ids_{what}_{self.kind}"
        parts = (f"select {ROW_ID} from {self.tables.name(table)}" for table in tables)
        self._engine.name(name, "\nunion all\n".join(parts))
        return name

    def _merged(self, known: KeptEvents) -> KeptEvents:
        """The same in fewer tables, if there are many."""
        if len(known.tables) < MOST_TABLES:
            return known
        smallest = sorted(known.tables, key=lambda name: known.tables[name])[:MERGED]
        together = {name: known.tables[name] for name in smallest}
        rows = rows_of(self.tables, evolve(known, tables=together), [BATCH, *self._columns])
        made = self._make(rows)
        left = {name: n for name, n in known.tables.items() if name not in together}
        return evolve(
            known,
            tables={**left, made: sum(together.values())},
            retired={**known.retired, **dict.fromkeys(together, moment())},
        )

    def _make(self, query: str) -> str:
        token = new_token()
        table = f"{self.kind}_{token}"
        self.tables.make(table, token, query, days_of=self.time)
        return table

    def _counted(self, source: str, time: str) -> _Days:
        """How many rows there are of each day."""
        day = day_of(time)
        rows = self._engine.rows(
            f"select {day} as day, count(*) as times from {source} group by {day}"
        )
        return {integer(row, "day"): integer(row, "times") for row in rows}

    def _count(self, query: str) -> int:
        return integer(self._engine.rows(query)[0], "times")

    @property
    def _time(self) -> str:
        """The column of the time, as queries name it."""
        return identifier(self.time)

    @property
    def _columns(self) -> Sequence[str]:
        return [identifier(name) for name in self.columns]

    @property
    def _names(self) -> str:
        return ", ".join(self._columns)
