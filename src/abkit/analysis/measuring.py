"""What units did: from what a store knows of it, or from all events."""

from collections.abc import Callable, Sequence

from attrs import frozen

from abkit.analysis.aggregation.identities import Links
from abkit.analysis.aggregation.measured_sums import MeasuredSums
from abkit.analysis.aggregation.measures import NewUnits, measure_events
from abkit.analysis.aggregation.quantiles import with_quantiles
from abkit.analysis.aggregation.session import QuerySession
from abkit.analysis.query.days import DayQueries
from abkit.analysis.query.events import EventQueries
from abkit.analysis.reading.sources import Table
from abkit.analysis.store.closed.continuing import measure_continued


def _nothing() -> None:
    """Nothing is kept."""


@frozen(kw_only=True)
class Measuring:
    """What was measured, and where more of it can be asked.

    Attributes:
        sums: What was measured.
        complete: The session whose table `done` has all that units did.
        lacking: Whether some action may lack a property whose values metrics tell apart.
        started: A table of when units began what takes time; None: `done` tells.
        unit_days: The query of what units did by days since exposure.
        close: Writes down what the next analysis goes on from; to be called once all has been asked.
    """

    sums: MeasuredSums
    complete: QuerySession
    lacking: bool = True
    started: str | None = None
    unit_days: Callable[[DayQueries, int], str] = DayQueries.unit_days
    close: Callable[[], None] = _nothing


def measure(
    session: QuerySession,
    queries: EventQueries,
    actions: Table | None,
    *,
    segments: Sequence[str],
    new_units: NewUnits | None,
    links: Links | None,
    ends: tuple[int | None, int],
    experiment: str | None,
) -> Measuring:
    """Measure what the `units` did.

    Args:
        session: The engine, of which `find_exposed_units` has been asked.
        queries: The queries.
        actions: The table of actions; None if nothing was done yet.
        segments: The properties that units are told apart by.
        new_units: When the units came; None: not over time.
        links: Whose an action is that names no unit; None: nobody's.
        ends: The last exposure, if there is one, and the end of the time frame, or now, in microseconds since
            1970.
        experiment: The name by which a store knows the experiment; None: it is not asked.
    """
    exposed, until = ends
    going_on = None
    if experiment and new_units and actions is not None and links is None and exposed is not None:
        going_on = measure_continued(
            session,
            queries,
            actions,
            segments=segments,
            new_units=new_units,
            experiment=experiment,
            ends=(exposed, until),
        )
    if going_on is None:
        sums = measure_events(
            session,
            queries,
            actions,
            segments=segments,
            new_units=new_units,
            links=links,
            exposed=exposed,
            until=until,
        )
        sums = with_quantiles(session, sums, segments=segments, phased=queries.phased)
        return Measuring(sums=sums, complete=session)
    sums, complete = going_on.measured, going_on.complete
    return Measuring(
        sums=with_quantiles(complete, sums, segments=segments, phased=queries.phased),
        complete=complete,
        lacking=going_on.lacks,
        started=going_on.started,
        unit_days=going_on.unit_days,
        close=going_on.close,
    )
