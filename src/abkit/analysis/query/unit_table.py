"""From a table with one row per unit to sufficient statistics, and what is wrong with it."""

from collections.abc import Sequence

from attrs import frozen

from abkit.analysis.query.events import conversions, moments
from abkit.analysis.reading.quoting import identifier
from abkit.errors import AnalysisError
from abkit.experiments.metrics import Conversion, Mean, Metric

_TRUE = "('true', 't', '1', '1.0')"
_FALSE = "('false', 'f', '0', '0.0')"


@frozen(kw_only=True)
class UnitQueries:
    """The queries of one table of units, called `units`.

    Attributes:
        unit: The column of the units' ids.
        variant: The column of the variants.
        metrics: Conversions (columns of true and false, t and f, or 1 and 0) and means.
    """

    unit: str
    variant: str
    metrics: Sequence[Metric]

    @property
    def columns(self) -> Sequence[str]:
        """All columns that the table must have."""
        return [self.unit, self.variant, *map(column_of, self.metrics)]

    def profile(self) -> str:
        """What is in the table; one row.

        Columns: total_rows, without_unit, without_variant, variants; and of the rows that have both:
        duplicates (rows beyond the first of their unit), duplicate (one such unit), and for the
        i-th metric metric_i_missing, metric_i_wrong (values that it cannot use) and metric_i_example
        (one such value).
        """
        unit, variant = identifier(self.unit), identifier(self.variant)
        checks = "".join(
            f",\n  {_check(metric, number=i, usable=self._usable())}"
            for i, metric in enumerate(self.metrics, start=1)
        )
        return f"""\
with
repeated as (
  select {unit} as unit, count(*) as times
  from units
  where {self._usable()}
  group by {unit}
  having count(*) > 1
)
select
  count(*) as total_rows,
  count(*) filter (where {unit} is null) as without_unit,
  count(*) filter (where {variant} is null) as without_variant,
  count(distinct {variant}) as variants,
  (select coalesce(sum(times - 1), 0) from repeated) as duplicates,
  (select min(unit) from repeated) as duplicate{checks}
from units"""  # noqa: S608 - names are quoted

    def statistics(self) -> str:
        """Sufficient statistics per variant; columns as those of `EventQueries.statistics`."""
        variant = identifier(self.variant)
        summaries = ",\n  ".join(
            _summary(metric, number=i) for i, metric in enumerate(self.metrics, start=1)
        )
        return f"""\
select
  {variant} as variant,
  count(*) as units,
  {summaries}
from units
where {self._usable()}
group by {variant}
order by {variant}"""  # noqa: S608 - names are quoted

    def _usable(self) -> str:
        return f"{identifier(self.unit)} is not null and {identifier(self.variant)} is not null"


def column_of(metric: Metric) -> str:
    """The column of a table of units that a metric reads.

    Raises:
        AnalysisError: The metric is not one of units.
    """
    match metric:
        case Conversion():
            return metric.action
        case Mean():
            return metric.column
        case _:
            message = (
                f"{metric.name!r} is a {type(metric).__name__}, which needs exposures and actions; "
                "a table of units can be measured by Conversion and Mean"
            )
            raise AnalysisError(message)


def _summary(metric: Metric, *, number: int) -> str:
    column = identifier(column_of(metric))
    if metric.binary:
        return conversions(f"lower(cast({column} as varchar)) in {_TRUE}", number=number)
    return moments(column, number=number)


def _check(metric: Metric, *, number: int, usable: str) -> str:
    column = identifier(column_of(metric))
    if metric.binary:
        text = f"lower(cast({column} as varchar))"
        wrong = f"{text} not in {_TRUE} and {text} not in {_FALSE}"
    else:
        finite = f"coalesce(isfinite(try_cast({column} as double)), false)"
        wrong = f"{column} is not null and not {finite}"
    wrong = f"{usable} and {wrong}"
    return (
        f"count(*) filter (where {usable} and {column} is null) as metric_{number}_missing,\n"
        f"  count(*) filter (where {wrong}) as metric_{number}_wrong,\n"
        f"  min(cast({column} as varchar)) filter (where {wrong}) as metric_{number}_example"
    )
