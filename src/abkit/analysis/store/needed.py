"""Which columns of the events an analysis needs."""

from collections.abc import Mapping, Sequence

from abkit.analysis.aggregation.unfulfilled import fulfilment
from abkit.analysis.query import identities
from abkit.analysis.query.events import EventQueries
from abkit.analysis.query.units import UnitQueries
from abkit.analysis.reading.columns import Column
from abkit.analysis.reading.sources import Table


def needed_columns(
    who: UnitQueries, what: EventQueries, tables: Mapping[str, Table]
) -> Mapping[str, Sequence[Column]]:
    """By kind, the columns that the queries of an experiment need.

    What is linked by identities is not among them: it is read from the events.

    Args:
        who: The queries of who takes part.
        what: The queries of what they did.
        tables: By kind, the tables.
    """
    found: dict[str, Sequence[Column]] = {"exposures": who.columns()}
    if "actions" in tables:
        own_unit = "unit_id" in tables["actions"].columns
        found["actions"] = [
            *what.actions.columns(own_unit=own_unit),
            *fulfilment(what.layout).columns(),
        ]
    if "identities" in tables:
        found["identities"] = identities.COLUMNS
    return found
