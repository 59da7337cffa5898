"""What is left to ask of units of which is known what they did before: the SQL, in DuckDB's dialect."""

from collections.abc import Collection, Sequence

from attrs import evolve, frozen

from abkit.analysis.query.events import EventQueries
from abkit.analysis.query.grouping import unit_key, unit_of_group
from abkit.analysis.query.layout import Layout
from abkit.analysis.query.maturity import MaturityQueries
from abkit.analysis.query.values import among, number
from abkit.analysis.reading.quoting import literal
from abkit.analysis.store.closed.closed_days import AT_ONCE
from abkit.analysis.store.closed.unit_conditions import FRESH, UNCHANGED
from abkit.analysis.store.closed.value_keys import ValueKeys
from abkit.experiments.declaring.metrics import Distinct


@frozen(kw_only=True)
class ContinuedQueries:
    """The queries of what has changed since the days before `since`, which are closed, were summed up.

    The table `known_units` has what each unit, as it was known then, did in those days: the columns of
    `units`, those of `UnitColumns.state_names`, those of `BeyondLimits.extremes`, and started_0, ... (when
    it began what takes time). Of some it does not hold any more: they were exposed to another variant, or
    earlier, or something came late that they had done; these are `changed_units`. They, and the units of
    which nothing is known, are `fresh_units`. `actions` has the number of the batch that each action came
    with.

    Attributes:
        events: The queries of what units did, with `since`.
        length: Of a period, in microseconds.
        columns: The columns of `units`.
        batch: The last batch of actions that is summed up in `known_units`.
        over: The days since exposure that ended until this moment are in `known_days`, in microseconds since
            1970.
        maturity: Tells when units began what `known_units` has as started_0, ...
        keys: How known values of units are told apart.
    """

    events: EventQueries
    length: int
    columns: Sequence[str]
    batch: int
    over: int
    maturity: MaturityQueries
    keys: ValueKeys

    @property
    def since(self) -> int:
        """The first moment that is not closed, in microseconds since 1970."""
        return self.events.since or 0

    @property
    def layout(self) -> Layout:
        """The measures."""
        return self.events.layout

    def changed_units(self) -> str:
        """Units of which what is known does not hold any more. Columns: unit_id.

        It groups, and joins nothing: a database that guesses how many rows are alike in several columns
        guesses so few that it compares each with each.
        """
        columns = ", ".join(self.columns)
        return f"""\
select distinct unit_id
from (
  select unit_id
  from (
    select {columns}, max(was) as was, max(is_now) as is_now
    from (
      select {columns}, 1 as was, 0 as is_now from known_units
      union all
      select {columns}, 0 as was, 1 as is_now from units
    ) as known_and_now
    group by {columns}
  ) as told
  where was <> is_now
  union all
  select unit_id
  from actions
  where batch > {self.batch} and time < {self.since} and {among(self.layout.actions)}
) as changed
where unit_id in (select unit_id from known_units)"""

    def fresh_units(self) -> str:
        """Units of which nothing is known, or what does not hold any more. Columns: unit_id."""
        return """\
select distinct unit_id
from units
where unit_id not in (select unit_id from known_units)
  or unit_id in (select unit_id from changed_units)"""

    def counted_actions(self, *, earliest: int) -> str:
        """The actions that must be looked at. Columns: those of `actions`.

        Args:
            earliest: Before this moment nothing of `fresh_units` matters.
        """
        return self.actions_since(self.since, earliest=earliest, actions=self.layout.actions)

    def by_period(self, rows: str) -> str:
        """What each unit did in each period that is asked for. Columns: as of `EventQueries.by_period`.

        Args:
            rows: The table of what units did.
        """
        events, length = self.events, self.length
        if events.since is None:
            return events.by_period(length, source=rows)
        names = events.unit_columns.sum_names()
        columns = f"unit_id, variant, period, new, {', '.join(names)}"
        # Of the others, nothing that was before their exposure is new.
        others = evolve(events, cuped=None)
        there = {*others.unit_columns.sum_names()}
        told = ", ".join(n if n in there else f"{number(0.0)} as {n}" for n in names)
        return f"""\
select {columns}
from (
{events.by_period(length, source=rows, among=FRESH)}
) as of_fresh
union all
select unit_id, variant, period, new, {told}
from (
{others.by_period(length, source=rows, among=f"not {FRESH}")}
) as of_others"""

    def running(self, periods: Sequence[int]) -> str:
        """As `EventQueries.running`, of what came after what is closed.

        Args:
            periods: Those that are not closed and in which something was done, in order.
        """
        fresh = self.events.running(source=f"select * from by_period where {FRESH}")
        others = (self._running_in(i, periods) for i in range(len(periods)))
        return "\nunion all\n".join([fresh, *others])

    def touched_units(self, until: int | None = None) -> str:
        """The sums of all that each unit of `by_period` did, with what is closed. Columns: as of `per_unit`.

        Args:
            until: What was done in periods before this moment counts, in microseconds since 1970; None: all.
        """
        names = self.events.unit_columns.state_names()
        before = "" if until is None else f" where period < {until // self.length}"
        key = unit_key(in_several=self.events.in_several)
        if self.events.since is None:
            sums = ",\n  ".join(f"sum({name}) as {name}" for name in names)
            return f"""\
select {unit_of_group(in_several=self.events.in_several)},
  {sums}
from by_period{before}
group by {key}"""
        listed = ", ".join(f"r.{name} as {name}" for name in names)
        return f"""\
select r.unit_id as unit_id, r.variant as variant, {listed}
from running r
join (
  select {key}, max(period) as period from running{before} group by {key}
) as latest on {self.same_unit("latest", "r")} and latest.period = r.period"""

    def per_unit(self) -> str:
        """As `EventQueries.per_unit`, without valueless: of what is closed, and of what came since."""
        names = self.events.unit_columns.state_names()
        valueless = f", {number(0.0)} as valueless" if self.layout.values else ""
        touched = f"select unit_id, variant, {', '.join(names)} from touched_units"
        if self.events.since is not None:
            touched += f"\nunion all\n{self._known_but('touched_units', names)}"
        return f"select told.*{valueless}\nfrom (\n{touched}\n) as told"

    def with_segments(self, states: str) -> str:
        """The states of units, with the segments of these."""
        if not self.events.segments:
            return states
        segments = ", ".join(f"u.segment_{i} as segment_{i}" for i in range(self.events.segments))
        return f"""\
select s.*, {segments}
from (
{states}
) as s
join units u on u.unit_id = s.unit_id and u.variant = s.variant"""

    def known_at_once(self, condition: str, column: str, values: Collection[str | None]) -> str:
        """What known units did in all closed days, as if it had been in one period.

        Columns: those of `by_period`.

        Args:
            condition: Which units, as SQL.
            column: The column of a segment.
            values: The values of it that are looked at.
        """
        names = ", ".join(self.events.unit_columns.state_names())
        valueless = f", {number(0.0)} as valueless" if self.layout.values else ""
        texts = ", ".join(literal(value) for value in values if value is not None)
        conditions = [f"{column} in ({texts})"] if texts else []
        conditions += [f"{column} is null"] if None in values else []
        return f"""\
select unit_id, variant, {AT_ONCE} as period, 1 as new, {names}{valueless}
from known_units
where {condition} and ({" or ".join(conditions) or "1 = 0"})"""

    def started(self) -> str:
        """As `MaturityQueries.started`, of what is closed too."""
        if self.events.since is None:
            return self.maturity.started()
        return (
            f"{self.started_of('done')}\nunion all\n{self._known_but('done', self.started_names)}"
        )

    def started_of(self, touched: str, *, before: str = "") -> str:
        """As `started`, of units that did something since.

        Args:
            touched: The table of these units.
            before: As for `MaturityQueries.started`.
        """
        now = self.maturity.started(before=before)
        if self.events.since is None:
            return now
        found = ", ".join(f"min({name}) as {name}" for name in self.started_names)
        return f"""\
select unit_id, variant, {found}
from (
  {now}
  union all
  {self.known_of(touched, ", ".join(f"k.{name} as {name}" for name in self.started_names))}
) as all_started
group by unit_id, variant"""

    @property
    def distinct(self) -> Sequence[int]:
        """The places of the metrics of different values among `Layout.derived`."""
        parts = enumerate(self.layout.derived)
        return [i for i, part in parts if isinstance(part, Distinct)]

    @property
    def started_names(self) -> Sequence[str]:
        """The columns of `started`."""
        return [f"started_{i}" for i in range(len(self.maturity.starts))]

    def actions_since(self, moment: int, *, earliest: int, actions: Sequence[str]) -> str:
        """The actions since a moment, and those of `fresh_units` since an earlier one."""
        columns = ", ".join(
            ["insert_id", "action", "unit_id", "time", *(c for c, _ in self.layout.read)]
        )
        parts = [
            f"where time >= {moment}",
            f"where time < {moment} and time >= {earliest} and {FRESH}",
        ]
        return "\nunion all\n".join(
            f"select {columns}\nfrom actions\n{part} and {among(actions)}" for part in parts
        )

    def _running_in(self, place: int, periods: Sequence[int]) -> str:
        """The rows of `running` of known units in one of the periods."""
        later = range(place)  # the periods between what is closed and this one
        changing, names = {*evolve(self.events, cuped=None).unit_columns.state_names()}, []
        for name in self.events.unit_columns.state_names():
            added = [f" + coalesce(p{i}.{name}, {number(0.0)})" for i in later]
            was = f"k.{name}{''.join(added)}" if name in changing else f"k.{name}"
            now = f"{was} + r.{name}" if name in changing else was
            names.append(f"{now} as {name}, {was} as was_{name}")
        joined = "".join(
            f"\nleft join by_period p{i} on {self.same_unit(f'p{i}', 'r')} and p{i}.period = {periods[i]}"
            for i in later
        )
        valueless = ", r.valueless as valueless" if self.layout.values else ""
        return f"""\
select r.unit_id as unit_id, r.variant as variant, r.period as period, r.new as new{valueless},
  {", ".join(names)}
from by_period r
join known_units k on {self.same_unit("k", "r")}{joined}
where r.period = {periods[place]} and r.unit_id not in (select unit_id from fresh_units)"""

    def known_of(self, source: str, columns: str) -> str:
        """The rows of `known_units` that hold, of units of a table: unit_id, variant and other columns."""
        key = unit_key(in_several=self.events.in_several)
        return f"""\
select k.unit_id as unit_id, k.variant as variant, {columns}
from known_units k
join (select distinct {key} from {source}) as came on {self.same_unit("came", "k")}
where k.{UNCHANGED}"""

    def _known_but(self, table: str, names: Sequence[str]) -> str:
        """The rows of `known_units` that hold, of units that are not in a table."""
        key = unit_key(in_several=self.events.in_several)
        listed = ", ".join(f"k.{name} as {name}" for name in names)
        return f"""\
select k.unit_id as unit_id, k.variant as variant, {listed}
from known_units k
left join (select distinct {key} from {table}) as came on {self.same_unit("came", "k")}
where came.unit_id is null and k.{UNCHANGED}"""

    def same_unit(self, one: str, other: str) -> str:
        """Whether rows of two tables are of one unit, as SQL."""
        columns = unit_key(in_several=self.events.in_several).split(", ")
        return " and ".join(f"{one}.{column} = {other}.{column}" for column in columns)
