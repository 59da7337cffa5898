"""A table that has one row per unit already: what is wrong with it, and its measures."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from attrs import field, frozen

from abkit.analysis.query.layout import Layout
from abkit.analysis.query.values import one_if
from abkit.analysis.reading.columns import Column, Kind
from abkit.errors import AnalysisError, with_article
from abkit.experiments.declaring.conditions import Condition
from abkit.experiments.declaring.metrics import Conversion, Mean, Metric

_NOTHING: Mapping[Metric, str] = MappingProxyType({})


@frozen(kw_only=True)
class UnitTableQueries:
    """The queries of one table of units, called `table_of_units`.

    Attributes:
        unit: The column of the units' ids; None: each row is a unit.
        variant: The column of the variants.
        layout: Which measures are wanted.
        before: The columns of what CUPED adjusts by, for the metrics of `Layout.adjusted`.
        segments: The columns that units are told apart by.
    """

    unit: str | None
    variant: str
    layout: Layout
    before: Mapping[Metric, str] = field(default=_NOTHING)
    segments: Sequence[str] = ()

    def columns(self) -> list[Column]:
        """What is needed of the table."""
        units = (
            []
            if self.unit is None
            else [Column(name="unit_id", kind=Kind.KEY, source=self.unit, required=True)]
        )
        return [
            *units,
            Column(name="variant", kind=Kind.TEXT, source=self.variant, required=True),
            *(
                Column(name=f"segment_{i}", kind=Kind.TEXT, source=name, required=True)
                for i, name in enumerate(self.segments)
            ),
            *(
                Column(
                    name=f"m{i}",
                    kind=Kind.TRUTH if part.binary else Kind.NUMBER,
                    source=column_of(part),
                    required=True,
                )
                for i, part in enumerate(self.layout.parts)
            ),
            *(
                Column(name=f"b{i}", kind=Kind.NUMBER, source=self.before[part], required=True)
                for i, part in enumerate(self.layout.adjusted)
            ),
        ]

    def rows(self) -> str:
        """How many rows there are; one row. Columns: total_rows, with_unit, with_variant.

        Many a file knows that without being read.
        """
        unit = "*" if self.unit is None else "unit_id"
        return f"""\
select count(*) as total_rows, count({unit}) as with_unit, count(variant) as with_variant
from table_of_units"""  # noqa: S608 - columns are our own

    def repeated(self) -> str:
        """A unit that has several rows. Columns: unit_id, times; no row if there is none."""
        return f"""\
select unit_id, count(*) as times
from table_of_units
where {self._usable}
group by unit_id
having count(*) > 1
order by unit_id
limit 1"""  # noqa: S608 - columns are our own

    def measured(self, *, complete: bool) -> str:
        """The measures of each unit; columns as those of `EventQueries.measured`.

        Args:
            complete: Whether all rows have a unit and a variant, so that none need be looked at.
        """
        segments = "".join(f", segment_{i}" for i in range(len(self.segments)))
        measures = ", ".join(map(self._measure, self.layout.parts))
        before = "".join(
            f", {self._if_known(part, f'coalesce(b{i}, cast(0 as double))')} as b{i}"
            for i, part in enumerate(self.layout.adjusted)
        )
        present = "".join(
            f", {self._present(i)} as present_{i}" for i in range(len(self.layout.presences))
        )
        unit = "" if self.unit is None else "unit_id, "
        condition = "" if complete else f"\nwhere {self._usable}"
        return f"""\
select {unit}variant{segments}, {measures}{before}{present}
from table_of_units{condition}"""  # noqa: S608 - columns are our own

    @property
    def _usable(self) -> str:
        """The condition that a row has what it needs."""
        unit = "" if self.unit is None else "unit_id is not null and "
        return f"{unit}variant is not null"

    def without_value(self, *, limit: int) -> str:
        """How many units have no value of the metrics that say what becomes of these, by variant.

        Columns: variant, units, without_0, ... by the places in `Layout.tolerant`.

        Args:
            limit: The most variants to tell.
        """
        counts = ", ".join(
            f"sum(case when m{self.layout.parts.index(part)} is null then 1 else 0 end) as without_{i}"
            for i, part in enumerate(self.layout.tolerant)
        )
        return f"""\
select variant, count(*) as units, {counts}
from table_of_units
where {self._usable}
group by variant
order by variant
limit {limit}"""  # noqa: S608 - columns are our own

    def _measure(self, part: Metric) -> str:
        """A metric's value of a unit, where a missing one is filled in if the metric says so."""
        column = f"m{self.layout.parts.index(part)}"
        if part not in self.layout.tolerant or part in self.layout.dropping:
            return column
        return f"coalesce({column}, cast(0 as double)) as {column}"

    def _present(self, place: int) -> str:
        """Whether a unit has a value in the columns of the past that make a presence."""
        layout, presence = self.layout, {*self.layout.presences[place]}
        parts = [part for part in layout.adjusted if presence.issuperset(layout.past[part])]
        known = " or ".join(f"b{layout.adjusted.index(part)} is not null" for part in parts)
        dropped = next((part for part in parts if part in layout.dropping), parts[0])
        return self._if_known(dropped, one_if(known))

    def _if_known(self, part: Metric, value: str) -> str:
        """What is said of a unit's past; nothing of one that is dropped because it has no value."""
        if part not in self.layout.dropping:
            return value
        return f"case when m{self.layout.parts.index(part)} is not null then {value} end"


def column_of(part: Metric) -> str:
    """The column of a table of units that a metric reads.

    Raises:
        AnalysisError: The metric is not one of units.
    """
    match part:
        case Conversion(where=Condition()):
            message = (
                f"{part.name!r} has where={part.where!r}, which is for actions: a table of units has one "
                "value per unit; leave it out, or make a column of the units that fulfil it"
            )
            raise AnalysisError(message)
        case Conversion(times=1):
            return part.action
        case Mean():
            return part.column
        case _:
            message = (
                f"{part.name!r} is {with_article(type(part))}, which needs exposures and actions; "
                "a table of units can be measured by Conversion and Mean, and formulas of these"
            )
            raise AnalysisError(message)
