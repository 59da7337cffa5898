"""What units did, as the database knows it: sums per variant, of parts of the units, and over time."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from math import isfinite
from types import MappingProxyType
from typing import TypeAlias

from attrs import evolve, frozen

from abkit.analysis.aggregation.centering import Looks, centered
from abkit.analysis.aggregation.done import define_rows
from abkit.analysis.aggregation.identities import Links, open_actions, recorded_actions
from abkit.analysis.aggregation.maturity import last_moment
from abkit.analysis.aggregation.measured_sums import MeasuredSums
from abkit.analysis.aggregation.session import QuerySession, instant
from abkit.analysis.engines.base import Row, integer
from abkit.analysis.query.events import EventQueries
from abkit.analysis.query.layout import Layout
from abkit.analysis.query.phases import MAXIMUM_PHASES
from abkit.analysis.query.sums import PHASE, Group, Limits, SumQueries, not_finite, percentiles
from abkit.analysis.query.units import MAXIMUM_VARIANTS
from abkit.analysis.query.values import limits
from abkit.analysis.reading.sources import Table
from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.parts import Part
from abkit.analysis.statistics.standardizing import Strata, pooled
from abkit.errors import AnalysisError
from abkit.experiments.declaring.metrics import Metric, Per

MAXIMUM_SEGMENTS = 10
"""More values of a property than these are too few units each: the largest are shown."""


Changes: TypeAlias = tuple[SumQueries, Sequence[Row]]
"""Rows of `SumQueries.changes`, and the queries that read them."""

PartSums: TypeAlias = Callable[[SumQueries, str, str], Looks]
"""The sums of parts of the units: from the queries, what is asked, and the table of the largest parts."""


@frozen
class NewUnits:
    """When the units came.

    Attributes:
        length: Of a period, in microseconds.
        units: How many, by the start of the period of their first exposure, variant, and number of their
            phase.
    """

    length: int
    units: Mapping[tuple[datetime, str, int], int]


def measure_events(
    session: QuerySession,
    queries: EventQueries,
    actions: Table | None,
    *,
    segments: Sequence[str],
    new_units: NewUnits | None,
    links: Links | None = None,
    exposed: int | None = None,
    until: int | None = None,
) -> MeasuredSums:
    """Measure what the `units` did.

    Args:
        session: The engine, of which `find_exposed_units` has been asked.
        queries: The queries.
        actions: The table of actions; None if nothing was done yet.
        segments: The properties that units are told apart by, as in the `UnitQueries`.
        new_units: Of the units, to measure them over time too; None: not over time.
        links: Whose an action is that names no unit; None: nobody's.
        exposed: The last exposure, in microseconds since 1970; None: there is none.
        until: The end of the time frame likewise, or now: what lies beyond was written by a wrong clock.
    """
    layout = queries.layout
    present: Collection[str] = ()
    if actions is None:
        session.define("actions", queries.actions.nothing())
    else:
        own_unit = "unit_id" in actions.columns
        present = open_actions(session, links, actions, queries.actions.columns(own_unit=own_unit))
    recorded = recorded_actions(links, actions)
    rows = define_rows(session, queries, present=present, recorded=recorded)
    if layout.waits_for and exposed is not None:
        end = last_moment(session, exposed=exposed, until=until, actions=recorded)
        queries = evolve(queries, end=end)
    of_units = any(quantile.per is Per.UNIT for quantile in layout.quantiles)
    keep = bool(segments) or bool(percentiles(layout)) or of_units
    several = keep or new_units is None
    if several:
        session.define("per_unit", queries.per_unit(source=rows))
        session.define("measured", queries.measured(), keep=keep)
    sums = SumQueries.of_units(layout, phased=queries.phased)
    sums = evolve(sums, limits=find_limits(session, sums))
    if new_units is None:
        return evolve(_measured(session, sums, segments), end=queries.end)
    periods = queries.by_period(new_units.length, source=rows)
    session.define("states", queries.states(source=periods))
    session.define("idle", queries.idle())

    def changes(queries: SumQueries) -> Changes:
        return queries, session.rows("sums per variant over time", queries.changes())

    return measured_over_time(
        session, sums, new_units, changes=changes, segments=segments, end=queries.end
    )


def measured_over_time(
    session: QuerySession,
    queries: SumQueries,
    new_units: NewUnits,
    *,
    changes: Callable[[SumQueries], Changes],
    segments: Sequence[str],
    end: int | None,
    part_sums: PartSums | None = None,
) -> MeasuredSums:
    """The sums at the end of every period from the first to the last; the last ones are those of all.

    Args:
        session: The engine, with the tables `idle` and, for segments, `units` and `measured`.
        queries: The queries of the sums.
        new_units: When the units came.
        changes: What came in each period: the rows of `SumQueries.changes`, and the queries that read them.
        segments: The properties that units are told apart by.
        end: As of `MeasuredSums`.
        part_sums: Tells the sums of parts of the units; None: `measured` does.
    """
    looks, valueless = _over_time(session, queries, new_units, changes)
    return MeasuredSums(
        sums=looks[-1][1] if looks else MappingProxyType({}),
        layout=queries.layout,
        parts=_parts(session, queries, segments, part_sums),
        looks=tuple((at, of) for at, of, _ in looks),
        limits=queries.limits,
        strata=looks[-1][2] if looks else (),
        strata_of_looks=tuple(strata for _, _, strata in looks),
        end=end,
        valueless=valueless,
    )


def measure_units(
    session: QuerySession, layout: Layout, *, segments: Sequence[str]
) -> MeasuredSums:
    """Measure a table `measured`."""
    sums = SumQueries(layout=layout)
    return _measured(session, evolve(sums, limits=find_limits(session, sums)), segments)


def _measured(session: QuerySession, queries: SumQueries, segments: Sequence[str]) -> MeasuredSums:
    # A column of users, taken for the variants, is not read to its end.
    most = (MAXIMUM_VARIANTS + 1) * (MAXIMUM_PHASES if PHASE in queries.by else 1)

    answers: list[Sequence[Row]] = []

    def ask(queries: SumQueries) -> Looks:
        answers.append(session.rows("sums per variant", queries.sums(limit=most)))
        return _read(queries, answers[-1])

    found = {group: sums for group, (sums,) in centered(queries, ask).items()}
    by_variant, strata = _by_variant(found)
    return MeasuredSums(
        sums=by_variant,
        layout=queries.layout,
        parts=_parts(session, queries, segments),
        limits=queries.limits,
        strata=strata,
        valueless=_valueless(answers[-1]),
    )


def _valueless(rows: Sequence[Row]) -> int:
    return sum(integer(row, "valueless") for row in rows)


def _by_variant(found: Mapping[Group, Sums]) -> tuple[Mapping[str, Sums], Strata]:
    """The sums by variant; and, if the groups are variants within phases, the same per phase."""
    if all(len(group) == 1 for group in found):
        return MappingProxyType({str(variant): sums for (variant,), sums in found.items()}), ()
    strata: dict[int, dict[str, Sums]] = {}
    for (variant, number), sums in found.items():
        strata.setdefault(int(number or 0), {})[str(variant)] = sums
    phases = tuple(MappingProxyType(strata.get(i, {})) for i in range(max(strata) + 1))
    variants = dict.fromkeys(str(variant) for variant, _ in found)
    return MappingProxyType({v: pooled(phases, v) for v in variants}), phases


def find_limits(session: QuerySession, queries: SumQueries, *, source: str = "measured") -> Limits:
    """The limits of each metric that has some; percentiles are asked for.

    Args:
        session: The engine.
        queries: The queries of the sums.
        source: The table of the units' values.

    Raises:
        AnalysisError: A percentile is not finite.
    """
    asked = {
        (part, side): session.row(
            f"{percentile:g}th percentile of {part.name}",
            queries.percentile(part, percentile, source=source),
        )["limit_value"]
        for part, side, percentile in percentiles(queries.layout)
    }
    found: dict[Metric, tuple[float | None, float | None]] = {}
    for part in queries.layout.capped:
        given = limits(part)
        if given is not None:
            low, high = (
                asked.get((part, "lower"), given.lower),
                asked.get((part, "upper"), given.upper),
            )
            found[part] = (_limit(low, part), _limit(high, part))
    return MappingProxyType(found)


def _parts(
    session: QuerySession,
    queries: SumQueries,
    segments: Sequence[str],
    part_sums: PartSums | None = None,
) -> tuple[Part, ...]:
    """The sums of the largest parts, by each property."""
    source = "measured" if part_sums is None else "units"
    part_sums = part_sums or partial(measured_part_sums, session)
    parts: list[Part] = []
    for i, name in enumerate(segments):
        what = f"sums per variant by {name}"
        of_values = evolve(queries, by=(f"segment_{i}", *queries.by))
        # Of a property that has a value of its own for each unit, only the largest leave the database.
        largest = f"largest_{i}"
        most = of_values.largest(MAXIMUM_SEGMENTS, source=source)
        session.define(largest, most, keep=True)

        def ask(queries: SumQueries, what: str = what, largest: str = largest) -> Looks:
            return _by_size(part_sums(queries, what, largest))

        found = centered(of_values, ask)
        for value in dict.fromkeys(value for value, *_ in found):
            theirs = {group[1:]: sums for group, (sums,) in found.items() if group[0] == value}
            by_variant, strata = _by_variant(theirs)
            parts.append(Part(property=name, value=value, sums=by_variant, strata=strata))
    return tuple(parts)


def measured_part_sums(
    session: QuerySession, queries: SumQueries, what: str, largest: str
) -> Looks:
    """The sums of parts of the units, from `measured`."""
    return _read(queries, session.rows(what, queries.sums(among=largest)))


def _by_size(found: Looks) -> Looks:
    """The sums of the parts, those with the most units first."""
    sizes: dict[str | None, int] = {}
    for (value, *_), (sums,) in found.items():
        sizes[value] = sizes.get(value, 0) + sums.n
    largest = sorted(sizes, key=lambda value: (-sizes[value], value is None, value or ""))
    return {group: sums for value in largest for group, sums in found.items() if group[0] == value}


def _over_time(
    session: QuerySession,
    queries: SumQueries,
    new_units: NewUnits,
    changes: Callable[[SumQueries], Changes],
) -> tuple[tuple[tuple[datetime, Mapping[str, Sums], Strata], ...], int]:
    """The cumulative sums at the end of every period from the first to the last, plain and per phase.

    And how many actions count and lack a property that some metric adds up.
    """
    if not new_units.units:
        return (), 0
    idle = session.row("measures of a unit that did nothing", queries.idle())

    answers: list[Sequence[Row]] = []

    def ask(queries: SumQueries) -> Looks:
        queries, rows = changes(queries)
        answers.append(rows)
        return cumulated(
            queries, came(queries, new_units), rows, length=new_units.length, idle=idle
        )

    found = centered(queries, ask)
    first, length = (
        min(start for start, *_ in new_units.units),
        timedelta(microseconds=new_units.length),
    )
    looks = tuple(
        (
            first + (look + 1) * length,
            *_by_variant({group: sums[look] for group, sums in found.items()}),
        )
        for look in range(min(map(len, found.values())))
    )
    return looks, _valueless(answers[-1])


def came(queries: SumQueries, new_units: NewUnits) -> Mapping[tuple[datetime, Group], int]:
    """How many units came, by the start of the period and group."""
    return {
        (start, (variant, str(number))[: len(queries.by)]): units
        for (start, variant, number), units in new_units.units.items()
    }


def cumulated(
    queries: SumQueries,
    came: Mapping[tuple[datetime, Group], int],
    rows: Sequence[Row],
    *,
    length: int,
    idle: Row,
) -> Looks:
    """The sums of each group so far, at the end of every period.

    Args:
        queries: The queries that asked for the rows.
        came: How many units came, by the start of the period and group.
        rows: What came in each period: rows of `SumQueries.changes`.
        length: Of a period, in microseconds.
        idle: The measures of a unit that did nothing.
    """
    step = timedelta(microseconds=length)
    changes = {
        (instant(integer(row, "period") * length), queries.group(row)): queries.read(row)
        for row in rows
    }
    first = min(start for start, _ in came)
    periods = (max(start for start, _ in (*came, *changes)) - first) // step + 1
    looks: dict[Group, list[Sums]] = {}
    for _, group in sorted(came, key=lambda each: (each[0], *map(_in_order, each[1]))):
        if group in looks:
            continue
        nothing = so_far = queries.nothing(group)
        of_group = looks[group] = []
        for place in range(periods):
            when = (first + place * step, group)
            change = changes.get(when, nothing)
            others = came.get(when, 0) - change.n
            so_far += change + queries.read_idle(idle, group, units=others)
            of_group.append(so_far)
    return looks


def _in_order(value: str | None) -> tuple[bool, str]:
    return value is None, value or ""


def _read(queries: SumQueries, rows: Sequence[Row]) -> Looks:
    return {queries.group(row): (queries.read(row),) for row in rows}


def _limit(value: object, part: Metric) -> float | None:
    """A limit as a number; a database's decimals too."""
    if value is None:
        return None
    number = float(value)  # type: ignore[arg-type]
    if not isfinite(number):
        raise AnalysisError(not_finite(part))
    return number
