"""What units did on each day since their own first exposure: the SQL."""

from collections.abc import Sequence

from attrs import frozen

from abkit.analysis.query.grouping import unit_key, unit_of_group
from abkit.analysis.query.layout import Layout
from abkit.analysis.query.periods import microseconds, period
from abkit.analysis.query.sums import PHASE
from abkit.analysis.query.values import number, one_if
from abkit.analysis.statistics.days import DAY, MOST_DAYS, early_days
from abkit.experiments.declaring.metrics import Conversion, Metric, Sum

_DAY = microseconds(DAY)


@frozen(kw_only=True)
class DayQueries:
    """The queries of days, over the tables `units` and `done`.

    A unit in several variants has days in each, from its first exposure to that one.

    Attributes:
        layout: The measures of `done`.
        metrics: Those of the metrics that are asked for; additive ones.
        end: The last moment of the data, in microseconds since 1970.
        phased: Whether the units were drawn with different weights, and have a phase.
        in_several: Whether a unit may be in several variants.
        done: The table of what units did.
    """

    layout: Layout
    metrics: Sequence[Metric]
    end: int
    phased: bool = False
    in_several: bool = False
    done: str = "done"

    @property
    def _group(self) -> str:
        return f"variant, {PHASE}" if self.phased else "variant"

    def behind(self) -> str:
        """How many units have how many whole days behind them.

        Columns: variant, days (`MOST_DAYS` where there are more), units; phase, if there are several.
        """
        days = self.days()
        return f"""\
select {self._group}, {days} as days, count(*) as units
from units
group by {self._group}, {days}"""  # noqa: S608 - columns are our own

    def unit_days(self, most: int) -> str:
        """What each unit did on each day on which it did something and which is over.

        Columns: unit_id, variant, day, days (that the unit has behind it), v0, ... (by metric);
        phase, if there are several.

        Args:
            most: The number of days that are looked at.
        """
        values = ",\n  ".join(f"{self._value(m)} as v{i}" for i, m in enumerate(self.metrics))
        conditions = dict.fromkeys(self.layout.needed(m)[0].condition for m in self.metrics)
        times = ["past", "time", "first_exposure"] if self.layout.is_timed else []
        columns = ", ".join(["unit_id", "variant", "action", *times, *self.layout.carried])
        phase = phase_of = joined = ""
        if self.phased:
            phase, phase_of = f", {PHASE}", f", min({PHASE}) as {PHASE}"
            joined = f"""
  join (select unit_id as of_unit, variant as of_variant, {PHASE} from units) as phases
    on of_unit = unit_id and of_variant = variant"""  # noqa: S608 - columns are our own
        return f"""\
select {unit_of_group(in_several=self.in_several)}, day, min(days) as days{phase_of},
  {values}
from (
  select {columns}{phase},
    {period("time - first_exposure", _DAY)} as day,
    {self.days()} as days
  from {self.done}{joined}
  where past = 0 and ({" or ".join(conditions)})
) as happened
where day < {int(most)} and day < days
group by {unit_key(in_several=self.in_several)}, day"""  # noqa: S608 - literals are quoted

    def sums(self) -> str:
        """The sums of each day, over `unit_days`; of the units that did something on it.

        Columns: variant, day, units, and by metric t0, ... (total), s0, ... (of squares), b0, ... (units
        below 0); phase, if there are several.
        """
        sums = ",\n  ".join(
            f"sum(v{i}) as t{i}, sum(v{i} * v{i}) as s{i}, sum({one_if(f'v{i} < 0')}) as b{i}"
            for i in range(len(self.metrics))
        )
        return f"""\
select {self._group}, day, count(*) as units,
  {sums}
from unit_days
group by {self._group}, day
order by {self._group}, day"""  # noqa: S608 - columns are our own

    def halves(self, length: int) -> str:
        """The sums of the first days and of the others, of the units that have so many behind them.

        Over `unit_days`; of the units that did something. Columns: variant, and by metric e0, l0, ...
        (totals), ee0, el0, ll0, ... (products), a0, ... (units whose sum is above 0); phase, if there are
        several.

        Args:
            length: How many days.
        """
        first = early_days(length)
        zero = number(0.0)
        each = ",\n    ".join(
            f"sum(case when day < {first} then v{i} else {zero} end) as early{i}, "
            f"sum(case when day < {first} then {zero} else v{i} end) as late{i}"
            for i in range(len(self.metrics))
        )
        sums = ",\n  ".join(
            f"sum(early{i}) as e{i}, sum(late{i}) as l{i}, sum(early{i} * early{i}) as ee{i}, "
            f"sum(early{i} * late{i}) as el{i}, sum(late{i} * late{i}) as ll{i}, "
            f"sum({one_if(f'early{i} + late{i} > 0')}) as a{i}"
            for i in range(len(self.metrics))
        )
        phase = f", min({PHASE}) as {PHASE}" if self.phased else ""
        return f"""\
select {self._group},
  {sums}
from (
  select {unit_of_group(in_several=self.in_several)}{phase},
    {each}
  from unit_days
  where days >= {int(length)} and day < {int(length)}
  group by {unit_key(in_several=self.in_several)}
) as by_unit
group by {self._group}
order by {self._group}"""  # noqa: S608 - columns are our own

    def days(self, of: str = "") -> str:
        """The whole days that a unit has behind it, or as many as are ever asked for, as SQL.

        Args:
            of: What the names of the columns begin with.
        """
        whole = period(f"{self.end} - {of}first_exposure", _DAY)
        many = f"{of}first_exposure <= {self.end - MOST_DAYS * _DAY}"
        return f"case when {many} then {MOST_DAYS} else {whole} end"

    def _value(self, metric: Metric) -> str:
        """What a metric is of the rows of one unit and day, as SQL."""
        needed = self.layout.needed(metric)[0]
        when = f"case when {needed.condition} then {needed.value or 1} end"
        if isinstance(metric, Conversion):
            return one_if(f"count({when}) > 0")
        if isinstance(metric, Sum):
            return f"coalesce(sum({when}), {number(0.0)})"
        return f"cast(count({when}) as double)"
