"""From exposures and actions to sufficient statistics: one readable SQL text per question.

The dialect is DuckDB's. The queries read tables called `exposures` and `actions`, with the columns
of `abkit.events`, and give one row per variant (and day); no row of a unit leaves the database.
"""

from collections.abc import Collection, Sequence
from enum import StrEnum

from attrs import frozen

from abkit.analysis.plan import Plan
from abkit.analysis.reading.quoting import json_path, literal
from abkit.errors import AnalysisError
from abkit.experiments.metrics import Conversion, Metric, Sum, Total


class Several(StrEnum):
    """What becomes of a unit that was exposed to several variants."""

    EXCLUDE = "exclude"
    """It is left out, and counted."""
    FIRST = "first"
    """It belongs to the variant that it saw first."""
    INCLUDE = "include"
    """It counts in each variant that it saw, from its first exposure there."""


@frozen(kw_only=True)
class EventQueries:
    """The queries of one experiment.

    Attributes:
        plan: What was planned.
        columns: The columns that the table of exposures really has.
        several: What becomes of units exposed to several variants.
    """

    plan: Plan
    columns: Collection[str]
    several: Several = Several.EXCLUDE

    def profile(self) -> str:
        """What is in the table of exposures; one row.

        Columns: total_rows, of_experiment, exposures (of this salt and unit type), incomplete
        (those of them without a unit, a variant or a time; they are left out), variants (how many
        distinct ones).
        """
        ours = self._ours()
        return f"""\
select
  count(*) as total_rows,
  count(*) filter (where experiment = {literal(self.plan.name)}) as of_experiment,
  count(*) filter (where {ours}) as exposures,
  count(*) filter (where {ours} and not ({_COMPLETE})) as incomplete,
  count(distinct case when {ours} then variant end) as variants
from exposures"""  # noqa: S608 - literals are quoted

    def found(self) -> str:
        """The experiments, salts and unit types that the exposures have; for messages."""
        return """\
select distinct experiment, salt, unit_type
from exposures
order by all
limit 10"""

    def exposures(self) -> str:
        """Exposures and units per variant, before units in several variants are dealt with.

        Columns: variant, exposures (rows as in the files), exposed (distinct units), in_several
        (those of them that were exposed to another variant too).
        """
        return f"""\
with
seen as (
  select unit_id, variant, count(*) as exposures
  from exposures
  where {self._usable()}
  group by unit_id, variant
),
placed as (
  select *, count(*) over (partition by unit_id) as variants
  from seen
)
select
  variant,
  cast(sum(exposures) as bigint) as exposures,
  count(*) as exposed,
  count(*) filter (where variants > 1) as in_several
from placed
group by variant
order by variant"""  # noqa: S608 - literals are quoted

    def daily(self) -> str:
        """Units by the UTC day of their first exposure. Columns: day, variant, units."""
        return f"""\
with
{self._units()}
select cast(first_exposure as date) as day, variant, count(*) as units
from units
group by day, variant
order by day, variant"""  # noqa: S608 - literals are quoted

    def statistics(self, metrics: Sequence[Metric]) -> str:
        """Sufficient statistics of all metrics, per variant.

        Columns: variant, units, and for the i-th metric (from 1) metric_i_conversions, or
        metric_i_mean and metric_i_variance.

        Raises:
            AnalysisError: A metric cannot be measured from actions.
        """
        measures = ",\n    ".join(
            f"{_per_unit(metric, number=i)} as metric_{i}"
            for i, metric in enumerate(metrics, start=1)
        )
        summaries = ",\n  ".join(
            conversions(f"per_unit.metric_{i} > 0", number=i)
            if metric.binary
            else moments(f"coalesce(per_unit.metric_{i}, 0)", number=i)
            for i, metric in enumerate(metrics, start=1)
        )
        return f"""\
with
{self._units()},
done as (
{_done(self.plan.unit_type, metrics)}
),
per_unit as (
  select
    units.unit_id,
    units.variant,
    {measures}
  from units
  join done on done.unit_id = units.unit_id and done.time >= units.first_exposure
  group by units.unit_id, units.variant
)
select
  units.variant,
  count(*) as units,
  {summaries}
from units
left join per_unit on per_unit.unit_id = units.unit_id and per_unit.variant = units.variant
group by units.variant
order by units.variant"""  # noqa: S608 - literals are quoted

    def _ours(self) -> str:
        """The condition that an exposure is of this randomization."""
        conditions = [f"experiment = {literal(self.plan.name)}"]
        if self.plan.salt is not None and "salt" in self.columns:
            conditions.append(f"salt = {literal(self.plan.salt)}")
        if "unit_type" in self.columns:
            conditions.append(f"unit_type = {literal(self.plan.unit_type)}")
        return " and ".join(conditions)

    def _usable(self) -> str:
        return f"{self._ours()} and {_COMPLETE}"

    def _units(self) -> str:
        """The common table `units`: unit_id, variant, first_exposure."""
        return _UNITS[self.several].format(usable=self._usable())


