"""What is written down of days once they are closed: the SQL."""

from collections.abc import Sequence

from attrs import frozen

from abkit.analysis.query.days import DayQueries
from abkit.analysis.query.grouping import unit_key
from abkit.analysis.query.periods import microseconds
from abkit.analysis.query.values import number
from abkit.analysis.statistics.days import DAY
from abkit.analysis.store.closed.continued_queries import ContinuedQueries
from abkit.analysis.store.closed.unit_conditions import FRESH

_DAY = microseconds(DAY)


@frozen
class ClosingQueries:
    """The queries of what the next analysis goes on from.

    Attributes:
        continued: The queries of what has changed since the days that were closed before.
    """

    continued: ContinuedQueries

    def periods_of(self, units: str) -> str:
        """The rows of `by_period` of some units, where nothing is known.

        Args:
            units: The table of the units, as SQL that follows "from".
        """
        continued = self.continued
        key = unit_key(in_several=continued.events.in_several)
        names = continued.events.unit_columns.sum_names()
        columns = ", ".join(
            f"p.{name} as {name}" for name in ("unit_id", "variant", "period", "new", *names)
        )
        return f"""\
select {columns}
from by_period p
join (select distinct {key} from {units}) as among_units on {continued.same_unit("among_units", "p")}"""

    def known_extremes(self, limited: Sequence[int]) -> str:
        """The extremes of known units of `by_period`.

        Args:
            limited: The places of the parts that have some.
        """
        continued = self.continued
        names = ", ".join(
            f"k.{what}_{i} as {what}_{i}" for i in limited for what in ("peak", "trough")
        )
        return continued.known_of("by_period", names)

    def units(self, until: int, *, limited: Sequence[int]) -> str:
        """The rows of `known_units` that are new or other ones once all before a moment is closed.

        Args:
            until: The moment, the first of a period, in microseconds since 1970.
            limited: The places of the parts whose `extremes` are known.
        """
        continued = self.continued
        names = continued.events.unit_columns.state_names()
        columns = ", ".join(f"u.{name} as {name}" for name in continued.columns)
        sums = ", ".join(f"coalesce(s.{name}, {number(0.0)}) as {name}" for name in names)
        started = joined = ""
        if limited:
            started = "".join(
                f", e.{name}_{i} as {name}_{i}" for i in limited for name in ("peak", "trough")
            )
            joined = f"\nleft join extremes e on {continued.same_unit('e', 'u')}"
        if continued.maturity.starts:
            started += "".join(f", t.{name} as {name}" for name in continued.started_names)
            # What waits for the end of its time is in `by_period` then, though nothing is in `done`.
            starts = continued.started_of("by_period", before=f"and time < {until}")
            same = "t.unit_id = u.unit_id and t.variant = u.variant"
            joined += f"\nleft join (\n{starts}\n) as t on {same}"
        condition = f"u.first_exposure < {until}"
        if continued.events.since is not None:
            condition += f" and (u.{FRESH} or s.unit_id is not null)"
        return f"""\
select {columns}, {sums}{started}
from units u
left join (
{continued.touched_units(until)}
) as s on {continued.same_unit("s", "u")}{joined}
where {condition}"""

    def days(self, days: DayQueries, until: int) -> str:
        """The rows of `fresh_days` of days that are over before a moment.

        Columns: unit_id, variant, day, v0, ...

        Args:
            days: The queries of days.
            until: The moment.
        """
        values = "".join(f", d.v{i} as v{i}" for i in range(len(days.metrics)))
        return f"""\
select d.unit_id as unit_id, d.variant as variant, d.day as day{values}
from fresh_days d
join units u on u.unit_id = d.unit_id and u.variant = d.variant
where u.first_exposure + (d.day + 1) * {_DAY} <= {until}"""

    def values(self, until: int) -> str:
        """The different values of units that were first there before a moment, and are not known yet.

        Columns: part (the place of the metric among `Layout.derived`), and those of `keys`.

        Args:
            until: The moment.
        """
        continued = self.continued
        columns = ", ".join(f"{sql} as {name}" for name, sql in continued.keys.columns().items())
        return "\nunion all\n".join(
            f"""\
select {i} as part, {columns}
from completed_{i}
where past = 0 and time < {until}"""
            for i in continued.distinct
        )
