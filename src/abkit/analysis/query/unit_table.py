"""A table that has one row per unit already: what is wrong with it, and its measures."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from attrs import field, frozen

from abkit.analysis.query.layout import Layout, column_of, one_if
from abkit.analysis.reading.columns import Column, Kind
from abkit.experiments.declaring.metrics import Metric

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
        measures = ", ".join(f"m{i}" for i in range(len(self.layout.parts)))
        before = "".join(
            f", coalesce(b{i}, cast(0 as double)) as b{i}" for i in range(len(self.layout.adjusted))
        )
        present = "".join(
            f", {one_if(self._known(presence))} as present_{i}"
            for i, presence in enumerate(self.layout.presences)
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

    def _known(self, presence: Sequence[str]) -> str:
        """Whether any of these columns of the past has a value."""
        places = (i for i, part in enumerate(self.layout.adjusted) if self.before[part] in presence)
        return " or ".join(f"b{i} is not null" for i in places)