_COMPLETE = "unit_id is not null and variant is not null and time is not null"

_UNITS = {
    Several.EXCLUDE: """\
units as (  -- each unit's first exposure; units seen in several variants are left out
  select unit_id, min(variant) as variant, min(time) as first_exposure
  from exposures
  where {usable}
  group by unit_id
  having min(variant) = max(variant)
)""",
    Several.FIRST: """\
units as (  -- each unit's first exposure; it belongs to the variant of that
  select unit_id, variant, time as first_exposure
  from exposures
  where {usable}
  qualify row_number() over (partition by unit_id order by time, variant) = 1
)""",
    Several.INCLUDE: """\
units as (  -- each unit's first exposure to each variant that it saw
  select unit_id, variant, min(time) as first_exposure
  from exposures
  where {usable}
  group by unit_id, variant
)""",
}


def _done(unit_type: str, metrics: Sequence[Metric]) -> str:
    """The actions that some metric needs, by unit, with the values that sums need."""
    unit = "user_id" if unit_type == "user" else f"groups[{literal(unit_type)}]"
    names = sorted({_action(metric) for metric in metrics})
    wanted = f"action in ({', '.join(map(literal, names))})"
    values = {
        number: _value(metric)
        for number, metric in enumerate(metrics, start=1)
        if isinstance(metric, Sum)
    }
    plain = "".join(f",\n    {value} as value_{number}" for number, value in values.items())
    each = f"""\
  select {unit} as unit_id, action, time{plain}
  from actions
  where {wanted}"""  # noqa: S608 - literals are quoted
    if all(metric.binary for metric in metrics):  # a repetition does not change a conversion
        return each
    once = "".join(f",\n    max({value}) as value_{number}" for number, value in values.items())
    return f"""\
{each} and insert_id is null
  union all  -- what was delivered twice has one insert_id, and counts once
  select {unit} as unit_id, action, min(time) as time{once}
  from actions
  where {wanted} and insert_id is not null
  group by insert_id, {unit}, action"""  # noqa: S608 - literals are quoted


def _action(metric: Metric) -> str:
    match metric:
        case Conversion() | Total() | Sum():
            return metric.action
        case _:
            message = (
                f"{metric.name!r} is a {type(metric).__name__}, which needs a table with one row "
                "per unit; actions can be measured by Conversion, Total and Sum"
            )
            raise AnalysisError(message)


def _value(metric: Sum) -> str:
    """The property of one action; null for other actions."""
    text = f"json_extract_string(properties, {json_path(metric.property)})"
    return f"case when action = {literal(metric.action)} then cast({text} as double) end"


def _per_unit(metric: Metric, *, number: int) -> str:
    """What a metric is for one unit that did something."""
    if isinstance(metric, Sum):
        return f"sum(done.value_{number})"
    return f"count(case when done.action = {literal(_action(metric))} then 1 end)"


def conversions(condition: str, *, number: int) -> str:
    """The count of units that fulfil a condition: exact, and enough for a binary metric."""
    return f"count(case when {condition} then 1 end) as metric_{number}_conversions"


def moments(value: str, *, number: int) -> str:
    """The mean and variance of a value per unit, by formulas that do not cancel."""
    cast = f"cast({value} as double)"
    return (
        f"avg({cast}) as metric_{number}_mean,\n"
        f"  coalesce(var_samp({cast}), 0) as metric_{number}_variance"
    )
