"""What units did, as the database knows it: sums per variant, of parts of the units, and over time."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from attrs import evolve, field, frozen

from abkit.analysis.aggregates import Sums
from abkit.analysis.engines.base import Row, integer
from abkit.analysis.gathering.asking import Asking, instant
from abkit.analysis.query.completions import completed
from abkit.analysis.query.events import EventQueries
from abkit.analysis.query.layout import Layout, limits
from abkit.analysis.query.sums import SumQueries, percentiles
from abkit.analysis.query.units import MAXIMUM_VARIANTS
from abkit.analysis.reading.sources import Table
from abkit.experiments.metrics import Metric

MAXIMUM_SEGMENTS = 10
"""More values of a property than these are too few units each: the largest are shown."""


@frozen(kw_only=True)
class Part:
    """The sums of a part of the units.

    Attributes:
        property: The property that tells the units apart.
        value: Its value; None for units without one.
        sums: By variant.
    """

    property: str
    value: str | None
    sums: Mapping[str, Sums]


@frozen
class Arrivals:
    """When the units came.

    Attributes:
        length: Of a period, in microseconds.
        units: How many, by the start of the period of their first exposure, and variant.
    """

    length: int
    units: Mapping[tuple[datetime, str], int]


@frozen(kw_only=True)
class Gathered:
    """What the database knows of an experiment.

    Attributes:
        sums: By variant.
        layout: What the sums are of.
        parts: The sums of parts of the units.
        looks: The ends of the periods, and the cumulative sums by variant up to each of them.
        limits: The lower and upper limit of each metric that has some.
        notes: What was noticed, in sentences.
    """

    sums: Mapping[str, Sums]
    layout: Layout
    parts: tuple[Part, ...] = ()
    looks: tuple[tuple[datetime, Mapping[str, Sums]], ...] = ()
    limits: Mapping[Metric, tuple[float | None, float | None]] = field(
        factory=lambda: MappingProxyType({})
    )
    notes: tuple[str, ...] = ()


def measure_events(
    asking: Asking,
    queries: EventQueries,
    actions: Table | None,
    *,
    segments: Sequence[str],
    arrivals: Arrivals | None,
) -> Gathered:
    """Measure what the `units` did.

    Args:
        asking: The engine, of which `take_part` has been asked.
        queries: The queries.
        actions: The table of actions; None if nothing was done yet.
        segments: The properties that units are told apart by, as in the `UnitQueries`.
        arrivals: Of the units, to measure them over time too; None: not over time.
    """
    layout, engine = queries.layout, asking.engine
    present: Collection[str] = ()
    if actions is None:
        asking.define("actions", queries.nothing())
    else:
        own_unit = "unit_id" in actions.columns
        present = engine.open("actions", actions, queries.columns(own_unit=own_unit))
    source = "actions"
    if not layout.idempotent and "insert_id" in present and engine.repeats("actions", "insert_id"):
        asking.define("actions_once", queries.once())
        source = "actions_once"
    asking.define("done", queries.done(source=source), keep=bool(layout.derived))
    rows = "done"
    if layout.derived:
        for i, part in enumerate(layout.derived):
            asking.define(f"completed_{i}", completed(part))
        asking.define("progress", queries.progress())
        rows = "progress"
    several = bool(segments) or bool(percentiles(layout)) or arrivals is None
    if several:
        asking.define("per_unit", queries.per_unit(source=rows))
        keep = bool(segments) or bool(percentiles(layout))
        asking.define("measured", queries.measured(), keep=keep)
    sums = SumQueries.unshifted(layout)
    sums = evolve(sums, limits=_limits(asking, sums))
    if arrivals is None:
        return _measured(asking, sums, segments)
    asking.define("states", queries.states(arrivals.length, source=rows))
    asking.define("idle", queries.idle())
    looks = _over_time(asking, sums, arrivals)
    last = dict(looks[-1][1]) if looks else {}
    again = _shifted(sums, last.values())
    if again is not None:
        sums = again
        looks = _over_time(asking, sums, arrivals)
        last = dict(looks[-1][1])
    return Gathered(
        sums=MappingProxyType(last),
        layout=layout,
        parts=_parts(asking, sums, segments),
        looks=looks,
        limits=sums.limits,
    )


def measure_units(asking: Asking, layout: Layout, *, segments: Sequence[str]) -> Gathered:
    """Measure a table `measured`."""
    sums = SumQueries.unshifted(layout)
    return _measured(asking, evolve(sums, limits=_limits(asking, sums)), segments)


def _measured(asking: Asking, queries: SumQueries, segments: Sequence[str]) -> Gathered:
    most = MAXIMUM_VARIANTS + 1  # a column of users, taken for the variants, is not read to its end
    found = _by_variant(asking.rows("sums per variant", queries.sums(limit=most)), queries)
    again = _shifted(queries, found.values())
    if again is not None:
        queries = again
        found = _by_variant(asking.rows("sums per variant", queries.sums(limit=most)), queries)
    return Gathered(
        sums=MappingProxyType(found),
        layout=queries.layout,
        parts=_parts(asking, queries, segments),
        limits=queries.limits,
    )


def _limits(
    asking: Asking, queries: SumQueries
) -> Mapping[Metric, tuple[float | None, float | None]]:
    """The limits of each metric that has some; percentiles are asked for."""
    asked = {
        (part, side): asking.row(
            f"{percentile:g}th percentile of {part.name}", queries.percentile(part, percentile)
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
            found[part] = (_real(low), _real(high))
    return MappingProxyType(found)


def _parts(asking: Asking, queries: SumQueries, segments: Sequence[str]) -> tuple[Part, ...]:
    """The sums of the largest parts, by each property."""
    parts: list[Part] = []
    for i, name in enumerate(segments):
        column = f"segment_{i}"
        rows = asking.rows(f"sums per variant by {name}", queries.sums((column, "variant")))
        sizes: dict[str | None, int] = {}
        for row in rows:
            value = _text(row[column])
            sizes[value] = sizes.get(value, 0) + integer(row, "n")
        largest = sorted(sizes, key=lambda value: (-sizes[value], value is None, value or ""))
        for value in largest[:MAXIMUM_SEGMENTS]:
            theirs = [row for row in rows if _text(row[column]) == value]
            parts.append(
                Part(
                    property=name, value=value, sums=MappingProxyType(_by_variant(theirs, queries))
                )
            )
    return tuple(parts)


def _over_time(
    asking: Asking, queries: SumQueries, arrivals: Arrivals
) -> tuple[tuple[datetime, Mapping[str, Sums]], ...]:
    """The cumulative sums at the end of every period from the first to the last."""
    if not arrivals.units:
        return ()
    idle = asking.row("measures of a unit that did nothing", queries.idle())
    nothing, length = Sums.none(queries.shifts), arrivals.length
    changes = {
        (instant(integer(row, "period") * length), str(row["variant"])): queries.read(row)
        for row in asking.rows("sums per variant over time", queries.changes())
    }
    so_far = dict.fromkeys((variant for _, variant in sorted(arrivals.units)), nothing)
    looks: list[tuple[datetime, Mapping[str, Sums]]] = []
    start = min(start for start, _ in arrivals.units)
    latest = max(start for start, _ in (*arrivals.units, *changes))
    while start <= latest:
        end = start + timedelta(microseconds=length)
        for variant in so_far:
            change = changes.get((start, variant), nothing)
            others = arrivals.units.get((start, variant), 0) - change.n
            so_far[variant] += change + queries.read_idle(idle, units=others)
        looks.append((end, MappingProxyType(dict(so_far))))
        start = end
    return tuple(looks)


def _by_variant(rows: Sequence[Row], queries: SumQueries) -> dict[str, Sums]:
    return {str(row["variant"]): queries.read(row) for row in rows}


def _shifted(queries: SumQueries, found: Collection[Sums]) -> SumQueries | None:
    """Queries that do not lose digits, around the means of all variants; None if none were lost."""
    layout = queries.layout
    movable = [i for i in range(layout.size) if i not in layout.exact]
    if not any(sums.cancels(i) for sums in found for i in movable):
        return None
    first, *others = found
    together = sum(others, first)
    return queries.shifted([together.mean(i) for i in range(layout.size)])


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _real(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
