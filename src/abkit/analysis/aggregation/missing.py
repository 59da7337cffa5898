"""Units that have no value of a metric in a table of units, where the metric says what becomes of them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from attrs import frozen

from abkit.analysis.aggregation.session import QuerySession
from abkit.analysis.engines.base import integer
from abkit.analysis.query.unit_table import UnitTableQueries
from abkit.analysis.query.units import MAXIMUM_VARIANTS
from abkit.analysis.statistics.estimands import measured
from abkit.errors import AnalysisError
from abkit.experiments.declaring.metrics import Conversion, Mean, Metric, Missing


@frozen(kw_only=True)
class MissingValues:
    """The units that have no value of a metric.

    Attributes:
        metric: The metric, which says what becomes of them.
        without: How many there are, by variant.
        units: How many units there are in all, by variant.
    """

    metric: Conversion | Mean
    without: Mapping[str, int]
    units: Mapping[str, int]


def missing_values(session: QuerySession, queries: UnitTableQueries) -> tuple[MissingValues, ...]:
    """The units without a value of each metric that does not refuse them."""
    tolerant = queries.layout.tolerant
    if not tolerant:
        return ()
    query = queries.without_value(limit=MAXIMUM_VARIANTS + 1)
    rows = session.rows("units without a value", query)
    units = MappingProxyType({str(row["variant"]): integer(row, "units") for row in rows})
    return tuple(
        MissingValues(
            metric=metric,
            without=MappingProxyType(
                {str(row["variant"]): integer(row, f"without_{i}") for row in rows}
            ),
            units=units,
        )
        for i, metric in enumerate(tolerant)
    )


def check_dropped(metrics: Sequence[Metric]) -> None:
    """Refuse to drop units from a part of a formula, which needs all parts of the same units.

    Raises:
        AnalysisError: A ratio or a formula has such a part.
    """
    for metric in metrics:
        for part in measured(metric):
            if part == metric or not isinstance(part, Conversion | Mean):
                continue
            if part.missing is Missing.DROP:
                message = (
                    f"{metric.name!r} is made of {part.name!r}, which has missing='drop': a formula needs "
                    "all its parts of the same units. Use missing='zero' there, or remove the units "
                    "without a value from the table"
                )
                raise AnalysisError(message)
