"""From measures per unit to sums per variant: the SQL, and the reading of its answers."""

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Self, TypeAlias

from attrs import field, frozen

from abkit.analysis.amounts import amount
from abkit.analysis.engines.base import Row, integer
from abkit.analysis.query.layout import Layout
from abkit.analysis.query.values import limits, number, one_if, transformed
from abkit.analysis.reading.quoting import literal
from abkit.analysis.statistics.aggregates import Sums
from abkit.errors import AnalysisError
from abkit.experiments.declaring.metrics import Metric

Limits: TypeAlias = Mapping[Metric, tuple[float | None, float | None]]
"""The lower and the upper limit of each metric that has some."""

_NO_LIMITS: Limits = MappingProxyType({})

Group: TypeAlias = tuple[str | None, ...]
"""A value of each column that is grouped by."""

PHASE = "phase"
"""The column of the numbers of the phases: the only one that is no text."""

_NO_SHIFTS: Mapping[Group, Sequence[float]] = MappingProxyType({})


@frozen(kw_only=True)
class SumQueries:
    """The queries over a table `measured`: variant, m0, m1, ... and, with CUPED, b0, ..., present_0, ...

    Attributes:
        layout: Which measures there are.
        limits: The lower and upper limit of each metric that has some.
        by: The columns of `measured` to group by.
        shifts: What is taken from each measure of a group before it is summed up; of other groups
            nothing.
    """

    layout: Layout
    limits: Limits = field(default=_NO_LIMITS)
    by: tuple[str, ...] = ("variant",)
    shifts: Mapping[Group, Sequence[float]] = field(default=_NO_SHIFTS)

    @classmethod
    def of_units(cls, layout: Layout, *, phased: bool) -> Self:
        """The sums per variant; if the units have phases, per variant within each of them."""
        return cls(layout=layout, by=("variant", PHASE) if phased else ("variant",))

    def measures(self, of: str = "") -> tuple[str, ...]:
        """Each measure of a unit, from the columns of `measured`, unshifted.

        Args:
            of: What the names of the columns begin with.
        """
        layout = self.layout
        values = [self._limited(part, f"{of}m{i}") for i, part in enumerate(layout.parts)]
        before = [self._limited(part, f"{of}b{i}") for i, part in enumerate(layout.adjusted)]
        present = [f"{of}present_{i}" for i in range(len(layout.presences))]
        capped = [self._capped(part, f"{of}m{layout.parts.index(part)}") for part in layout.capped]
        negative = [
            self._whether(part, f"{column} < 0", column)
            for part, column in ((p, f"{of}m{layout.parts.index(p)}") for p in layout.signed)
        ]
        divided = [
            self._whether(part, f"{column} > 0", column)
            for part, column in ((p, f"{of}m{layout.parts.index(p)}") for p in layout.divisors)
        ]
        told = [f"{of}c{i}" for i in range(len(layout.attributes))]
        return (*values, *before, *present, *capped, *negative, *divided, *told)

    def largest(self, limit: int, *, source: str = "measured") -> str:
        """The values of the first column of `by` that most units have, these first.

        Columns: that one, n.

        Args:
            limit: The most values to tell.
            source: A table of the units that has the column.
        """
        column = self.by[0]
        return f"""\
select {column}, count(*) as n
from {source}
group by {column}
order by count(*) desc, case when {column} is null then 1 else 0 end, {column}
limit {limit}"""  # noqa: S608 - columns are our own

    def sums(self, *, limit: int | None = None, among: str | None = None) -> str:
        """The sums per group.

        Columns: those of `by`, n, k0, ... (units that have a value), t0, ... (totals), p0_0, ...
        (products); and, if metrics add up properties, valueless (actions that count and lack theirs).

        Args:
            limit: The most groups to tell; None: all.
            among: The table, as of `largest`, that has the values of the first column of `by` which are told;
                None: all are.
        """
        groups = ", ".join(self.by)
        where = "" if among is None else f"\n  where {self._is_in(among)}"
        values = ",\n    ".join(
            f"{self._shifted(i, value)} as x{i}" for i, value in enumerate(self.measures())
        )
        most = "" if limit is None else f"\nlimit {limit}"
        return f"""\
select {groups},
  count(*) as n,
  {", ".join(f"count(x{i}) as k{i}" for i in range(len(self.layout.parts)))},{self._summed_valueless}
  {self._added(lambda i: f"x{i}", lambda i, j: f"x{i} * x{j}")}
from (
  select {groups},{self._valueless}
    {values}
  from measured{where}
) as shifted
group by {groups}{most}"""  # noqa: S608 - columns are our own

    def changes(self, *, among: str | None = None, places: Collection[int] | None = None) -> str:
        """What those who did something in a period add to the sums, from `EventQueries.states`.

        Columns: period, those of `by`, states (how many rows of `states` it sums up), n (units whose first
        exposure was in that period), k0, ... (units that have a value since then, only of metrics that not
        all units have), t0, ... (totals), p0_0, ... (products); and valueless, as `sums` has it.

        Args:
            among: As for `sums`.
            places: Of the measures whose sums are told, with no count; None: all of both.
        """
        groups = ", ".join(self.by)
        where = "" if among is None else f"\n  where {self._is_in(among)}"
        lacked, size = self.layout.lacked, self.layout.size
        needed = {place for pair in self._pairs(places) for place in pair}
        now = [
            f"{self._shifted(i, value)} as x{i}"
            for i, value in enumerate(self.measures())
            if i in needed
        ]
        before = [
            f"case when new = 1 then {'null' if i in lacked else 'cast(0 as double)'} "
            f"else {self._shifted(i, value)} end as y{i}"
            for i, value in enumerate(self.measures("was_"))
            if i in needed
        ]
        measures = ",\n    ".join([*now, *before])
        counts = ""
        if places is None:
            known = "".join(
                f"\n  count(x{i}) - count(y{i}) as k{i}," for i in dict.fromkeys(lacked.values())
            )
            counts = f"\n  count(*) as states, sum(new) as n,{known}{self._summed_valueless}"
        x, y = (
            [
                f"coalesce({of}{i}, {number(0.0)})" if i in lacked else f"{of}{i}"
                for i in range(size)
            ]
            for of in "xy"
        )
        sums = self._added(
            lambda i: f"{x[i]} - {y[i]}",
            lambda i, j: f"{x[i]} * {x[j]} - {y[i]} * {y[j]}",
            places=places,
        )
        return f"""\
select period, {groups},{counts}
  {sums}
from (
  select period, {groups}, new,{self._valueless}
    {measures}
  from states{where}
) as shifted
group by period, {groups}
order by period, {groups}"""  # noqa: S608 - columns are our own

    def units(self, *, among: str) -> str:
        """How many units there are per group, from a table `units`. Columns: those of `by`, units.

        Args:
            among: As for `sums`.
        """
        groups = ", ".join(self.by)
        return f"""\
select {groups}, count(*) as units
from units
where {self._is_in(among)}
group by {groups}"""  # noqa: S608 - columns are our own

    def idle(self) -> str:
        """The measures of a unit that has done nothing, from `EventQueries.idle`: t0, ..."""
        values = [f"{value} as t{i}" for i, value in enumerate(self.measures())]
        return f"select {', '.join(values)}\nfrom idle"

    def nothing(self, group: Group) -> Sums:
        """The sums of no unit of a group."""
        return Sums.none(self._shifts(group))

    def read_idle(self, row: Row, group: Group, *, units: int) -> Sums:
        """The sums of so many units of a group that have done nothing."""
        shifts = self._shifts(group)
        lacked = self.layout.lacked
        values = [
            0.0 if i in lacked else _real(row[f"t{i}"]) - shift for i, shift in enumerate(shifts)
        ]
        return Sums(
            units,
            shifts,
            tuple(units * value for value in values),
            MappingProxyType({(i, j): units * values[i] * values[j] for i, j in self.layout.pairs}),
            lacking=MappingProxyType(dict.fromkeys(lacked, units)),
        )

    def group(self, row: Row) -> Group:
        """Which group a row of an answer is of."""
        return tuple(None if row[name] is None else str(row[name]) for name in self.by)

    def read(self, row: Row) -> Sums:
        """The sums in one row of an answer.

        Raises:
            AnalysisError: They are not finite, or some unit has no value.
        """
        n = integer(row, "n")
        for i, part in enumerate(self.layout.parts):
            missing = n - integer(row, f"k{i}") if f"k{i}" in row else 0
            if missing and part not in self.layout.dropping:
                message = (
                    f"{part.name} is empty for {amount(missing, 'unit')}. Every unit needs a value: fill in "
                    "what an empty one means (such as 0, or FALSE for a unit that did not convert), or "
                    "declare missing='zero', or missing='drop' to leave these units out of this metric"
                )
                raise AnalysisError(message)
        totals = [_real(row[f"t{i}"]) for i in range(self.layout.size)]
        products = {(i, j): _real(row[f"p{i}_{j}"]) for i, j in self.layout.pairs}
        for i, part in enumerate(self.layout.parts):
            if not abs(totals[i]) < float("inf") or not products[i, i] < float("inf"):
                raise AnalysisError(not_finite(part))
        lacking = {place: n - integer(row, f"k{i}") for place, i in self.layout.lacked.items()}
        return Sums(
            n,
            self._shifts(self.group(row)),
            tuple(totals),
            MappingProxyType(products),
            lacking=MappingProxyType(lacking),
        )

    def percentile(self, part: Metric, percentile: float, *, source: str = "measured") -> str:
        """The smallest value that is at least as large as a share of all units' values.

        One row and column: limit_value.

        Args:
            part: Whose values.
            percentile: The share, in percent.
            source: A table that has the column of the part as `measured` has it.
        """
        column = f"m{self.layout.parts.index(part)}"
        known = f"\n  where {column} is not null" if part in self.layout.dropping else ""
        return f"""\
select min(value) as limit_value
from (
  select {column} as value,
    row_number() over (order by {column}) as place,
    count(*) over () as units
  from {source}{known}
) as ranked
where place >= {number(percentile / 100)} * units"""  # noqa: S608 - columns are our own

    @property
    def _valueless(self) -> str:
        return " valueless," if self.layout.values else ""

    @property
    def _summed_valueless(self) -> str:
        return "\n  sum(valueless) as valueless," if self.layout.values else ""

    def _limited(self, part: Metric, column: str) -> str:
        low, high = self.limits.get(part, (None, None))
        return transformed(part, column, low=low, high=high)

    def _capped(self, part: Metric, column: str) -> str:
        low, high = self.limits.get(part, (None, None))
        # A unit whose value is the limit is not changed, however its sum was rounded.
        beyond = [f"{column} > {number(high + _same(high))}"] if high is not None else []
        beyond += [f"{column} < {number(low - _same(low))}"] if low is not None else []
        return self._whether(part, " or ".join(beyond) or "false", column)

    def _whether(self, part: Metric, condition: str, column: str) -> str:
        """1 where something holds of a unit's value, else 0; null for a unit that is dropped without one."""
        found = one_if(condition)
        if part not in self.layout.dropping:
            return found
        return f"case when {column} is not null then {found} end"

    def _shifted(self, place: int, value: str) -> str:
        shifted = "".join(
            f" when {self._is(group)} then {number(shifts[place])}"
            for group, shifts in self.shifts.items()
            if shifts[place]
        )
        return f"{value} - case{shifted} else cast(0 as double) end" if shifted else value

    def _shifts(self, group: Group) -> tuple[float, ...]:
        return tuple(self.shifts.get(group, (0.0,) * self.layout.size))

    def _is(self, group: Group) -> str:
        return " and ".join(
            f"{name} is null" if value is None else f"{name} = {_written(name, value)}"
            for name, value in zip(self.by, group, strict=True)
        )

    def _is_in(self, table: str) -> str:
        column = self.by[0]
        return f"""{column} in (select {column} from {table} where {column} is not null)
    or ({column} is null and exists (select 1 as one from {table} where {column} is null))"""  # noqa: S608

    def _added(
        self,
        total: Callable[[int], str],
        product: Callable[[int, int], str],
        *,
        places: Collection[int] | None = None,
    ) -> str:
        of = range(self.layout.size) if places is None else sorted(places)
        totals = [f"sum({total(i)}) as t{i}" for i in of]
        products = [f"sum({product(i, j)}) as p{i}_{j}" for i, j in self._pairs(places)]
        return ",\n  ".join(totals + products)

    def _pairs(self, places: Collection[int] | None) -> Sequence[tuple[int, int]]:
        pairs = self.layout.pairs
        return pairs if places is None else [pair for pair in pairs if {*pair} & {*places}]


def _same(limit: float) -> float:
    """How far from a limit a value is that differs from it by rounding only."""
    return 1e-12 * abs(limit)


def _written(name: str, value: str) -> str:
    return value if name == PHASE else literal(value)


def not_finite(part: Metric) -> str:
    """What is wrong with a metric whose values cannot be summed up."""
    return f"{part.name} has values that are not finite numbers (NaN or infinite), or too large to sum up"


def percentiles(layout: Layout) -> Sequence[tuple[Metric, str, float]]:
    """The limits that the data must tell: metric, "lower" or "upper", and the percentile."""
    return [
        (part, side, percentile)
        for part in layout.capped
        for given in [limits(part)]
        if given is not None
        for side, percentile in [
            ("lower", given.lower_percentile),
            ("upper", given.upper_percentile),
        ]
        if percentile is not None
    ]


def _real(value: object) -> float:
    """A number in an answer; a database's decimals too."""
    return 0.0 if value is None else float(value)  # type: ignore[arg-type]
