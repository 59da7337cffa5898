"""Where it stands which tables a store has made, and which of them are valid.

In a database, in rows of three tables. In a catalog of files, in the names of the tables themselves: of two
processes that append to one folder of files, each may remove what the other one is writing.
"""

import re
from collections.abc import Sequence
from typing import Protocol

from abkit.analysis.engines.base import Row
from abkit.analysis.engines.writing import AppendingEngine, ListingEngine
from abkit.analysis.reading.quoting import literal
from abkit.analysis.store.schema.places import PREFIX, Places, pieces, rows_of_pieces
from abkit.analysis.store.schema.states import Made, State, moment, moment_of
from abkit.errors import AnalysisError

_PIECE = 8_000
"""Characters of a text that are written as one: some databases have no longer ones."""
_AT_ONCE = 8
"""So many of these are written by one statement."""
_LONG_PIECE = 1_000_000
"""Characters of a text that are written as one, where a piece is a row of a file."""

_FIXED = {
    "states": (
        "cast('' as varchar(64)) as subject, cast('' as varchar(64)) as question, "
        "cast(0 as bigint) as number, cast('' as varchar(64)) as token, cast(0 as bigint) as moment"
    ),
    "made": (
        "cast('' as varchar(64)) as name, cast('' as varchar(64)) as token, cast(0 as bigint) as moment"
    ),
    "dropped": "cast('' as varchar(64)) as name",
}
"""The tables that rows are added to, and their columns."""

_STATE = re.compile(r"state_([a-z0-9]+)_([a-z0-9]*)_([0-9]+)_([0-9a-f]{24})_([0-9]+)")
_TABLE = re.compile(r"[a-z]+_([0-9a-f]{24})")


class Register(Protocol):
    """Which tables there are.

    Attributes:
        states: What was valid, in no order.
        made: The tables that were made, and not dropped.
    """

    states: list[State]
    made: Sequence[Made]

    def making(self, table: str, token: str) -> None:
        """Note that a table is about to be made.

        Args:
            table: Its name.
            token: What it belongs to.
        """
        ...

    def dropped(self, table: str) -> None:
        """Note that a table is not there any more."""
        ...

    def add(self, state: State, text: str) -> None:
        """Let a state be valid, with what is written down of it."""
        ...

    def table_of(self, state: State) -> str:
        """The table of what was written down with a state."""
        ...


class RowRegister:
    """Rows of three tables.

    Args:
        engine: The database.
        places: The names of tables.

    Raises:
        AnalysisError: There is no such schema, or nothing may be written there.
    """

    def __init__(self, engine: AppendingEngine, places: Places) -> None:
        self._engine, self._places = engine, places
        try:
            known = {table: self._all(table) for table in _FIXED}
        except AnalysisError:
            self._make_fixed()
            known = {table: self._all(table) for table in _FIXED}
        try:
            dropped = {str(row["name"]) for row in known["dropped"]}
            self.states: list[State] = [*map(_state, known["states"])]
            self.made: Sequence[Made] = [
                made for made in map(_made, known["made"]) if made.name not in dropped
            ]
        except KeyError as error:
            message = (
                f"the schema {places.schema} has a table of something else, called as one of a store but "
                f"without a column {error}: give the store a schema of its own, or drop all tables there "
                f"whose names begin with {PREFIX}"
            )
            raise AnalysisError(message) from error

    def making(self, table: str, token: str) -> None:
        """As `Register.making`."""
        self._add("made", f"{literal(table)}, {literal(token)}, {moment()}")

    def dropped(self, table: str) -> None:
        """As `Register.dropped`."""
        self._add("dropped", literal(table))

    def add(self, state: State, text: str) -> None:
        """As `Register.add`."""
        table, found = self.table_of(state), pieces(text, _PIECE)
        self.making(table, state.token)
        for begin in range(0, len(found), _AT_ONCE):
            write = self._engine.insert if begin else self._engine.create
            part = rows_of_pieces(found[begin : begin + _AT_ONCE], first=begin, length=_PIECE)
            write(self._places.quoted(table), part)
        listed = ", ".join(map(literal, (state.subject, state.question)))
        self._add("states", f"{listed}, {state.number}, {literal(state.token)}, {state.moment}")
        self.states.append(state)

    def table_of(self, state: State) -> str:
        """As `Register.table_of`."""
        return f"state_{state.token}"

    def _make_fixed(self) -> None:
        """Make the tables that rows are added to; that of the states last, as its being there says all."""
        try:
            for table in reversed(_FIXED):
                if not self._is_there(table):
                    self._engine.create(
                        self._places.quoted(table),
                        f"select {_FIXED[table]} from (select 1 as one) as empty where 1 = 0",
                    )
        except AnalysisError as error:
            if all(map(self._is_there, _FIXED)):
                return  # Another process has made them at the same time.
            raise _no_store(self._places, error) from error

    def _is_there(self, table: str) -> bool:
        try:
            self._all(table, limit=" limit 0")
        except AnalysisError:
            return False
        return True

    def _all(self, table: str, *, limit: str = "") -> Sequence[Row]:
        return self._engine.rows(f"select * from {self._places.name(table)}{limit}")

    def _add(self, table: str, values: str) -> None:
        self._engine.insert(self._places.quoted(table), f"select {values}")


class NameRegister:
    """The names of the tables themselves: one that has what is written down says what is valid.

    Args:
        engine: The catalog.
        places: The names of tables.

    Raises:
        AnalysisError: There is no such schema.
    """

    def __init__(self, engine: ListingEngine, places: Places) -> None:
        self._engine, self._places = engine, places
        try:
            names = [n.removeprefix(PREFIX) for n in engine.tables(places.schema, PREFIX)]
        except AnalysisError as error:
            raise _no_store(places, error) from error
        found = [(name, _STATE.fullmatch(name)) for name in names]
        self.states: list[State] = [
            State(of[1], of[2], int(of[3]), of[4], int(of[5])) for _, of in found if of is not None
        ]
        tokens = [(name, of[4]) for name, of in found if of is not None]
        tokens += [(name, of[1]) for name in names if (of := _TABLE.fullmatch(name)) is not None]
        self.made: Sequence[Made] = [Made(name, token, moment_of(token)) for name, token in tokens]

    def making(self, table: str, token: str) -> None:
        """Nothing: its name will say it."""

    def dropped(self, table: str) -> None:
        """Nothing: its name is not there any more."""

    def add(self, state: State, text: str) -> None:
        """As `Register.add`."""
        rows = rows_of_pieces(pieces(text, _LONG_PIECE), first=0, length=_LONG_PIECE)
        self._engine.create(self._places.quoted(self.table_of(state)), rows)
        self.states.append(state)

    def table_of(self, state: State) -> str:
        """As `Register.table_of`."""
        told = (state.subject, state.question, state.number, state.token, state.moment)
        return "_".join(map(str, ("state", *told)))


def _no_store(places: Places, error: AnalysisError) -> AnalysisError:
    message = (
        f"no store can be kept in the schema {places.schema}: {error}. The schema must be there, and the "
        "connection must be allowed to make tables in it"
    )
    return AnalysisError(message)


def _state(row: Row) -> State:
    return State(
        str(row["subject"]),
        str(row["question"] or ""),  # what an empty text is in some databases
        _whole(row, "number"),
        str(row["token"]),
        _whole(row, "moment"),
    )


def _made(row: Row) -> Made:
    return Made(str(row["name"]), str(row["token"]), _whole(row, "moment"))


def _whole(row: Row, column: str) -> int:
    return int(row[column])  # type: ignore[call-overload,no-any-return]
