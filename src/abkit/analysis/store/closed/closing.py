"""The closing of days: what the next analysis goes on from is written down."""

from collections.abc import Sequence

from attrs import evolve, frozen

from abkit.analysis.aggregation.session import QuerySession
from abkit.analysis.engines.base import integer
from abkit.analysis.query.days import DayQueries
from abkit.analysis.query.sums import SumQueries
from abkit.analysis.store.closed.beyond_limits import BeyondLimits, narrowed
from abkit.analysis.store.closed.closed_days import Answer, ClosedDays, Limit, at_once
from abkit.analysis.store.closed.closed_sums import ClosedSums, listed_limits
from abkit.analysis.store.closed.closing_queries import ClosingQueries
from abkit.analysis.store.closed.continued_queries import ContinuedQueries
from abkit.analysis.store.closed.keeping import Kept, KeptTable, Rows
from abkit.analysis.store.closed.unit_conditions import CHANGED, UNCHANGED

_MORE = 2
"""Where there are so many times the states that were kept at first, fewer are kept."""

_FEW = 1_000
"""So many states are always kept."""


@frozen(kw_only=True)
class Closing:
    """The closing of all days before a moment.

    Attributes:
        session: The engine, with the tables `by_period`, `done` and `states`.
        queries: The queries of what changed since the days that were closed before.
        beyond: Which states of units are kept because limits may change what they add.
        limits: The queries of the sums, with the limits.
        kept: Where it is written.
        before: The sums of the days that were closed before; None: none were.
        since: The moment, in microseconds since 1970.
        over: Days since exposure are closed that ended until this moment, likewise.
        lacks: Whether some action lacks a property whose values metrics tell apart.
    """

    session: QuerySession
    queries: ContinuedQueries
    beyond: BeyondLimits
    limits: SumQueries
    kept: Kept
    before: ClosedSums | None
    since: int
    over: int
    lacks: bool

    def write(
        self,
        answers: Sequence[Answer],
        days: tuple[DayQueries, str] | None,
        *,
        all_days_anew: bool,
    ) -> None:
        """Write down what is known.

        Args:
            answers: The sums, also of days that are not closed.
            days: The queries of the days since exposure, and their text; None: they were not asked for.
            all_days_anew: Whether all such days are among `fresh_days`.
        """
        closed = ClosedDays(
            since=self.since,
            over=self.over,
            lacks=self.lacks,
            batch=self.kept.batch(),
            limits=listed_limits(self.limits.limits, self.queries.layout),
            answers=self._closed(answers),
            days=None if days is None else days[1],
        )
        reach: Sequence[Limit] = ()
        beyond = 0
        changes: dict[KeptTable, Rows] = {}
        if self.beyond.limited:
            self._define_extremes()
            reach, beyond, changes[KeptTable.STATES] = self._states()
        if self.queries.distinct:
            changes[KeptTable.VALUES] = self._values()
        if days is not None:
            changes[KeptTable.DAYS] = self._days(days[0], anew=all_days_anew)
        changes[KeptTable.UNITS] = self._units()  # last: the others ask what was known of them
        self.kept.write(evolve(closed, reach=reach, beyond=beyond), changes)

    @property
    def _closing(self) -> ClosingQueries:
        return ClosingQueries(self.queries)

    @property
    def _is_first(self) -> bool:
        return self.before is None

    def _closed(self, answers: Sequence[Answer]) -> list[Answer]:
        """The sums of closed days, each once."""
        last = self.since // self.queries.length
        found: list[Answer] = []
        for answer in answers:
            rows = [row for row in answer.rows if integer(row, "period") < last]
            if answer.parts is not None:
                rows = [*at_once(evolve(self.limits, by=answer.by), rows)]
            others = [
                other
                for other in found
                if (other.by, other.parts, dict(other.shifts))
                != (answer.by, answer.parts, dict(answer.shifts))
            ]
            found = [*others, evolve(answer, rows=rows)]
        return found

    def _define_extremes(self) -> None:
        known = None
        if not self._is_first:
            known = "known_extremes"
            self.session.define(known, self._closing.known_extremes(self.beyond.limited))
        text = self.beyond.extremes(self.since, length=self.queries.length, known=known)
        self.session.define("extremes", text, keep=True)

    def _states(self) -> tuple[Sequence[Limit], int, Rows]:
        """The states that are kept, beyond which values, and how many there were when that was chosen."""
        session, before, events = self.session, self.before, self.queries.events
        last = self.since // self.queries.length
        if before is None:
            reach: Sequence[Limit] = self.beyond.reach(session, self.limits)
            periods = self._closing.periods_of(f"extremes where {self.beyond.units(reach)}")
            states = f"({self.queries.with_segments(events.states(source=periods))}) as states"
            others = None
        else:
            reach, states, others = before.closed.reach, "states", before.states
            if others is None and self._are_many(before.closed.beyond):
                reach = narrowed(reach, self.beyond.reach(session, self.limits))
                others = f"{self.kept.table(KeptTable.STATES)} where {UNCHANGED}"
        is_beyond = self.beyond.states(reach)
        columns = "*"
        if others is not None:
            columns = ", ".join(self.kept.engine.columns("states"))
        rows = f"select {columns} from {states} where period < {last} and {is_beyond}"
        if others is not None:
            rows += f"""
union all
select {columns} from (select * from {others}) as kept_states where {is_beyond}"""
        session.define("closing_states", rows, keep=True)
        if before is None or others is not None:
            count = session.row("states kept", "select count(*) as states from closing_states")
            return reach, integer(count, "states"), Rows("closing_states")
        return reach, before.closed.beyond, Rows("closing_states", gone=CHANGED)

    def _are_many(self, first: int) -> bool:
        kept = self.kept.table(KeptTable.STATES)
        count = self.session.row("states kept", f"select count(*) as states from {kept}")
        return integer(count, "states") > _MORE * max(first, _FEW)

    def _units(self) -> Rows:
        text = self._closing.units(self.since, limited=self.beyond.limited)
        self.session.define("closing_units", text, keep=True)
        if self._is_first:
            return Rows("closing_units")
        gone = f"unit_id in (select unit_id from closing_units) or {CHANGED}"
        return Rows("closing_units", gone=gone)

    def _values(self) -> Rows:
        self.session.define("closing_values", self._closing.values(self.since), keep=True)
        if self._is_first:
            return Rows("closing_values")
        gone = self.queries.keys.of_changed()
        return Rows("closing_values", gone=gone)

    def _days(self, days: DayQueries, *, anew: bool) -> Rows:
        self.session.define("closing_days", self._closing.days(days, self.over), keep=True)
        return Rows("closing_days", gone=None if anew or self._is_first else CHANGED)
