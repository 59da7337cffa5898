"""Assignments beside exposures: who was exposed without one, and who was assigned but never exposed."""

from datetime import date, timedelta
from types import MappingProxyType

from abkit.analysis.engines.base import integer
from abkit.analysis.gathering.asking import Asking, instant
from abkit.analysis.outcome import Unassigned
from abkit.analysis.plan import Plan
from abkit.analysis.query.periods import period
from abkit.analysis.query.units import UnitQueries
from abkit.analysis.reading.sources import Table

_DAY = timedelta(days=1) // timedelta(microseconds=1)


def compare_assignments(asking: Asking, plan: Plan, assignments: Table) -> Unassigned:
    """Compare a table of assignments with the `units` that take part.

    Args:
        asking: The engine, of which `take_part` has been asked.
        plan: What was planned.
        assignments: A row for each assignment, with the columns of an exposure.
    """
    queries = UnitQueries(plan=plan)
    present = asking.engine.open("assignments", assignments, queries.columns())
    ours = UnitQueries(plan=plan, present=present).usable()
    asking.define(
        "assigned",
        f"""\
select unit_id, min(variant) as variant
from assignments
where {ours}
group by unit_id""",  # noqa: S608 - literals are quoted
        keep=True,
    )
    rates = asking.rows(
        "assignments and exposures",
        """\
select a.variant as variant, count(*) as assigned, count(u.unit_id) as exposed
from assigned a
left join (select distinct unit_id from units) as u on u.unit_id = a.unit_id
group by a.variant
order by a.variant""",
    )
    day = period("u.first_exposure", _DAY)
    without = asking.rows(
        "exposures without assignments",
        f"""\
select {day} as day, count(distinct u.unit_id) as units
from units u
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
