"""What success means: pure declarations, which the analysis reads."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeAlias

from attrs import Attribute, evolve, field, frozen

from abkit.errors import DeclarationError
from abkit.experiments.declaring import metric_fields as fields
from abkit.experiments.declaring.distinct import ActiveDays, Distinct
from abkit.experiments.declaring.expressions import Expression
from abkit.experiments.declaring.metric import ActionMetric, Measured, Metric
from abkit.experiments.declaring.metric_fields import (
    Counting,
    Direction,
    Missing,
    Period,
    Role,
    Winsorize,
)
from abkit.experiments.declaring.quantile import Per, Quantile

__all__ = [
    "ActionMetric",
    "ActiveDays",
    "Average",
    "Conversion",
    "Counting",
    "Derived",
    "Direction",
    "Distinct",
    "Formula",
    "Funnel",
    "Mean",
    "Measured",
    "Metric",
    "Missing",
    "Per",
    "Period",
    "Quantile",
    "Ratio",
    "Retention",
    "Role",
    "Sum",
    "Total",
    "Winsorize",
    "with_roles",
]


@frozen
class Conversion(ActionMetric):
    """The share of units that did the action.

    Attributes:
        action: The action's name; `name` unless said otherwise. In a table with one row per unit,
            the column that says whether the unit converted.
        times: How often a unit must have done it to count.
        missing: In a table of units, what becomes of a unit without a value: "error", "zero" (it did not
            convert) or "drop". Of actions, none is missing.
    """

    action: str = field(kw_only=True, validator=fields.named)
    times: int = field(kw_only=True, default=1, validator=fields.from_one)
    missing: Missing = field(kw_only=True, default=Missing.ERROR, converter=fields.missing)

    @action.default
    def _action(self) -> str:
        return self.name

    @property
    def binary(self) -> bool:
        """True."""
        return True


@frozen
class Total(ActionMetric, Measured):
    """The number of times the action was done, per unit.

    Attributes:
        action: The action's name; `name` unless said otherwise.
    """

    action: str = field(kw_only=True, validator=fields.named)

    @action.default
    def _action(self) -> str:
        return self.name


@frozen
class Sum(ActionMetric, Measured):
    """The sum of a property of the action, per unit; units without the action count as 0.

    Attributes:
        action: The action's name; `name` unless said otherwise.
        property: The numeric property, such as "price".
    """

    property: str = field(kw_only=True, validator=fields.named)
    action: str = field(kw_only=True, validator=fields.named)

    @action.default
    def _action(self) -> str:
        return self.name


@frozen
class Average(ActionMetric, Measured):
    """The average of a property over a unit's own actions; units without the action count as 0.

    The mean of these averages is not the average over all actions: that is `Sum(...) / Total(...)`.

    Attributes:
        action: The action's name; `name` unless said otherwise.
        property: The numeric property, such as "price".
    """

    property: str = field(kw_only=True, validator=fields.named)
    action: str = field(kw_only=True, validator=fields.named)

    @action.default
    def _action(self) -> str:
        return self.name


@frozen
class Mean(Measured):
    """The mean of a value that already is one per unit: a column of a table of units.

    Attributes:
        column: The numeric column; `name` unless said otherwise.
        missing: What becomes of a unit without a value: "error", "zero" or "drop".
    """

    column: str = field(kw_only=True, validator=fields.named)
    missing: Missing = field(kw_only=True, default=Missing.ERROR, converter=fields.missing)

    @column.default
    def _column(self) -> str:
        return self.name


@frozen
class Funnel(ActionMetric):
    """How many units did several actions in this order; other actions may lie between.

    Attributes:
        steps: The actions, in order; the same one several times is allowed.
        within: The longest time from the first to the last of them; None: any.
        counting: "unique": the share of units that completed it; "total": the completions per unit.
    """

    steps: tuple[str, ...] = field(kw_only=True, converter=fields.in_order, validator=fields.steps)
    within: timedelta | None = field(kw_only=True, default=None, validator=fields.duration)
    counting: Counting = field(kw_only=True, default=Counting.UNIQUE, converter=fields.counting)

    @property
    def binary(self) -> bool:
        """Whether units are counted, not completions."""
        return self.counting is Counting.UNIQUE


@frozen
class Retention(ActionMetric):
    """The share of units that came back in the n-th day, week or month after they started.

    A unit starts with its first `start` action after its exposure. The n-th day is that from n times
    24 hours after it to n + 1 times, without the end; weeks are 7 of these days, months 30. Units
    without a start count as not retained.

    Attributes:
        start: The action that starts.
        returning: The action that must be done in the n-th period.
        n: Which period, from 1.
        period: "day", "week" or "month".
    """

    start: str = field(kw_only=True, validator=fields.named)
    returning: str = field(kw_only=True, validator=fields.named)
    n: int = field(kw_only=True, validator=fields.in_time)
    period: Period = field(kw_only=True, default=Period.DAY, converter=fields.period)

    @property
    def begins(self) -> timedelta:
        """When the n-th period of a unit begins that starts as soon as that counts."""
        return (self.delay or timedelta(0)) + self.n * self.period.length

    @property
    def binary(self) -> bool:
        """True."""
        return True


Derived: TypeAlias = Funnel | Retention | Distinct | ActiveDays
"""Metrics of which not each action counts, but what a unit completes by some of them."""


def _of_units(metric: Metric, attribute: "Attribute[Any]", value: object) -> None:
    if not _has_values(value):
        problem = (
            f"`{attribute.name}` must be a metric of one value per unit, such as Total or Sum, "
            f"not {value!r}"
        )
        raise DeclarationError(type(metric).__name__, problem)


def _of_metrics(metric: Metric, attribute: "Attribute[Any]", value: object) -> None:
    if not isinstance(value, Expression) or not all(map(_has_values, value.operands())):
        problem = (
            f"`{attribute.name}` must be made of metrics of one value per unit by + - * and /, "
            f"not {value!r}"
        )
        raise DeclarationError(type(metric).__name__, problem)


def _has_values(value: object) -> bool:
    return isinstance(value, Metric) and not isinstance(value, Ratio | Formula | Quantile)


@frozen
class Ratio(Metric):
    """One mean divided by another, such as orders per session; the unit stays what is randomized.

    Attributes:
        numerator: A metric of one value per unit.
        denominator: Another.
    """

    numerator: Metric = field(kw_only=True, validator=_of_units)
    denominator: Metric = field(kw_only=True, validator=_of_units)

    @property
    def expression(self) -> Expression:
        """The division."""
        return self.numerator / self.denominator


@frozen
class Formula(Metric):
    """A formula of the means of other metrics.

    For example `Formula("net price", expression=(Sum("purchase", property="price") - Sum("refund",
    property="price")) / Total("purchase"))`.

    Attributes:
        expression: Metrics and numbers, combined by + - * and /.
    """

    expression: Expression = field(kw_only=True, validator=_of_metrics)


def with_roles(metrics: Sequence[Metric]) -> tuple[Metric, ...]:
    """Metrics with the roles that they have beside each other.

    One without a role is primary if none before it is, and else secondary: each primary metric may
    raise a false alarm of its own, so more than one must be wanted.
    """
    found: list[Metric] = []
    for metric in metrics:
        decided = any(each.role is Role.PRIMARY for each in found)
        usual = Role.SECONDARY if decided else Role.PRIMARY
        found.append(evolve(metric, role=metric.declared_role or usual))
    return tuple(found)
