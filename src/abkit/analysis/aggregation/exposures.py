"""Who takes part, as the database knows it."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from attrs import evolve, field, frozen

from abkit.analysis.aggregation.identities import (
    LinkedIdentities,
    Links,
    linked_identities,
    open_exposures,
)
from abkit.analysis.aggregation.phases import find_phases, kept_from_before
from abkit.analysis.aggregation.session import QuerySession, instant
from abkit.analysis.engines.base import Row, integer
from abkit.analysis.query.units import MAXIMUM_VARIANTS, UnitQueries
from abkit.analysis.reading.sources import Table
from abkit.analysis.statistics.phases import Phase
from abkit.errors import AnalysisError, EmptyDataError, OutsideFrameError, suggestion
from abkit.experiments.declaring.analysis_words import Several

ENOUGH = 200_000
"""So many exposures are looked through for copies."""

QUIET = timedelta(days=1)
"""What has not come into the data a day after its time comes no more."""


@frozen(kw_only=True)
class ExposedUnits:
    """Who takes part.

    Attributes:
        incomplete: Exposures without a unit, a variant or a time.
        latest: The last exposure in the time frame, UTC.
        rows: Exposures per variant.
        exposed: Units per variant, those of several variants in each.
        jumped: Units of several variants, per variant.
        in_several: How many these are, each counted once.
        excluded: Units left out on request, by the name of the exclusion.
        by_period: Units by the start of the period of their first exposure, variant, and number of their
            phase.
        phases: The phases, which differ in their weights, in the order of their first exposures.
        identities: What identities did to them; None where none were given.
        notes: What was noticed, in sentences.
    """

    incomplete: int
    latest: datetime | None
    rows: Mapping[str, int]
    exposed: Mapping[str, int]
    jumped: Mapping[str, int]
    in_several: int
    excluded: Mapping[str, int]
    by_period: Mapping[tuple[datetime, str, int], int] = field(factory=lambda: MappingProxyType({}))
    phases: tuple[Phase, ...] = ()
    identities: LinkedIdentities | None = None
    notes: tuple[str, ...] = ()

    def known(self, until: datetime | None, *, made: datetime) -> datetime:
        """Up to when nothing more will come: the end asked for, or the last exposure, or a day ago.

        Args:
            until: Exposures and actions count before this, UTC; None: to the last.
            made: When the analysis runs, UTC; what lies beyond was written by a clock that is wrong.
        """
        if until is not None and until <= made:
            return until
        latest = self.latest or made
        return made - QUIET if latest > made else max(latest, made - QUIET)


def find_exposed_units(
    session: QuerySession,
    queries: UnitQueries,
    exposures: Table,
    *,
    length: int,
    designed: Callable[[], Mapping[str, float]] = dict,
    links: Links | None = None,
    sticky: bool = False,
) -> ExposedUnits:
    """Find out who takes part: afterwards there is a table `units`.

    Args:
        session: The engine.
        queries: The queries; the columns that are present are found out here.
        exposures: The table of exposures.
        length: Of a period, in microseconds.
        designed: Gives the designed weights, for exposures that tell none; empty if they are not known.
        links: Which visitors are one unit; None: nothing is known of that.
        sticky: Whether units keep the variant that they were exposed to first.

    Raises:
        EmptyDataError: There is no exposure of the experiment.
        AnalysisError: The column of the variants cannot be that, or no exposure has the property of a
            segment or a covariate.
    """
    present = open_exposures(session, links, "exposures", exposures, queries.columns())
    queries = evolve(queries, present=present)
    profile = session.rows("exposures in the table", queries.profile())
    _check(profile, session, queries, exposures)
    copies = _copies(session, queries, exposures=_total(profile, "exposures"))
    notes = tuple(_without_property(profile, session, queries, exposures))
    phases, more = find_phases(session, queries, profile, designed)
    notes += more
    if len(phases) > 1:
        queries = evolve(queries, phases=[texts for _, texts in phases])
    session.define("seen", queries.seen(), keep=True)
    excluded: dict[str, int] = {}
    if queries.exclusions:
        found = session.row("units left out", queries.excluded())
        excluded = {
            exclusion.name: integer(found, f"excluded_{i}")
            for i, exclusion in enumerate(queries.exclusions)
        }
    alone, jumped, in_several = _seen(
        session, queries, variants=sum(row["variant"] is not None for row in profile)
    )
    excludes = queries.several is Several.EXCLUDE and not queries.phases
    plain = not queries.segments and (excludes or not jumped)
    session.define("units", queries.units(jumpers=bool(jumped)), keep=not plain)
    if sticky and queries.start is not None:
        notes += kept_from_before(session, queries, [texts for _, texts in phases])
    periods = session.rows("units over time", queries.by_period(length))
    latest = max(
        (integer(row, "latest") for row in profile if row["latest"] is not None), default=None
    )
    return ExposedUnits(
        incomplete=_total(profile, "incomplete") - _total(copies, "incomplete"),
        latest=None if latest is None else instant(latest),
        rows=MappingProxyType(
            _less(_by_variant(profile, "in_frame"), _by_variant(copies, "in_frame"))
        ),
        exposed=MappingProxyType(
            {v: alone.get(v, 0) + jumped.get(v, 0) for v in sorted({*alone, *jumped})}
        ),
        jumped=MappingProxyType(jumped),
        in_several=in_several,
        excluded=MappingProxyType(excluded),
        notes=notes,
        by_period=MappingProxyType(
            {
                (
                    instant(integer(row, "period") * length),
                    str(row["variant"]),
                    integer(row, "phase") if "phase" in row else 0,
                ): integer(row, "units")
                for row in periods
            }
        ),
        phases=tuple(phase for phase, _ in phases),
        identities=linked_identities(session, links, queries),
    )


def _copies(session: QuerySession, queries: UnitQueries, *, exposures: int) -> Sequence[Row]:
    """How many exposures are stored more than once, as `UnitQueries.stored_again`; nothing if none is.

    Of many exposures, a sample by hash is looked through: of fewer copies than it finds, no number tells.
    """
    if "insert_id" not in queries.present:
        return ()
    session.define("exposures_identified", queries.identified())
    share = min(1.0, ENOUGH / max(1, exposures))
    if not session.engine.repeats("exposures_identified", "insert_id", share=share):
        return ()
    return session.rows("exposures stored again", queries.stored_again())


def _by_variant(rows: Sequence[Row], column: str) -> dict[str, int]:
    return {str(row["variant"]): integer(row, column) for row in rows if row["variant"]}


def _less(counts: Mapping[str, int], copies: Mapping[str, int]) -> dict[str, int]:
    return {name: count - copies.get(name, 0) for name, count in counts.items()}


def _seen(
    session: QuerySession, queries: UnitQueries, *, variants: int
) -> tuple[dict[str, int], dict[str, int], int]:
    """Units per variant that saw one only, and that saw several; and how many saw several at all."""
    alone: dict[str, int] = {}
    jumped: dict[str, int] = {}
    in_several = 0
    for row in session.rows("units in the table", queries.counts()):
        first, last, units = str(row["variant"]), str(row["last_variant"]), integer(row, "units")
        if first == last:
            alone[first] = units
        else:
            in_several += units
            for variant in (first, last):
                jumped[variant] = jumped.get(variant, 0) + units
    if jumped and variants > 2:  # of three variants that a unit saw, `seen` knows two
        rows = session.rows("units in several variants", queries.jumpers())
        jumped = {str(row["variant"]): integer(row, "units") for row in rows}
    return alone, jumped, in_several


def check_variants(found: int, *, where: str) -> None:
    """Refuse a column that cannot be the one of the variants.

    Raises:
        AnalysisError: It has more than `MAXIMUM_VARIANTS` different values.
    """
    if found > MAXIMUM_VARIANTS:
        message = (
            f"{where} has more than {MAXIMUM_VARIANTS} different variants. "
            "Is it the column of the variants?"
        )
        raise AnalysisError(message)


def _check(
    profile: Sequence[Row], session: QuerySession, queries: UnitQueries, exposures: Table
) -> None:
    """Refuse exposures that cannot be analyzed."""
    name, label = queries.design.name, exposures.label
    if not _total(profile, "total_rows"):
        raise EmptyDataError(label, "has columns but no rows")
    if not _total(profile, "of_experiment"):
        found = session.rows("experiments in the table", queries.found())
        names = ", ".join(sorted({str(row["experiment"]) for row in found}))
        raise EmptyDataError(label, f"has no exposure of {name!r}; it has those of {names}")
    if not _total(profile, "exposures"):
        others = "; ".join(
            f"salt {row['salt']!r} and unit type {row['unit_type']!r}"
            for row in session.rows("experiments in the table", queries.found())
            if row["experiment"] == name
        )
        problem = (
            f"has exposures of {name!r}, but none with salt {queries.design.salt!r} and unit type "
            f"{queries.design.unit_type!r}; it has {others}"
        )
        raise EmptyDataError(label, problem)
    if _total(profile, "exposures") == _total(profile, "incomplete"):
        problem = f"has no exposure of {name!r} with a unit_id, a variant and a time"
        raise EmptyDataError(label, problem)
    if not _total(profile, "in_frame"):
        raise _outside(session, queries, label)
    check_variants(sum(row["variant"] is not None for row in profile), where=label)


def _outside(session: QuerySession, queries: UnitQueries, label: str) -> OutsideFrameError:
    """That all exposures are outside of the time frame, and when they are."""
    from abkit.analysis import times  # Only when something is wrong.

    extent = session.row("when the exposures are", queries.extent())
    first, last = instant(integer(extent, "first_time")), instant(integer(extent, "last_time"))
    start, until = (None if t is None else instant(t) for t in (queries.start, queries.until))
    problem = (
        f"has no exposure of {queries.design.name!r} {times.frame((start, until))}: "
        f"all are of {times.period((first, last))}"
    )
    return OutsideFrameError(label, problem, first=first, last=last)


def _without_property(
    profile: Sequence[Row], session: QuerySession, queries: UnitQueries, exposures: Table
) -> Iterable[str]:
    """Exclusions by a property that no exposure has; such a segment is refused.

    Raises:
        AnalysisError: No exposure has the property of a segment.
    """
    segments = [
        name for i, name in enumerate(queries.segments) if not _total(profile, f"with_segment_{i}")
    ]
    exclusions = [
        exclusion
        for i, exclusion in enumerate(queries.exclusions)
        if exclusion.property is not None and not _total(profile, f"with_property_{i}")
    ]
    if not segments and not exclusions:
        return
    session.engine.open("exposures_as_written", exposures, queries.as_written())
    known = _property_names(session.rows("properties of exposures", queries.some_properties()))
    for name in segments:
        what = "covariate" if name in queries.numbers else "segment"
        message = f"{_nobody_has(name, known, queries)} A {what} needs one"
        raise AnalysisError(message)
    for exclusion in exclusions:
        has = _nobody_has(str(exclusion.property), known, queries)
        yield f"{has} So the exclusion {exclusion.name!r} leaves out nobody by it."


def _nobody_has(name: str, known: Sequence[str], queries: UnitQueries) -> str:
    if name in known:
        return (
            f"No exposure of {queries.design.name!r} that counts has a value of the property {name!r}: it is "
            "null there, or only other exposures have it."
        )
    hint = suggestion(name, known)
    have = f" They have {', '.join(map(repr, known))}." if known else ""
    return f"No exposure of {queries.design.name!r} has a property {name!r}.{hint}{have}"


def _property_names(rows: Sequence[Row]) -> tuple[str, ...]:
    """The names of properties, as far as they are texts of JSON objects."""
    names: dict[str, None] = {}
    for row in rows:
        try:
            found = json.loads(str(row["properties"]))
        except ValueError:
            continue
        if isinstance(found, dict):
            names.update(dict.fromkeys(map(str, found)))
    return tuple(sorted(names))


def _total(profile: Sequence[Row], column: str) -> int:
    return sum(integer(row, column) for row in profile)
