"""Quantiles: from the values of events, or of units, to where shares of them end. The SQL.

Equal values share their place in the middle: a value that stands at the places a to b of n is where the
share (a + b - 1) / 2n ends, and between two values the quantile is interpolated. So it has a normal
distribution also where many values are equal (Ma, Genton and Parzen 2011, "Asymptotic properties of sample
quantiles of discrete distributions", Ann. Inst. Stat. Math. 63). Shares are told as counts of half values,
which are whole numbers: no engine rounds them.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property

from attrs import frozen

from abkit.analysis.query.counted_time import window_over
from abkit.analysis.query.layout import Layout
from abkit.analysis.query.values import number
from abkit.analysis.reading.quoting import literal
from abkit.experiments.declaring.metrics import Per, Quantile

_SEVERAL = "segment"


@frozen(kw_only=True)
class QuantileQueries:
    """The queries of one quantile, over `done`, `measured` and `units`.

    Attributes:
        layout: Which has the quantile among its parts.
        metric: The quantile.
        segment: The number of the property whose values tell units apart; None: only their variants do.
        end: The last moment of the data, in microseconds since 1970, for a quantile that waits for a window.
    """

    layout: Layout
    metric: Quantile
    segment: int | None = None
    end: int | None = None

    @cached_property
    def name(self) -> str:
        """What the tables of this quantile begin with."""
        part = "" if self.segment is None else f"_by_{self.segment}"
        return f"quantile_{self.layout.quantiles.index(self.metric)}{part}"

    @property
    def groups(self) -> tuple[str, ...]:
        """The columns that values are grouped by."""
        return ("variant",) if self.segment is None else ("variant", _SEVERAL)

    def values(self) -> str:
        """The values, with their units. Columns: unit_id, those of `groups`, value."""
        if self.metric.per is Per.UNIT:
            column = f"m{self.layout.parts.index(self.metric)}"
            source, condition = "measured", f"{column} is not null"
        else:
            column = self.layout.value(self.metric)
            counted = self.layout.counted(self.metric, self.metric.action)
            source, condition = "done", f"{counted} and past = 0 and {column} is not null"
            window = self.layout.counts_after(self.metric)
            if window is not None:
                condition += f" and {window_over(window, end=self.end)}"
        if self.segment is None:
            return f"""\
select unit_id, variant, {column} as value
from {source}
where {condition}"""  # noqa: S608 - columns are our own
        of_unit = f"segment_{self.segment}"
        # A text also for units without one, so that rows of a group can be joined.
        segment = f"case when u.{of_unit} is null then '' else '=' || u.{of_unit} end"
        return f"""\
select v.unit_id as unit_id, v.variant as variant, {segment} as {_SEVERAL}, v.value as value
from (
  select unit_id, variant, {column} as value
  from {source}
  where {condition}
) as v
join units u on u.unit_id = v.unit_id and u.variant = v.variant"""  # noqa: S608

    def cumulated(self) -> str:
        """Each different value of a group, and how many half values there are up to it.

        Columns: those of `groups`, value, middle (half values up to the middle of the equal ones), through
        (up to the end of these), halves (of the group).
        """
        groups = ", ".join(self.groups)
        return f"""\
select {groups}, value,
  cast(2 * upto - times as double) as middle,
  cast(2 * upto as double) as through,
  cast(2 * total as double) as halves
from (
  select {groups}, value, times,
    sum(times) over (
      partition by {groups} order by value rows between unbounded preceding and current row
    ) as upto,
    sum(times) over (partition by {groups}) as total
  from (
    select {groups}, value, count(*) as times
    from {self.name}_rows
    group by {groups}, value
  ) as counted
) as cumulated"""  # noqa: S608 - columns are our own

    def found(self) -> str:
        """The quantile of each group, and the values beside it.

        Columns: those of `groups`, whole, lowest, highest, first and last (their middles), and of the values
        below and above the quantile: below, below_middle, below_through, above, above_middle, above_through.
        """
        groups, wanted = ", ".join(self.groups), f"{number(self.metric.q)} * halves"
        return f"""\
select {groups}, max(halves) as whole, min(value) as lowest, max(value) as highest,
  min(middle) as first_middle, max(middle) as last_middle,
  {_beside(wanted)},
  max(case when middle <= {wanted} then through end) as below_through,
  min(case when middle > {wanted} then through end) as above_through
from {self.name}_values
group by {groups}"""  # noqa: S608 - columns are our own

    def spread(self) -> str:
        """How far the units' shares of values below the quantile are from that of all.

        Of a unit, `apart` is its number of values below the quantile less q times its values; the values
        beside the quantile count in parts, which sum up to q over all. Columns: those of `groups`, units
        (with a value), squared_times (the sum of their squared numbers of values), apart, squared_apart.
        """
        q = number(self.metric.q)
        groups, of_rows = (", ".join(f"{of}{name}" for name in self.groups) for of in ("", "r."))
        same = " and ".join(f"f.{name} = r.{name}" for name in self.groups)
        return f"""\
select {groups}, count(*) as units,
  sum(of_unit * of_unit) as squared_times,
  sum(beside) as apart,
  sum(beside * beside) as squared_apart
from (
  select {of_rows}, r.unit_id as unit_id, cast(count(*) as double) as of_unit,
    sum(
      case
        when r.value < f.below then cast(1 as double)
        when r.value = f.below then f.part_of_below
        when r.value = f.above then f.part_of_above
        else cast(0 as double)
      end - {q}
    ) as beside
  from {self.name}_rows r
  join (
    select {groups}, below, above,
      (1 + ({q} * whole - below_middle) / (above_middle - below_middle)) / 2 as part_of_below,
      ({q} * whole - below_middle) / (above_middle - below_middle) / 2 as part_of_above
    from {self.name}_found
  ) as f on {same}
  group by {of_rows}, r.unit_id
) as of_units
group by {groups}"""  # noqa: S608 - columns are our own

    def levels(self, wanted: Mapping[tuple[str, ...], tuple[float, float]]) -> str:
        """The values beside two other shares of each group.

        Columns: those of `groups`, and as in `found`: low_below, ..., high_below, ...

        Args:
            wanted: By group, the lower and the upper share.
        """
        groups = ", ".join(self.groups)
        low, high = (
            self._by_group({group: levels[side] for group, levels in wanted.items()})
            for side in (0, 1)
        )
        return f"""\
select {groups},
  {_beside("low_level", prefix="low_")},
  {_beside("high_level", prefix="high_")}
from (
  select {groups}, value, middle, {low} * halves as low_level, {high} * halves as high_level
  from {self.name}_values
) as at_levels
group by {groups}"""  # noqa: S608 - columns are our own

    def _by_group(self, levels: Mapping[tuple[str, ...], float]) -> str:
        cases = " ".join(
            f"when {self._is(group)} then {number(of)}" for group, of in levels.items()
        )
        return f"case {cases} end"

    def _is(self, group: Sequence[str]) -> str:
        return " and ".join(
            f"{name} = {literal(value)}" for name, value in zip(self.groups, group, strict=True)
        )


def _beside(wanted: str, *, prefix: str = "") -> str:
    """The values beside so many half values, and their middles."""
    return f"""\
max(case when middle <= {wanted} then value end) as {prefix}below,
  max(case when middle <= {wanted} then middle end) as {prefix}below_middle,
  min(case when middle > {wanted} then value end) as {prefix}above,
  min(case when middle > {wanted} then middle end) as {prefix}above_middle"""


def segment_of(group: Sequence[str]) -> str | None:
    """The value of the property of a group by a segment."""
    return group[1][1:] if group[1] else None
