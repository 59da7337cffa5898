"""The sums of an experiment: of closed days as they are known, and of what changed since.

Days are closed once nearly all of their events have come. Of those, the sums are known, and what each unit
did. What changes them afterwards is found by the units that it concerns: what these had added to the sums is
taken away, and they are computed anew, from the events.
"""

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256

from attrs import evolve, frozen

from abkit.analysis.aggregation.maturity import last_moment
from abkit.analysis.aggregation.measured_sums import MeasuredSums
from abkit.analysis.aggregation.measures import (
    NewUnits,
    find_limits,
    measured_over_time,
)
from abkit.analysis.aggregation.session import QuerySession
from abkit.analysis.query.days import DayQueries
from abkit.analysis.query.events import EventQueries
from abkit.analysis.query.periods import microseconds
from abkit.analysis.query.sums import SumQueries
from abkit.analysis.reading.sources import Table
from abkit.analysis.store.closed.beyond_limits import VALUES
from abkit.analysis.store.closed.going_on import GoingOn
from abkit.analysis.store.closed.keeping import Keeping
from abkit.analysis.store.kept_columns import kept_columns, renamed

DELAY = timedelta(hours=6)
"""A day is closed once there is an event of so long after its end: nearly all of its own have come then. Each
unit of an event that comes later is computed anew."""

QUIET = timedelta(hours=1)
"""If no event is of the time since, they come day by day, as from a nightly load: what has come is all."""


def measure_continued(
    session: QuerySession,
    queries: EventQueries,
    actions: Table,
    *,
    segments: Sequence[str],
    new_units: NewUnits,
    experiment: str,
    ends: tuple[int, int],
) -> "Continued | None":
    """As `measure_events` over time, from what is known of closed days, and what came since.

    Args:
        session: The engine, with a store; `find_exposed_units` has asked it.
        queries: The queries.
        actions: The table of actions.
        segments: The properties that units are told apart by, as in the `UnitQueries`.
        new_units: When the units came.
        experiment: The name of the experiment.
        ends: The last exposure, and now, in microseconds since 1970.

    Returns:
        None if one insert_id is that of different actions: then it must be told of all of them which counts.
    """
    engine, layout = session.engine, queries.layout
    if not isinstance(engine, Keeping):
        return None
    columns = queries.actions.columns(own_unit="unit_id" in actions.columns)
    if not engine.has("actions", actions, columns):
        return None
    if not layout.idempotent and engine.differ("actions"):
        return None
    engine.open("actions", actions, columns)
    exposed, now = ends
    end = last_moment(session, exposed=exposed, until=now)
    if layout.waits_for:
        queries = evolve(queries, end=end)
    read = [f"{name}: {column.name}" for name, column in kept_columns(columns).items()]
    told = (experiment, engine.version, *engine.columns("units"), renamed(actions), *read)
    definition = definition_of(queries, new_units, told)
    kept = engine.kept(experiment, definition)
    going_on = GoingOn(
        session, queries, new_units, kept, end=end, before=_complete_before(end, now)
    )
    going_on.define_units()
    sums = SumQueries.of_units(layout, phased=queries.phased)
    sums = evolve(sums, limits=find_limits(session, sums, source=VALUES))
    going_on.take_limits(sums)
    going_on.define_states()
    measured = measured_over_time(
        session,
        sums,
        new_units,
        changes=going_on.changes,
        segments=segments,
        end=queries.end,
        part_sums=going_on.part_sums,
    )
    measured = evolve(measured, notes=(*measured.notes, *going_on.told_late(engine.late)))
    if going_on.starts is not None:
        session.define("unit_starts", going_on.starts, keep=True)
    return Continued(measured, _complete(session, queries), going_on)


def definition_of(queries: EventQueries, new_units: NewUnits, told: Sequence[str]) -> str:
    """A digest of what is asked of units: what is known of another question is of no use.

    It is of all that is declared, as the queries of one thing name others (what completes a funnel is a table
    to them), and of the queries, as a newer abkit may ask otherwise.

    Args:
        queries: The queries of what units did.
        new_units: When the units came.
        told: The experiment, as others may ask the same of other units; the version of the engine, whose
            hashes are kept; the columns of `units`; and what the columns of actions are read from, which
            the queries do not name.
    """
    plain = evolve(queries, end=0, since=None, until=None)
    by_period = plain.by_period(new_units.length, source="rows")
    asked = [plain.actions.done(source="actions"), by_period, plain.states(source="periods")]
    return sha256("\n".join([repr(plain), *asked, *told]).encode()).hexdigest()[:16]


@frozen
class Continued:
    """What was found, and what the next analysis needs to know of it.

    Attributes:
        measured: The sums.
        complete: A session in which `done` has all that units did: in the other one it has what is new.
    """

    measured: MeasuredSums
    complete: QuerySession
    _going_on: GoingOn

    @property
    def started(self) -> str | None:
        """The table of when units began what takes time, for `immature`; None if there is none."""
        return None if self._going_on.starts is None else "unit_starts"

    @property
    def lacks(self) -> bool:
        """Whether some action lacks a property whose values metrics tell apart."""
        return self._going_on.lacks

    def unit_days(self, days: DayQueries, most: int) -> str:
        """As `DayQueries.unit_days`, for `measure_days`."""
        return self._going_on.unit_days(days, most)

    def close(self) -> None:
        """Write down what the next analysis goes on from."""
        self._going_on.close()


def _complete_before(end: int, now: int) -> int:
    """Before which moment nearly all that happened has come.

    Args:
        end: The end of the data.
        now: The end of the time frame, or now.
    """
    return now if now - end >= microseconds(QUIET) else end - microseconds(DELAY)


def _complete(session: QuerySession, queries: EventQueries) -> QuerySession:
    """A session in which `done` has all that units did."""
    complete = session.scoped("complete")
    complete.define(
        "done", queries.actions.done(source="actions"), keep=bool(queries.layout.quantiles)
    )
    return complete
