"""The tables of a store in a schema: each is written once, and counts once a single row or table says so.

Databases differ in what a transaction holds together; of some, nothing. So no table is changed after it was
made. What is known is in new tables, whose names nobody else has, and becomes valid by one row in a register:
before it, it is as if nothing had been written. Tables that are valid no more are dropped later. Of two
processes that write at the same time, each reads what it has written itself; one of both is kept.
"""

from collections.abc import Collection
from datetime import timedelta
from itertools import pairwise

from abkit.analysis.engines.writing import WritingEngine
from abkit.analysis.query.periods import microseconds
from abkit.analysis.store.closed.keeping import MOST_QUESTIONS
from abkit.analysis.store.schema.places import Places, text_of
from abkit.analysis.store.schema.registers import Register
from abkit.analysis.store.schema.states import State, moment

GRACE = timedelta(hours=6)
"""So long a table stays after it was valid: an analysis that has begun before may still read it."""


class SchemaTables:
    """The tables of a store.

    Args:
        engine: Runs the statements.
        places: The names of tables.
        register: Which tables there are.

    Attributes:
        engine: The engine.
        oldest: What was not valid any more before this moment, in microseconds since 1970, is read by
            nobody.
    """

    def __init__(self, engine: WritingEngine, places: Places, register: Register) -> None:
        self.engine: WritingEngine = engine
        self.oldest: int = moment() - microseconds(GRACE)
        self._places, self._register = places, register

    def name(self, table: str) -> str:
        """A table as queries name it."""
        return self._places.name(table)

    def latest(self, subject: str, question: str = "") -> State | None:
        """What is valid now; None if nothing is."""
        found = (s for s in self._register.states if (s.subject, s.question) == (subject, question))
        return max(found, key=lambda state: (state.number, state.token), default=None)

    def make(self, table: str, token: str, query: str, *, days_of: str | None = None) -> None:
        """Make a table.

        Args:
            table: Its name, which is new.
            token: What it belongs to.
            query: A select.
            days_of: As for `WritingEngine.create`.
        """
        self._register.making(table, token)
        self.engine.create(self._places.quoted(table), query, days_of=days_of)

    def drop(self, table: str) -> None:
        """Drop a table that nobody else knows of, or that nobody reads any more."""
        self.engine.drop(self._places.quoted(table))
        self._register.dropped(table)

    def text(self, state: State) -> str:
        """What was written down with a state."""
        table = self.name(self._register.table_of(state))
        rows = self.engine.rows(f"select place, piece from {table} order by place")
        return text_of([str(row["piece"]) for row in rows])

    def write(self, subject: str, question: str, token: str, text: str) -> None:
        """Let tables be valid that were made, and what is written down of them.

        Args:
            subject: As of `State`.
            question: As of `State`.
            token: What the tables are named by.
            text: What is written down.
        """
        before = self.latest(subject, question)
        number = 1 if before is None else before.number + 1
        self._register.add(State(subject, question, number, token, moment()), text)

    def sweep(self, in_use: Collection[str]) -> None:
        """Drop tables that were never valid, or are not any more, for a while.

        Args:
            in_use: Tables that are valid besides those that are named by the token of a valid state.
        """
        tokens = self._tokens_in_use(self.oldest)
        for made in self._register.made:
            keep = made.name in in_use or made.token in tokens
            if not keep and made.moment < self.oldest:
                self.drop(made.name)

    def _tokens_in_use(self, before: int) -> frozenset[str]:
        """The tokens of states that are valid, or were at some time since a moment."""
        states = self._register.states
        kept, latest = set[str](), dict[str, list[State]]()
        for subject, question in {(s.subject, s.question) for s in states}:
            of = [s for s in states if (s.subject, s.question) == (subject, question)]
            of.sort(key=lambda state: (state.number, state.token))
            kept |= {one.token for one, next_ in pairwise(of) if next_.moment >= before}
            latest.setdefault(subject, []).append(of[-1])
        for valid in latest.values():
            valid.sort(key=lambda state: state.moment)
            kept |= {state.token for state in valid[-MOST_QUESTIONS:]}
            kept |= {state.token for state in valid if state.moment >= before}
        return frozenset(kept)
