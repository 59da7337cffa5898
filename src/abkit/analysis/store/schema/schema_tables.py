"""The tables of a store in a schema: each is written once, and counts once a single row says so.

Databases differ in what a transaction holds together; of some, nothing. So no table is changed after it was
made. What is known is in new tables, whose names nobody else has, and becomes valid by one row in the table
of states: before it, it is as if nothing had been written. Tables that are valid no more are dropped later.
Of two processes that write at the same time, each reads what it has written itself; one of both is kept.
"""

import base64
import secrets
import zlib
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from time import time_ns

from attrs import frozen

from abkit.analysis.engines.base import Row
from abkit.analysis.engines.connection import Connection
from abkit.analysis.engines.translation import quoted
from abkit.analysis.query.periods import microseconds
from abkit.analysis.reading.quoting import identifier, literal
from abkit.analysis.store.closed.keeping import MOST_QUESTIONS
from abkit.errors import AnalysisError

GRACE = timedelta(hours=6)
"""So long a table stays after it was valid: an analysis that has begun before may still read it."""

_PREFIX = "abkit_store_"
_PIECE = 8_000
"""Characters of a text that are written as one: some databases have no longer ones."""
_AT_ONCE = 8
"""So many of these are written by one statement."""

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


@frozen
class State:
    """What was valid from a moment on.

    Attributes:
        subject: Of what, such as "actions"; or a digest of an experiment's name.
        question: What is asked, a digest; or nothing.
        number: 1 for the first.
        token: What its tables are named by.
        moment: When it became valid, in microseconds since 1970.
    """

    subject: str
    question: str
    number: int
    token: str
    moment: int


@frozen
class _Made:
    """A table that was made.

    Attributes:
        name: Its name.
        token: What it belongs to.
        moment: When, in microseconds since 1970.
    """

    name: str
    token: str
    moment: int

    @classmethod
    def of(cls, row: Row) -> "_Made":
        return cls(str(row["name"]), str(row["token"]), _whole(row, "moment"))


