"""One analysis that goes on where the one before it ended."""

from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property

from attrs import evolve

from abkit.analysis.aggregation.centering import Looks
from abkit.analysis.aggregation.completions import Known
from abkit.analysis.aggregation.done import define_done
from abkit.analysis.aggregation.measures import (
    Changes,
    NewUnits,
    cumulated,
    measured_part_sums,
)
from abkit.analysis.aggregation.session import QuerySession, instant
from abkit.analysis.amounts import amount
from abkit.analysis.engines.base import Row, integer
from abkit.analysis.query.days import DayQueries
from abkit.analysis.query.events import EventQueries
from abkit.analysis.query.maturity import MaturityQueries, limited
from abkit.analysis.query.periods import microseconds
from abkit.analysis.query.sums import SumQueries
from abkit.analysis.query.values import among
from abkit.analysis.reading.quoting import literal
from abkit.analysis.statistics.days import DAY
from abkit.analysis.store.closed.beyond_limits import VALUES, BeyondLimits
from abkit.analysis.store.closed.closed_days import AT_ONCE, Answer, at_once, with_rows
from abkit.analysis.store.closed.closed_sums import ClosedSums
from abkit.analysis.store.closed.closing import Closing
from abkit.analysis.store.closed.continued_completions import ContinuedCompletions
from abkit.analysis.store.closed.continued_days import ContinuedDays
from abkit.analysis.store.closed.continued_queries import ContinuedQueries
from abkit.analysis.store.closed.keeping import Kept, KeptTable
from abkit.analysis.times import duration
from abkit.experiments.declaring.metrics import Derived, Retention

_DAY = microseconds(DAY)

_OPEN = """\
select distinct period
from by_period
where unit_id not in (select unit_id from fresh_units)
order by period"""

_FIRST = """\
select min(first_exposure) as first_exposure
from units
where unit_id in (select unit_id from fresh_units)"""


