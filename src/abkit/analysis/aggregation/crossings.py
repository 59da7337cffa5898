"""Units that are in several experiments, as the database knows them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from attrs import evolve, frozen

from abkit.analysis.aggregation.exposures import ExposedUnits, find_exposed_units
from abkit.analysis.aggregation.identities import Links, find_links, open_exposures
from abkit.analysis.aggregation.measured_sums import MeasuredSums
from abkit.analysis.aggregation.measures import measure_events
from abkit.analysis.aggregation.quantiles import with_quantiles
from abkit.analysis.aggregation.session import QuerySession, microseconds
from abkit.analysis.engines.base import integer
from abkit.analysis.query.crossings import CrossedUnitQueries, CrossQueries
from abkit.analysis.query.events import EventQueries
from abkit.analysis.query.units import UnitQueries
from abkit.analysis.reading.sources import Table
from abkit.experiments.declaring.identities import VISITOR

_Strata = dict[tuple[str, ...], dict[tuple[str, str], int]]


@frozen(kw_only=True)
class SharedUnits:
    """Which units the experiments share.

    Attributes:
        units: Of each experiment, by its number; those of several variants are left out.
        in_several: How many these are.
        tables: By the numbers of two experiments, the smaller one first: the units by their two variants, for
            each pair of weights that they were drawn with.
    """

    units: Mapping[int, int]
    in_several: Mapping[int, int]
    tables: Mapping[tuple[int, int], Sequence[Mapping[tuple[str, str], int]]]


def find_shared_units(
    session: QuerySession,
    experiments: Sequence[UnitQueries],
    exposures: Table,
    *,
    identities: Table | None = None,
) -> SharedUnits:
    """Cross the units of all experiments: one pass over the exposures.

    Afterwards there is a table `arms_elsewhere`, of the variant of each unit in each of the experiments.

    Args:
        session: The engine.
        experiments: The exposures of each.
        exposures: The table of all exposures.
        identities: That of all identities, by which visitors may be one unit; None if there are none.
    """
    columns = CrossQueries(experiments=experiments).columns()
    links = None
    if identities is not None and any(of.design.unit_type == VISITOR for of in experiments):
        links = find_links(session, VISITOR, identities)
    present = open_exposures(session, links, "all_exposures", exposures, columns)
    queries = CrossQueries(experiments=[evolve(of, present=present) for of in experiments])
    session.define("taken", queries.taken(), keep=True)
    session.define("arms_elsewhere", queries.arms(), keep=True)
    sizes = session.rows("units of the experiments", queries.sizes())
    strata: dict[tuple[int, int], _Strata] = {}
    for row in session.rows("units in two experiments", queries.crossed()):
        pair = integer(row, "one"), integer(row, "other")
        drawn = tuple(str(row[name]) for name in _WEIGHTS)
        table = strata.setdefault(pair, {}).setdefault(drawn, {})
        table[str(row["variant"]), str(row["other_variant"])] = integer(row, "units")
    return SharedUnits(
        units=MappingProxyType({integer(r, "number"): integer(r, "units") for r in sizes}),
        in_several=MappingProxyType(
            {integer(r, "number"): integer(r, "in_several") for r in sizes}
        ),
        tables=MappingProxyType({pair: tuple(of.values()) for pair, of in sorted(strata.items())}),
    )


_WEIGHTS = ("weights", "last_weights", "other_weights", "other_last_weights")


def measure_by_arms(
    session: QuerySession,
    who: CrossedUnitQueries,
    what: EventQueries,
    *,
    names: Sequence[str],
    tables: Mapping[str, Table],
    length: int,
) -> tuple[ExposedUnits, MeasuredSums]:
    """Measure what the units of one experiment did, by their variants in others.

    The parts of the sums are those of the other experiments' names and variants.

    Args:
        session: An engine in which `find_shared_units` was asked, but nothing of this experiment.
        who: The experiment's exposures.
        what: The queries of what units did.
        names: Of the other experiments.
        tables: The exposures and, if there are any, the actions and the identities.
        length: Of a period, in microseconds.
    """
    links: Links | None = None
    if "identities" in tables:
        links = find_links(session, who.design.unit_type, tables["identities"])
    exposed = find_exposed_units(session, who, tables["exposures"], length=length, links=links)
    phased = len(exposed.phases) > 1
    measured = measure_events(
        session,
        evolve(what, phased=phased, segments=len(names)),
        tables.get("actions"),
        segments=names,
        new_units=None,
        links=links,
        exposed=None if exposed.latest is None else microseconds(exposed.latest),
        until=microseconds(datetime.now(UTC)),
    )
    return exposed, with_quantiles(session, measured, segments=names, phased=phased)