class SchemaTables:
    """The tables of a store.

    Args:
        connection: Runs the statements.
        schema: Where they are.

    Attributes:
        connection: The connection.
        schema: The schema.
        oldest: What was not valid any more before this moment, in microseconds since 1970, is read by
            nobody.

    Raises:
        AnalysisError: There is no such schema, or nothing may be written there.
    """

    def __init__(self, connection: Connection, schema: str) -> None:
        self.connection: Connection = connection
        self.schema: str = schema
        self.oldest: int = moment() - microseconds(GRACE)
        try:
            known = self._all_known()
        except AnalysisError:
            self._make_fixed()
            known = self._all_known()
        try:
            self._states = [*map(_state, known["states"])]
            self._made = [_Made.of(row) for row in known["made"]]
            self._dropped = frozenset(str(row["name"]) for row in known["dropped"])
        except KeyError as error:
            message = (
                f"the schema {schema} has a table of something else, called as one of a store but without "
                f"a column {error}: give the store a schema of its own, or drop all tables there whose names "
                f"begin with {_PREFIX}"
            )
            raise AnalysisError(message) from error

    def name(self, table: str) -> str:
        """A table as queries name it."""
        return ".".join(map(identifier, (*self.schema.split("."), f"{_PREFIX}{table}")))

    def latest(self, subject: str, question: str = "") -> State | None:
        """What is valid now; None if nothing is."""
        found = (s for s in self._states if (s.subject, s.question) == (subject, question))
        return max(found, key=lambda state: (state.number, state.token), default=None)

    def make(self, table: str, token: str, query: str) -> None:
        """Make a table.

        Args:
            table: Its name, which is new.
            token: What it belongs to.
            query: A select.
        """
        self._add("made", f"{literal(table)}, {literal(token)}, {moment()}")
        self.connection.create(self._quoted(table), query)

    def drop(self, table: str) -> None:
        """Drop a table that nobody else knows of, or that nobody reads any more."""
        self.connection.drop(self._quoted(table))
        self._add("dropped", literal(table))

    def text(self, state: State) -> str:
        """What was written down with a state."""
        table = self.name(f"state_{state.token}")
        rows = self.connection.rows(f"select place, piece from {table} order by place")
        return zlib.decompress(
            base64.b64decode("".join(str(row["piece"]) for row in rows))
        ).decode()

    def write(self, subject: str, question: str, token: str, text: str) -> None:
        """Let tables be valid that were made, and what is written down of them.

        Args:
            subject: As of `State`.
            question: As of `State`.
            token: What the tables are named by.
            text: What is written down.
        """
        pieces = _pieces(text)
        table = f"state_{token}"
        self.make(table, token, _rows(pieces[:_AT_ONCE]))
        for begin in range(_AT_ONCE, len(pieces), _AT_ONCE):
            part = _rows(pieces[begin : begin + _AT_ONCE], first=begin)
            self.connection.insert(self._quoted(table), part)
        before = self.latest(subject, question)
        state = State(
            subject,
            question,
            number=1 if before is None else before.number + 1,
            token=token,
            moment=moment(),
        )
        listed = ", ".join(map(literal, (subject, question)))
        self._add("states", f"{listed}, {state.number}, {literal(token)}, {state.moment}")
        self._states.append(state)

    def sweep(self, in_use: Collection[str]) -> None:
        """Drop tables that were never valid, or are not any more, for a while.

        Args:
            in_use: Tables that are valid besides those that are named by the token of a valid state.
        """
        tokens = self._tokens_in_use(self.oldest)
        for made in self._made:
            keep = {made.name} & {*self._dropped, *in_use} or made.token in tokens
            if not keep and made.moment < self.oldest:
                self.drop(made.name)

    def _tokens_in_use(self, before: int) -> frozenset[str]:
        """The tokens of states that are valid, or were at some time since a moment."""
        kept, latest = set[str](), dict[str, list[State]]()
        for subject, question in {(s.subject, s.question) for s in self._states}:
            of = [s for s in self._states if (s.subject, s.question) == (subject, question)]
            of.sort(key=lambda state: (state.number, state.token))
            kept |= {one.token for one, next_ in pairwise(of) if next_.moment >= before}
            latest.setdefault(subject, []).append(of[-1])
        for states in latest.values():
            states.sort(key=lambda state: state.moment)
            kept |= {state.token for state in states[-MOST_QUESTIONS:]}
            kept |= {state.token for state in states if state.moment >= before}
        return frozenset(kept)

    def _all_known(self) -> Mapping[str, Sequence[Row]]:
        """The rows of the tables that rows are added to."""
        return {table: self._all(table) for table in _FIXED}

    def _make_fixed(self) -> None:
        """Make the tables that rows are added to; that of the states last, as its being there says all."""
        try:
            for table in reversed(_FIXED):
                if not self._is_there(table):
                    self.connection.create(
                        self._quoted(table),
                        f"select {_FIXED[table]} from (select 1 as one) as empty where 1 = 0",
                    )
        except AnalysisError as error:
            if all(map(self._is_there, _FIXED)):
                return  # Another process has made them at the same time.
            message = (
                f"no store can be kept in the schema {self.schema}: {error}. The schema must be there, and "
                "the connection must be allowed to make tables in it"
            )
            raise AnalysisError(message) from error

    def _is_there(self, table: str) -> bool:
        try:
            self._all(table, limit=" limit 0")
        except AnalysisError:
            return False
        return True

    def _all(self, table: str, *, limit: str = "") -> Sequence[Row]:
        return self.connection.rows(f"select * from {self.name(table)}{limit}")

    def _add(self, table: str, values: str) -> None:
        self.connection.insert(self._quoted(table), f"select {values}")

    def _quoted(self, table: str) -> str:
        """A table as the database quotes its name."""
        dialect = self.connection.dialect
        parts = (*self.schema.split("."), f"{_PREFIX}{table}")
        return ".".join(quoted(part, dialect) for part in parts)


def _state(row: Row) -> State:
    return State(
        str(row["subject"]),
        str(row["question"] or ""),  # what an empty text is in some databases
        _whole(row, "number"),
        str(row["token"]),
        _whole(row, "moment"),
    )


def _whole(row: Row, column: str) -> int:
    return int(row[column])  # type: ignore[call-overload,no-any-return]


def moment() -> int:
    """Now, in microseconds since 1970."""
    return time_ns() // 1000


def new_token() -> str:
    """What names tables that nobody else can make."""
    return secrets.token_hex(6)


def _pieces(text: str) -> list[str]:
    """A text in letters and digits, that no database reads as something else."""
    whole = base64.b64encode(zlib.compress(text.encode())).decode()
    return [whole[begin : begin + _PIECE] for begin in range(0, len(whole), _PIECE)]


def _rows(pieces: Sequence[str], *, first: int = 0) -> str:
    return "\nunion all\n".join(
        f"select cast({first + place} as bigint) as place, "
        f"cast({literal(piece)} as varchar({_PIECE})) as piece"
        for place, piece in enumerate(pieces)
    )
