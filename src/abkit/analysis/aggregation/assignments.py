"""Assignments beside exposures: who was exposed without one, and who was assigned but never exposed."""

from collections.abc import Mapping
from datetime import date, timedelta
from types import MappingProxyType

from attrs import frozen

from abkit.analysis.aggregation.identities import Links, open_exposures
from abkit.analysis.aggregation.session import QuerySession, instant
from abkit.analysis.declared.design import Design
from abkit.analysis.engines.base import integer
from abkit.analysis.query.periods import period
from abkit.analysis.query.units import UnitQueries
from abkit.analysis.reading.sources import Table

_DAY = timedelta(days=1) // timedelta(microseconds=1)


@frozen(kw_only=True)
class Unassigned:
    """Exposures of units for which no assignment is known.

    Attributes:
        assigned: Units with an assignment, by variant.
        exposed: Units of these that were exposed too, by variant.
        without: Units exposed without an assignment, by the UTC day of their first exposure.
    """

    assigned: Mapping[str, int]
    exposed: Mapping[str, int]
    without: Mapping[date, int]


def compare_assignments(
    session: QuerySession, design: Design, assignments: Table, *, links: Links | None = None
) -> Unassigned:
    """Compare a table of assignments with the `units` that take part.

    Args:
        session: The engine, of which `find_exposed_units` has been asked.
        design: What was planned.
        assignments: A row for each assignment, with the columns of an exposure.
        links: Which visitors are one unit; None: nothing is known of that.
    """
    queries = UnitQueries(design=design)
    present = open_exposures(session, links, "assignments", assignments, queries.columns())
    ours = UnitQueries(design=design, present=present).usable()
    session.define(
        "assigned",
        f"""\
select unit_id, min(variant) as variant
from assignments
where {ours}
group by unit_id""",  # noqa: S608 - literals are quoted
        keep=True,
    )
    rates = session.rows(
        "assignments and exposures",
        """\
select a.variant as variant, count(*) as assigned, count(u.unit_id) as exposed
from assigned a
left join (select distinct unit_id from units) as u on u.unit_id = a.unit_id
group by a.variant
order by a.variant""",
    )
    day = period("u.first_exposure", _DAY)
    without = session.rows(
        "exposures without assignments",
        f"""\
select {day} as day, count(*) as units
from (select unit_id, min(first_exposure) as first_exposure from units group by unit_id) as u
left join assigned a on a.unit_id = u.unit_id
where a.unit_id is null
group by {day}
order by day""",  # noqa: S608 - columns are our own
    )
    days: dict[date, int] = {
        instant(integer(row, "day") * _DAY).date(): integer(row, "units") for row in without
    }
    return Unassigned(
        assigned=MappingProxyType({str(row["variant"]): integer(row, "assigned") for row in rates}),
        exposed=MappingProxyType({str(row["variant"]): integer(row, "exposed") for row in rates}),
        without=MappingProxyType(days),
    )
