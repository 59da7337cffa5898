"""The sums of closed days, brought up to date with what has changed them since."""

from collections.abc import Mapping, Sequence
from itertools import count
from math import inf

from attrs import evolve

from abkit.analysis.aggregation.done import define_done
from abkit.analysis.aggregation.session import QuerySession
from abkit.analysis.engines.base import Row, integer
from abkit.analysis.query.layout import Layout
from abkit.analysis.query.sums import Limits, SumQueries
from abkit.analysis.store.closed_days import Answer, ClosedDays, cancels, with_rows
from abkit.analysis.store.continued_queries import ContinuedQueries


class ClosedSums:
    """The sums of closed days.

    Afterwards there are the tables `known_units`, `unchanged_units`, `fresh_units` and `changed_units`.

    Args:
        session: The engine, in which `units` and `actions` are.
        queries: The queries of what changed since.
        closed: The sums as they were.
        units: The table of what is known of each unit.
    """

    def __init__(
        self, session: QuerySession, queries: ContinuedQueries, closed: ClosedDays, *, units: str
    ) -> None:
        self._session, self._queries = session, queries
        self._scopes = count(1)
        self.closed: ClosedDays = closed
        session.define("known_units", f"select * from {units}")
        session.define("unchanged_units", queries.unchanged_units(), keep=True)
        session.define("fresh_units", queries.fresh_units(), keep=True)
        session.define("changed_units", queries.changed_units(), keep=True)
        counted = session.row("units that changed", "select count(*) as units from changed_units")
        self.changed: bool = integer(counted, "units") > 0

    def without_changed_units(self) -> bool:
        """Take away what the units had added that changed; False if too little is left to be exact."""
        if not self.changed:
            return True
        events, closed = self._queries.events, self.closed
        limits: Limits = dict(zip(events.layout.capped, closed.limits, strict=True))
        sums = evolve(SumQueries.of_units(events.layout, phased=events.phased), limits=limits)
        asked = [evolve(sums, shifts=answer.shifts) for answer in closed.answers]
        found = self._added_by("select unit_id from changed_units", asked)
        left = [
            with_rows(answer, sums, rows, times=-1)
            for answer, rows in zip(closed.answers, found, strict=True)
        ]
        if any(cancels(*each, sums) for each in zip(closed.answers, left, strict=True)):
            return False
        self.closed = evolve(closed, answers=left)
        return True

    def take_limits(self, queries: SumQueries) -> None:
        """Let the sums be within the limits of these queries."""
        closed, layout = self.closed, queries.layout
        if closed.limits == listed_limits(queries.limits, layout):
            return
        before: Limits = dict(zip(layout.capped, closed.limits, strict=True))
        beyond = self._queries.beyond_limits(
            _open_limits(before, layout), _open_limits(queries.limits, layout)
        )
        asked = [
            evolve(queries, limits=limits, shifts=answer.shifts)
            for answer in closed.answers
            for limits in (before, queries.limits)
        ]
        found = iter(self._added_by(beyond, asked))
        self.changed = True
        self.closed = evolve(
            closed,
            limits=listed_limits(queries.limits, layout),
            answers=[
                with_rows(with_rows(answer, queries, next(found), times=-1), queries, next(found))
                for answer in closed.answers
            ],
        )

    def around(self, queries: SumQueries) -> Answer:
        """The sums around the shifts of these queries, or around others that are known."""
        known = self.closed.around(queries.shifts)
        if known is not None:
            return known
        self.changed = True
        (rows,) = self._added_by("select unit_id from unchanged_units", [queries])
        return Answer(queries.shifts, rows)

    def _added_by(self, units: str, asked: Sequence[SumQueries]) -> Sequence[Sequence[Row]]:
        """What some of the known units have added to the sums of closed days.

        Args:
            units: The query of their ids.
            asked: The queries of the sums.
        """
        continued, closed = self._queries, self.closed
        scoped = self._session.scoped(f"closed_{next(self._scopes)}")
        columns = ", ".join(continued.columns)
        scoped.define(
            "units", f"select {columns} from known_units where unit_id in ({units})", keep=True
        )
        scoped.define(
            "actions",
            f"""\
select * from actions
where batch <= {closed.batch} and time < {closed.since} and unit_id in (select unit_id from units)""",
            keep=True,
        )
        queries = evolve(continued.events, since=None)
        rows = define_done(scoped, queries, source="actions", keep=bool(queries.layout.derived))
        periods = queries.by_period(continued.length, source=rows)
        scoped.define("states", queries.states(source=periods), keep=True)
        last = closed.since // continued.length
        return [
            [
                row
                for row in scoped.rows("sums of units that changed", each.changes())
                if integer(row, "period") < last
            ]
            for each in asked
        ]


def listed_limits(limits: Limits, layout: Layout) -> list[tuple[float | None, float | None]]:
    """The limits of each part that has some, in the order of the layout's."""
    return [limits.get(part, (None, None)) for part in layout.capped]


def _open_limits(limits: Limits, layout: Layout) -> Mapping[int, tuple[float, float]]:
    """By the place of the part, its limits; where there is none, as far as numbers go."""
    return {
        layout.parts.index(part): (
            -inf if low is None else low,
            inf if high is None else high,
        )
        for part, (low, high) in limits.items()
    }