class GoingOn:
    """One analysis that goes on where the one before it ended.

    Args:
        session: The engine.
        queries: The queries of what units did.
        new_units: When the units came.
        kept: What is known.
        end: The end of the data, in microseconds since 1970.
        before: Nearly all that happened before this moment has come, likewise.
    """

    def __init__(
        self,
        session: QuerySession,
        queries: EventQueries,
        new_units: NewUnits,
        kept: Kept,
        *,
        end: int,
        before: int,
    ) -> None:
        self._session, self._kept, self._queries = session, kept, queries
        self._end = end
        # What counts once its time is over counts by the end of the data.
        self._before = min(before, end) if queries.layout.waits_for else before
        self._beyond = BeyondLimits(queries)
        self._limits = SumQueries.of_units(queries.layout, phased=queries.phased)
        self._answers: list[Answer] = []
        self._days: tuple[DayQueries, str] | None = None
        self._all_days_anew = False
        self._earliest = 0
        self._units_of_parts: dict[str, Sequence[Row]] = {}
        nothing_known = ContinuedQueries(
            events=queries,
            length=new_units.length,
            columns=kept.engine.columns("units"),
            batch=0,
            over=0,
            keys=kept.keys,
            maturity=MaturityQueries(layout=queries.layout, metrics=limited(queries.layout)),
        )
        self._closed: ClosedSums | None = None
        self._known = known = kept.read()
        self._continued = nothing_known
        # If the clock was set back, days were closed that are not over.
        if known is not None and known.over <= end:
            continued = evolve(
                nothing_known,
                events=evolve(queries, since=known.since),
                batch=known.batch,
                over=known.over,
            )
            sums = ClosedSums(session, continued, known, kept)
            if sums.without_changed_units():
                self._closed, self._continued = sums, continued
        self._define_periods()

    @property
    def starts(self) -> str | None:
        """The query of when units began what takes time; None if nothing does."""
        return self._continued.started() if self._continued.maturity.starts else None

    def define_units(self) -> None:
        """Define the measures of units, as far as they are asked for: `measured`, and `VALUES`."""
        session, queries = self._session, self._queries
        keep = bool(queries.layout.quantiles) or (self._closed is None and queries.segments > 0)
        session.define("touched_units", self._continued.touched_units(), keep=True)
        session.define("per_unit", self._continued.per_unit())
        session.define("measured", queries.measured(), keep=keep)
        if self._beyond.limited:
            session.define(VALUES, self._beyond.values(), keep=True)

    def define_states(self) -> None:
        """Define the states of units at the ends of the periods that are not closed: `states`, and `idle`."""
        session = self._session
        if self._closed is None:
            session.define("states", self._queries.states(source="select * from by_period"))
        else:
            states = self._continued.with_segments(self._queries.states_of("running"))
            session.define("states", states, keep=True)
        session.define("idle", self._queries.idle())

    def take_limits(self, queries: SumQueries) -> None:
        """Let the sums of closed days be within the limits of these queries."""
        self._limits = queries
        if self._closed is not None:
            self._closed.take_limits(queries, self._beyond)

    def changes(self, queries: SumQueries) -> Changes:
        """What came in each period: of closed ones as it is known."""
        answer = Answer(by=queries.by, shifts=queries.shifts)
        if self._closed is not None:
            answer = self._closed.around(queries)
        queries = evolve(queries, shifts=answer.shifts)
        rows = self._session.rows("sums per variant over time", queries.changes())
        answer = with_rows(answer, queries, rows)
        self._answers.append(answer)
        return queries, answer.rows

    def part_sums(self, queries: SumQueries, what: str, largest: str) -> Looks:
        """The sums of the largest parts of the units: of closed days as they are known.

        Args:
            queries: The queries, by part.
            what: What is asked.
            largest: The table of the largest parts.
        """
        session = self._session
        if self._closed is None:
            return measured_part_sums(session, queries, what, largest)
        if largest not in self._units_of_parts:
            self._units_of_parts[largest] = session.rows(
                "units of parts", queries.units(among=largest)
            )
        units = {queries.group(row): integer(row, "units") for row in self._units_of_parts[largest]}
        if not units:  # All of them are left out now.
            return {}
        answer = self._closed.around(queries, tuple(dict.fromkeys(value for value, *_ in units)))
        queries = evolve(queries, shifts=answer.shifts)
        rows = session.rows(what, queries.changes(among=largest))
        self._answers.append(with_rows(answer, queries, rows))
        start, length = instant(AT_ONCE * self._continued.length), self._continued.length
        found = cumulated(
            queries,
            {(start, group): count for group, count in units.items()},
            at_once(queries, [*answer.rows, *rows]),
            length=length,
            idle=self._idle,
        )
        return {group: looks for group, looks in found.items() if group in units}

    @cached_property
    def _idle(self) -> Row:
        return self._session.row("measures of a unit that did nothing", self._limits.idle())

    def told_late(self, late: int) -> Sequence[str]:
        """How many actions came later than is common, in a sentence; nothing if none did.

        Args:
            late: How late is common, in microseconds.
        """
        closed = self._known
        if closed is None:
            return ()
        found = f"""\
select count(*) as times from actions
where batch > {closed.batch} and time < {closed.since - late} and {among(self._queries.layout.actions)}
  and unit_id in (select unit_id from units)"""
        times = integer(self._session.row("actions that came late", found), "times")
        if not times:
            return ()
        when = duration(timedelta(microseconds=late))
        said = (
            f"{amount(times, 'action')} came more than {when} after they had happened. They count: the "
            "numbers of earlier days have changed."
        )
        return (said,)

    @cached_property
    def lacks(self) -> bool:
        """Whether some action lacks a property whose values metrics tell apart."""
        lacking = [
            f"(action = {literal(action)} and text_{i} is null)"
            for i, (action, _) in enumerate(self._queries.layout.texts)
        ]
        if not lacking or (self._known is not None and self._known.lacks):
            return bool(lacking)
        looked_at = 0 if self._known is None else self._known.batch
        found = f"""\
select count(*) as times from actions where batch > {looked_at} and ({" or ".join(lacking)})"""
        return bool(integer(self._session.row("actions that lack something", found), "times"))

    def unit_days(self, days: DayQueries, most: int) -> str:
        """The query of `unit_days`."""
        session, closed = self._session, self._closed
        text = evolve(days, end=0).unit_days(most)
        self._days = days, text
        if closed is not None and closed.closed.days == text:
            session.define("known_days", f"select * from {self._kept.table(KeptTable.DAYS)}")
            known = ContinuedDays(self._continued)
            done = known.done_on_days(days, earliest=self._earliest)
            session.define("done_on_days", done)
            fresh = known.fresh_days(evolve(days, done="done_on_days"), most)
            session.define("fresh_days", fresh, keep=True)
            return known.unit_days(days)
        if closed is not None:
            self._all_days_anew = True
            session.define("all_done", self._queries.actions.done(source="actions"))
            days = evolve(days, done="all_done")
        session.define("fresh_days", days.unit_days(most), keep=True)
        return "select * from fresh_days"

    def close(self) -> None:
        """Write down what is known of all days that are closed now."""
        length = max(self._continued.length, _DAY)
        # What comes next may be of the day after the last one, though that was long ago.
        since = min(self._before // length, self._end // length + 1) * length
        if self._closed is not None:
            before = self._closed.closed.since
            since = max(since, before)
            if since == before and not (self._closed.changed or self._all_days_anew):
                return
        Closing(
            session=self._session,
            queries=self._continued,
            beyond=self._beyond,
            limits=self._limits,
            kept=self._kept,
            before=self._closed,
            since=since,
            over=min(since, self._end),
            lacks=self.lacks,
        ).write(self._answers, self._days, all_days_anew=self._all_days_anew)

    def _define_periods(self) -> None:
        """Define what units did in periods that are asked for: `by_period`."""
        session, continued = self._session, self._continued
        queries = continued.events
        source, keep = "actions", bool(queries.layout.derived)
        known: dict[int, Known] = {}
        if self._closed is not None:
            first = session.row("first of the new units", _FIRST)["first_exposure"]
            earliest = continued.since if first is None else int(first)  # type: ignore[call-overload]
            self._earliest = earliest
            before = microseconds(queries.cuped) if queries.cuped is not None else 0
            session.define("counted_actions", continued.counted_actions(earliest=earliest - before))
            source, keep = "counted_actions", True
            for i, part in enumerate(queries.layout.derived):
                known[i] = self._known_of(i, part, earliest=earliest)
        rows = define_done(session, queries, source=source, keep=keep, known=known)
        session.define("by_period", continued.by_period(rows), keep=self._closed is not None)
        if self._closed is not None:
            found = session.rows("periods that are not closed", _OPEN)
            periods = [integer(row, "period") for row in found]
            session.define("running", continued.running(periods), keep=True)

    def _known_of(self, place: int, part: Derived, *, earliest: int) -> Known:
        """What is known of a metric that is completed by several actions."""
        session, continued = self._session, self._continued
        completions = ContinuedCompletions(continued)
        waiting = completions.waiting(part)
        if waiting is None:
            return Known(values=completions.known_values(place, part))
        session.define(f"waiting_{place}", waiting, keep=True)
        completing = completions.completing(part, waiting=f"waiting_{place}", earliest=earliest)
        session.define(f"completing_{place}", completing, keep=isinstance(part, Retention))
        return Known(source=f"completing_{place}")
