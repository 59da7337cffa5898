"""The sums of closed days, brought up to date with what has changed them since."""

from collections.abc import Collection, Sequence
from itertools import count

from attrs import evolve

from abkit.analysis.aggregation.done import define_done
from abkit.analysis.aggregation.session import QuerySession
from abkit.analysis.engines.base import Row, integer
from abkit.analysis.query.layout import Layout
from abkit.analysis.query.sums import Limits, SumQueries
from abkit.analysis.store.closed.beyond_limits import BeyondLimits, covers, widened
from abkit.analysis.store.closed.closed_days import (
    Answer,
    ClosedDays,
    Limit,
    at_once,
    cancels,
    with_rows,
)
from abkit.analysis.store.closed.continued_queries import ContinuedQueries
from abkit.analysis.store.closed.keeping import Kept, KeptTable
from abkit.analysis.store.closed.unit_conditions import CHANGED, UNCHANGED


class ClosedSums:
    """The sums of closed days.

    Afterwards there are the tables `known_units`, `changed_units`, `fresh_units`, and of different values
    `known_values`.

    Args:
        session: The engine, in which `units` and `actions` are.
        queries: The queries of what changed since.
        closed: The sums as they were.
        kept: Where what units did is kept.

    Attributes:
        closed: The sums, as far as they have been brought up to date.
        changed: Whether they are others than those that are kept.
        states: The table of the states that are to be kept instead of those that are; None: none are.
    """

    def __init__(
        self, session: QuerySession, queries: ContinuedQueries, closed: ClosedDays, kept: Kept
    ) -> None:
        self._session, self._queries, self._kept = session, queries, kept
        self._scopes = count(1)
        self.closed: ClosedDays = closed
        self.states: str | None = None
        session.define("known_units", f"select * from {kept.table(KeptTable.UNITS)}")
        session.define("changed_units", queries.changed_units(), keep=True)
        session.define("fresh_units", queries.fresh_units(), keep=True)
        counted = session.row("units that changed", "select count(*) as units from changed_units")
        self.changed: bool = integer(counted, "units") > 0
        if queries.distinct:
            gone = f" where not ({queries.keys.of_changed()})" if self.changed else ""
            values = kept.table(KeptTable.VALUES)
            session.define("known_values", f"select * from {values}{gone}")

    def without_changed_units(self) -> bool:
        """Take away what the units had added that changed; False if too little is left to be exact."""
        if not self.changed:
            return True
        answers = self.closed.answers
        asked = [_asking(self._sums(), answer) for answer in answers]
        found = self._added_by(CHANGED, answers, asked)
        left = [
            with_rows(answer, queries, rows, times=-1)
            for answer, queries, rows in zip(answers, asked, found, strict=True)
        ]
        if any(cancels(*each) for each in zip(answers, left, asked, strict=True)):
            return False
        self.closed = evolve(self.closed, answers=left)
        return True

    def take_limits(self, queries: SumQueries, beyond: BeyondLimits) -> None:
        """Let the sums be within the limits of these queries.

        Args:
            queries: The queries.
            beyond: Which states of units are kept because limits may change what they add.
        """
        closed, layout = self.closed, queries.layout
        before, now = closed.limits, listed_limits(queries.limits, layout)
        if before == now:
            return
        if covers(closed.reach, before, now):
            scoped = self._session.scoped(self._scope())
            states = self._kept.table(KeptTable.STATES)
            scoped.define("states", f"select * from {states} where {UNCHANGED}")
        else:
            reach = widened(widened(beyond.reach(self._session, queries), before), now)
            closed = evolve(closed, reach=reach)
            scope = self._scope()
            scoped = self._closed_states(f"{UNCHANGED} and {beyond.units(reach)}", scope)
            self.states = f"states_{scope}"
        units = f"{UNCHANGED} and {beyond.units(closed.reach)}"
        moved = [
            part for part, *both in zip(layout.capped, before, now, strict=True) if len({*both}) > 1
        ]
        places = {place for part in moved for place in layout.limited_places(part)}
        answers = []
        for answer in closed.answers:
            asked = _asking(queries, answer)
            for limits, times in ((self._limits(), -1), (queries.limits, 1)):
                of = evolve(asked, limits=limits)
                rows = (
                    self._of_periods(scoped, of, places)
                    if answer.parts is None
                    else self._at_once(units, of, answer, places)
                )
                answer = with_rows(answer, of, rows, times=times)  # noqa: PLW2901
            answers.append(answer)
        self.changed = True
        self.closed = evolve(closed, limits=now, answers=answers)

    def around(self, queries: SumQueries, parts: Collection[str | None] | None = None) -> Answer:
        """The sums around the shifts of these queries, or around others that are known.

        Args:
            queries: The queries.
            parts: The values of the first column of `by` that are asked for; None: it tells no parts.
        """
        known = self.closed.around(queries, parts)
        if known is not None:
            return known
        self.changed = True
        values = None if parts is None else tuple(parts)
        answer = Answer(by=queries.by, shifts=queries.shifts, parts=values)
        (rows,) = self._added_by(UNCHANGED, [answer], [queries])
        return evolve(answer, rows=rows)

    def _sums(self) -> SumQueries:
        events = self._queries.events
        return evolve(
            SumQueries.of_units(events.layout, phased=events.phased), limits=self._limits()
        )

    def _limits(self) -> Limits:
        """The limits of the sums as they are."""
        return dict(zip(self._queries.layout.capped, self.closed.limits, strict=True))

    def _scope(self) -> str:
        return f"closed_{next(self._scopes)}"

    def _added_by(
        self, units: str, answers: Sequence[Answer], asked: Sequence[SumQueries]
    ) -> Sequence[Sequence[Row]]:
        """What some of the known units have added to the sums of closed days.

        Args:
            units: Which units, as SQL.
            answers: What is known of the sums.
            asked: The queries of each of them.
        """
        scoped = None
        found = []
        for answer, queries in zip(answers, asked, strict=True):
            if answer.parts is not None:
                found.append(self._at_once(units, queries, answer))
                continue
            scoped = scoped or self._closed_states(units, self._scope())
            found.append(self._of_periods(scoped, queries))
        return found

    def _at_once(
        self,
        units: str,
        queries: SumQueries,
        answer: Answer,
        places: Collection[int] | None = None,
    ) -> Sequence[Row]:
        """What units of parts have added up to the last closed day: `known_units` tells."""
        scoped = self._session.scoped(self._scope())
        columns = ", ".join(self._queries.columns)
        # As they were then: of units that changed, other ones are in `units` now.
        scoped.define("units", f"select {columns} from known_units")
        source = self._queries.known_at_once(units, queries.by[0], answer.parts or ())
        events = self._queries.events
        scoped.define("states", self._queries.with_segments(events.states(source=source)))
        rows = scoped.rows("sums of parts of closed days", queries.changes(places=places))
        return at_once(queries, rows)

    def _of_periods(
        self, scoped: QuerySession, queries: SumQueries, places: Collection[int] | None = None
    ) -> Sequence[Row]:
        last = self.closed.since // self._queries.length
        rows = scoped.rows("sums of units that changed", queries.changes(places=places))
        return [row for row in rows if integer(row, "period") < last]

    def _closed_states(self, units: str, scope: str) -> QuerySession:
        """A session in which `states` has those of some of the known units, of closed days.

        Args:
            units: Which units, as SQL.
            scope: Of the session.
        """
        continued, closed = self._queries, self.closed
        scoped = self._session.scoped(scope)
        columns = ", ".join(continued.columns)
        scoped.define("units", f"select {columns} from known_units where {units}", keep=True)
        scoped.define(
            "actions",
            f"""\
select * from actions
where batch <= {closed.batch} and time < {closed.since} and unit_id in (select unit_id from units)""",
            keep=True,
        )
        events = evolve(continued.events, since=None)
        rows = define_done(scoped, events, source="actions", keep=bool(events.layout.derived))
        periods = events.by_period(continued.length, source=rows)
        scoped.define("states", continued.with_segments(events.states(source=periods)), keep=True)
        return scoped


def listed_limits(limits: Limits, layout: Layout) -> list[Limit]:
    """The limits of each part that has some, in the order of the layout's."""
    return [limits.get(part, (None, None)) for part in layout.capped]


def _asking(queries: SumQueries, answer: Answer) -> SumQueries:
    """The queries of an answer."""
    return evolve(queries, by=answer.by, shifts=answer.shifts)
