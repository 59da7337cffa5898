"""What is left to ask of units of which is known what they did before: the SQL, in DuckDB's dialect."""

from collections.abc import Mapping, Sequence

from attrs import frozen

from abkit.analysis.query.days import DayQueries
from abkit.analysis.query.events import EventQueries
from abkit.analysis.query.grouping import unit_key, unit_of_group
from abkit.analysis.query.layout import actions_of
from abkit.analysis.query.maturity import MaturityQueries
from abkit.analysis.query.periods import microseconds
from abkit.analysis.query.values import among, number
from abkit.analysis.reading.quoting import literal
from abkit.analysis.statistics.days import DAY
from abkit.experiments.declaring.metrics import ActiveDays, Derived, Retention

_DAY = microseconds(DAY)
_FRESH = "unit_id in (select unit_id from fresh_units)"


@frozen(kw_only=True)
class ContinuedQueries:
    """The queries of what has changed since the days before `since`, which are closed, were summed up.

    The table `known_units` has what each unit, as it was known then, did in those days: the columns of
    `units`, and those of `EventQueries.sum_names`. Of some it does not hold any more: they were exposed to
    another variant, or earlier, or something came late that they had done. `actions` has the number of the
    batch that each action came with.

    Attributes:
        events: The queries of what units did, with `since`.
        length: Of a period, in microseconds.
        columns: The columns of `units`.
        batch: The last batch of actions that is summed up in `known_units`.
        limited: The places of the parts that have limits which the data tell: of these, `known_units` has the
            largest and the smallest value of a unit in closed periods, peak_0, ... and trough_0, ...
        maturity: Tells when units began what `known_units` has as started_0, ...
    """

    events: EventQueries
    length: int
    columns: Sequence[str]
    batch: int
    limited: Sequence[int] = ()
    maturity: MaturityQueries

    @property
    def since(self) -> int:
        """The first moment that is not closed, in microseconds since 1970."""
        return self.events.since or 0

    def unchanged_units(self) -> str:
        """Units of which all holds that is known. Columns: unit_id."""
        same = " and ".join(f"k.{name} is not distinct from u.{name}" for name in self.columns)
        unchanged = f"""\
select k.unit_id as unit_id
from known_units k
join units u on {same}
where k.unit_id not in ({self._late()})"""
        if not self.events.in_several:
            return unchanged
        each = "select unit_id, count(*) as times from {} group by unit_id"
        return f"""\
select same.unit_id as unit_id
from (select unit_id, count(*) as times from ({unchanged}) as found group by unit_id) as same
join ({each.format("known_units")}) as then using (unit_id, times)
join ({each.format("units")}) as now using (unit_id, times)"""

    def fresh_units(self) -> str:
        """Units of which nothing is known, or what does not hold any more. Columns: unit_id."""
        return """\
select distinct unit_id
from units
where unit_id not in (select unit_id from unchanged_units)"""

    def changed_units(self) -> str:
        """Units of which what is known does not hold any more. Columns: unit_id."""
        return """\
select distinct unit_id
from known_units
where unit_id not in (select unit_id from unchanged_units)"""

    def completing(self, part: Derived) -> str | None:
        """All that units did of which some may complete a metric since; None: what is in `done` will do.

        Of an unchanged unit, nothing is asked for unless it did last what completes it. Columns: those of
        `done`.
        """
        if isinstance(part, ActiveDays):  # a day that is closed is another one
            return None
        last = part.returning if isinstance(part, Retention) else actions_of(part)[-1]
        actions = f"""\
(select * from actions
  where {among(actions_of(part))} and (
    unit_id in (select unit_id from fresh_units)
    or unit_id in (
      select unit_id from actions
      where time >= {self.since} and action = {literal(last)}
        and unit_id in (select unit_id from unchanged_units)
    )
  )
)"""
        return self.events.done(source=actions)

    def counted_actions(self, *, earliest: int) -> str:
        """The actions that must be looked at. Columns: those of `actions`.

        Those of the last closed day are there too, as a day since exposure may end in the next one.

        Args:
            earliest: Before this moment nothing of `fresh_units` matters.
        """
        columns = ", ".join(
            ["insert_id", "action", "unit_id", "time", *(c for c, _ in self.events.layout.read)]
        )
        before = self.since - _DAY
        parts = [
            f"where time >= {before} and {among(self.events.layout.actions)}",
            (
                f"where time < {before} and time >= {earliest} and {_FRESH}"
                f" and {among(self.events.layout.actions)}"
            ),
        ]
        return "\nunion all\n".join(f"select {columns}\nfrom actions\n{part}" for part in parts)

    def periods(self) -> str:
        """What each unit did in each period, after all that it did in closed ones.

        Columns: those of `EventQueries.by_period`, and known (1 of what is closed, else 0).
        """
        names = ", ".join(self.events.sum_names())
        last = self.since // self.length - 1
        key = unit_key(in_several=self.events.in_several)
        return f"""\
select unit_id, variant, period, 0 as known, new, {names}
      from by_period
      union all
      select unit_id, variant, {last} as period, 1 as known, 0 as new, {names}
      from known_units
      where unit_id in (select unit_id from unchanged_units)
        and ({key}) in (select ({key}) from by_period)"""

    def per_unit(self) -> str:
        """As `EventQueries.per_unit`: of what is closed, and of what came since."""
        return self._added_up("")

    def known_units(self, until: int) -> str:
        """What is known of each unit once all before a moment is closed. Columns: as of `known_units`.

        Args:
            until: The moment, the first of a period, in microseconds since 1970.
        """
        names = self.events.sum_names()
        columns = ", ".join(f"u.{name} as {name}" for name in self.columns)
        sums = ", ".join(f"coalesce(s.{name}, {number(0.0)}) as {name}" for name in names)
        key = unit_key(in_several=self.events.in_several)
        extremes, joined = "", ""
        if self.limited:
            extremes = "".join(
                f", e.peak_{i} as peak_{i}, e.trough_{i} as trough_{i}" for i in self.limited
            )
            joined = f"\nleft join (\n{self._extremes(until)}\n) as e using ({key})"
        if self.maturity.starts:
            extremes += "".join(f", t.{name} as {name}" for name in self._started)
            same = "t.unit_id = u.unit_id and t.variant = u.variant"
            joined += f"\nleft join (\n{self.started(until)}\n) as t on {same}"
        return f"""\
select {columns}, {sums}{extremes}
from units u
left join (
{self._added_up(f" where period < {until // self.length}")}
) as s using ({key}){joined}
where u.first_exposure < {until}"""

    def beyond_limits(
        self, before: Mapping[int, tuple[float, float]], now: Mapping[int, tuple[float, float]]
    ) -> str:
        """The unchanged units for which other limits make a difference in closed periods. Columns: unit_id.

        Args:
            before: The lower and the upper limit, by the place of the part.
            now: The other ones.
        """
        conditions = []
        for i in self.limited:
            (low, high), (other_low, other_high) = before[i], now[i]
            if high != other_high:
                conditions.append(f"peak_{i} > {number(min(high, other_high))}")
            if low != other_low:
                conditions.append(f"trough_{i} < {number(max(low, other_low))}")
        return f"""\
select unit_id
from known_units
where unit_id in (select unit_id from unchanged_units) and ({" or ".join(conditions) or "1 = 0"})"""

    def started(self, until: int | None = None) -> str:
        """As `MaturityQueries.started`, of what is closed too.

        Args:
            until: What was done before this moment counts, in microseconds since 1970; None: all.
        """
        before = "" if until is None else f"and time < {until}"
        now = self.maturity.started(before=before)
        if self.events.since is None:
            return now
        found = ", ".join(f"min({name}) as {name}" for name in self._started)
        return f"""\
select unit_id, variant, {found}
from (
  {now}
  union all
  select unit_id, variant, {", ".join(self._started)} from known_units
  where unit_id in (select unit_id from unchanged_units)
) as all_started
group by unit_id, variant"""

    @property
    def _started(self) -> Sequence[str]:
        return [f"started_{i}" for i in range(len(self.maturity.starts))]

    def _extremes(self, until: int) -> str:
        """The largest and smallest values of units at the ends of closed periods, from `states`."""
        key = unit_key(in_several=self.events.in_several)
        layout = self.events.layout
        values = {i: [f"m{i}"] for i in self.limited}
        for place, part in enumerate(layout.adjusted):
            if (i := layout.parts.index(part)) in values:
                values[i].append(f"b{place}")
        now = ", ".join(
            f"greatest({', '.join(of)}) as peak_{i}, least({', '.join(of)}) as trough_{i}"
            for i, of in values.items()
        )
        names = [f"{what}_{i}" for i in self.limited for what in ("peak", "trough")]
        found = ", ".join(
            f"{'max' if name.startswith('peak') else 'min'}({name}) as {name}" for name in names
        )
        known = ""
        if self.events.since is not None:
            known = f"""
  union all
  select {key}, {", ".join(names)} from known_units
  where unit_id in (select unit_id from unchanged_units)"""
        return f"""\
select {key}, {found}
from (
  select {key}, {now} from states where period < {until // self.length}{known}
) as seen
group by {key}"""

    def unit_days(self, days: DayQueries, most: int) -> str:
        """As `DayQueries.unit_days`, with days that are closed, which `known_days` has.

        Args:
            days: The queries of days.
            most: The number of days that are looked at.
        """
        values = "".join(f", d.v{i} as v{i}" for i in range(len(days.metrics)))
        phase = ", u.phase as phase" if days.phased else ""
        same = "u.unit_id = d.unit_id and u.variant = d.variant"
        return f"""\
select d.unit_id as unit_id, d.variant as variant, d.day as day, d.days as days{phase}{values}
from (
{days.unit_days(most)}
) as d
join units u on {same}
where u.first_exposure + (d.day + 1) * {_DAY} > {self.since}
  or d.unit_id in (select unit_id from fresh_units)
union all
select d.unit_id, d.variant, d.day, {days.days("u.")}{phase}{values}
from known_days d
join units u on {same}
where d.unit_id in (select unit_id from unchanged_units)"""

    def known_days(self, days: DayQueries, until: int) -> str:
        """The rows of `unit_days` of days that are over before a moment.

        Columns: unit_id, variant, day, v0, ...

        Args:
            days: The queries of days.
            until: The moment.
        """
        values = "".join(f", d.v{i} as v{i}" for i in range(len(days.metrics)))
        return f"""\
select d.unit_id as unit_id, d.variant as variant, d.day as day{values}
from unit_days d
join units u on u.unit_id = d.unit_id and u.variant = d.variant
where u.first_exposure + (d.day + 1) * {_DAY} <= {until}"""

    def _late(self) -> str:
        """The units that did something before `since` that came after it was closed."""
        return f"""\
select unit_id from actions
where batch > {self.batch} and time < {self.since} and {among(self.events.layout.actions)}
  and unit_id is not null"""

    def _added_up(self, where: str) -> str:
        names = self.events.sum_names()
        sums = ",\n  ".join(f"sum({name}) as {name}" for name in names)
        listed = ", ".join(names)
        known = ""
        if self.events.since is not None:
            known = f"""
  union all
  select unit_id, variant, {listed} from known_units
  where unit_id in (select unit_id from unchanged_units)"""
        return f"""\
select {unit_of_group(in_several=self.events.in_several)},
  {sums}
from (
  select unit_id, variant, {listed} from by_period{where}{known}
) as added_up
group by {unit_key(in_several=self.events.in_several)}"""
