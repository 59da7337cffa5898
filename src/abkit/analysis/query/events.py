"""What units did: from their actions to measures per unit."""

from collections.abc import Callable, Collection
from datetime import timedelta

from attrs import evolve, frozen

from abkit.analysis.query.completions import KEY
from abkit.analysis.query.counted_time import window_over
from abkit.analysis.query.covariates import attribute_values, carried
from abkit.analysis.query.grouping import unit_key, unit_of_group
from abkit.analysis.query.layout import Accumulator, Layout
from abkit.analysis.query.periods import microseconds, period
from abkit.analysis.query.values import among, one_if
from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.quoting import literal


@frozen(kw_only=True)
class EventQueries:
    """The queries of what units did, over the tables `units` and `actions`.

    Attributes:
        layout: Which measures are wanted.
        unit_type: What is randomized, such as "org" or "user".
        until: Actions count before this microsecond since 1970; None: all.
        cuped: The length of the time before the first exposure that CUPED looks at; None: no CUPED.
        segments: How many columns tell units apart.
        in_several: Whether a unit may be in several variants.
        phased: Whether the units were drawn with different weights, and have a phase.
        end: The last moment of the data, in microseconds since 1970: for a metric that waits for a window,
            a unit counts if it is over by then. None: no unit does.
        since: What is asked for begins at this microsecond, the first of a period, for all units but
            `fresh_units`: of the others, `known_units` has what they did before. None: nothing is known.
    """

    layout: Layout
    unit_type: str
    until: int | None = None
    cuped: timedelta | None = None
    segments: int = 0
    in_several: bool = False
    phased: bool = False
    end: int | None = None
    since: int | None = None

    def columns(self, *, own_unit: bool) -> list[Column]:
        """What is needed of the table of actions.

        Args:
            own_unit: Whether the table has a column of the units' ids; else they are among its users
                or its groups.
        """
        if own_unit:
            unit = Column(name="unit_id", kind=Kind.TEXT, source="unit_id", required=True)
        elif self.unit_type == "user":
            unit = Column(
                name="unit_id",
                kind=Kind.TEXT,
                source="user_id",
                required=True,
                elsewhere=("unit_id",),
            )
        else:
            unit = Column(
                name="unit_id",
                kind=Kind.TEXT,
                source="groups",
                key=self.unit_type,
                required=True,
                elsewhere=("unit_id", self.unit_type),
            )
        return [
            Column(name="insert_id", kind=Kind.TEXT, source="insert_id"),
            Column(name="action", kind=Kind.TEXT, source="action", required=True),
            unit,
            Column(name="time", kind=Kind.INSTANT, source="time", required=True),
            *(
                Column(
                    name=f"value_{i}",
                    kind=Kind.NUMBER,
                    source="properties",
                    key=key,
                    when=("action", (action,)),
                    required=True,
                    elsewhere=(key,),
                    strict=False,
                )
                for i, (action, key) in enumerate(self.layout.values)
            ),
            *(_text_column(f"text_{i}", *pair) for i, pair in enumerate(self.layout.texts)),
            *self.layout.filters.columns(),
        ]

    def nothing(self) -> str:
        """The table of actions where there was none yet."""
        values = "".join(f", cast(null as {type_}) as {name}" for name, type_ in self.layout.read)
        return f"""\
select cast(null as varchar) as insert_id, cast(null as varchar) as action,
  cast(null as varchar) as unit_id, cast(null as bigint) as time{values}
from units
where unit_id is null"""  # noqa: S608 - columns are our own

    def once(self) -> str:
        """The actions, each once: what was delivered twice has one insert_id. Columns: as `actions`."""
        values = [name for name, _ in self.layout.read]
        plain = "".join(f", {value}" for value in values)
        largest = "".join(f", max({value}) as {value}" for value in values)
        return f"""\
select insert_id, action, unit_id, time{plain}
from actions
where insert_id is null and {among(self.layout.actions)}
union all
select insert_id, action, unit_id, min(time) as time{largest}
from actions
where insert_id is not null and {among(self.layout.actions)}
group by insert_id, action, unit_id"""  # noqa: S608 - literals are quoted

    def done(self, *, source: str) -> str:
        """What each unit did that counts.

        Columns: unit_id, variant, action, time, first_exposure, past (1 before the exposure, else 0),
        and those of `Layout.carried` and `Layout.texts`.

        Args:
            source: The table of the actions.
        """
        layout = self.layout
        taken = [f"a.value_{i} as value_{i}" for i in range(len(layout.values))]
        taken += [f"a.text_{i} as text_{i}" for i in range(len(layout.texts))]
        values = "".join(f",\n  {each}" for each in (*taken, *layout.filters.told("a.")))
        conditions = [f"a.{among(self.layout.actions)}", f"a.time >= {self._earliest()}"]
        reach = self.layout.reach
        if reach is not None:
            conditions.append(f"a.time < u.first_exposure + {microseconds(reach)}")
        if self.until is not None:
            conditions.append(f"a.time < {self.until}")
        condition = "\n  and ".join(conditions)
        return f"""\
select
  u.unit_id as unit_id,
  u.variant as variant,
  u.first_exposure as first_exposure,
  a.action as action,
  a.time as time,
  case when a.time < u.first_exposure then 1 else 0 end as past{values}
from {source} a
join units u on u.unit_id = a.unit_id
where {condition}"""  # noqa: S608 - literals are quoted

    def progress(self) -> str:
        """What each unit did, and what it completed by it.

        Columns: those of `done` that the accumulators need, and completes (the number of the metric
        among `Layout.derived` that the row completes; null for others).
        """
        values = self.layout.carried
        plain = "".join(f", {value}" for value in values)
        nothing = "".join(f", cast(null as double) as {value}" for value in values)
        parts = [
            f"select {KEY}, action, time, past, cast(null as bigint) as completes{plain}\nfrom done"
        ]
        for i, part in enumerate(self.layout.derived):
            past = "past" if part in self.layout.adjusted else "0 as past"
            columns = f"{KEY}, cast(null as varchar) as action, time, {past}, {i} as completes"
            parts.append(f"select {columns}{nothing}\nfrom completed_{i}")
        return "\nunion all\n".join(parts)

    def per_unit(self, *, source: str) -> str:
        """Sums over the rows of each unit that did something.

        Columns: unit_id, variant, a0, ... (accumulators after the exposure) and, with CUPED, past_0,
        ... (those before it) and present_0, ... (1 if there was any of the actions of a metric); and, if
        metrics add up properties, valueless (actions that count and lack theirs).

        Args:
            source: Where the rows are: `done`, or `progress` if something must be completed.
        """
        return f"""\
select {unit_of_group(in_several=self.in_several)},
  {self._accumulated()}
from {source}
group by {unit_key(in_several=self.in_several)}"""  # noqa: S608 - literals are quoted

    def measured(self) -> str:
        """The measures of each unit, from `units` and `per_unit`.

        Columns: unit_id, variant, segment_0, ..., m0, ... and, with CUPED, b0, ... and present_0, ...;
        c0, ... of its attributes; phase, if there are several; and valueless, as `per_unit` has it.
        """
        segments = "".join(f",\n  u.segment_{i} as segment_{i}" for i in range(self.segments))
        phase = ",\n  u.phase as phase" if self.phased else ""
        valueless = ",\n  p.valueless as valueless" if self.layout.values else ""
        same = " and p.variant = u.variant" if self.in_several else ""
        return f"""\
select
  u.unit_id as unit_id,
  u.variant as variant{phase}{segments},
  {self._measures("p.", over=self._over)}{attribute_values(self.layout.attributes)}{valueless}
from units u
left join per_unit p on p.unit_id = u.unit_id{same}"""  # noqa: S608

    def by_period(self, length: int, *, source: str, among: str = "") -> str:
        """What each unit did in each period in which it did something.

        What a unit did before its first exposure belongs to the period of that. Columns: unit_id, variant,
        period, new (1 in the period of the first exposure), and those of `sum_names`: sums of what was
        done in the period alone.

        Args:
            length: Of a period, in microseconds.
            source: As for `per_unit`.
            among: Which units, as SQL; empty: all.
        """
        return f"""\
select {unit_of_group(in_several=self.in_several)}, period, max(new) as new,
        {self._accumulated()}{self._ripening()}
      from (
        {self._happened(length, source=source, among=among)}
      ) as happened
      group by {unit_key(in_several=self.in_several)}, period"""  # noqa: S608 - literals are quoted

    def states(self, *, source: str) -> str:
        """The measures of each unit at the end of each period in which it did something.

        Columns: unit_id, variant, period, new (1 in the period of the first exposure), m0, ... and, with
        CUPED, b0, ... and present_0, ...; and the same as they were before the period: was_m0, ...; phase, if
        there are several; and valueless, as `per_unit` has it, of the period alone.

        Args:
            source: The query of `by_period`.
        """
        return self.states_of(f"(\n{self.running(source=source)}\n)")

    def states_of(self, running: str) -> str:
        """The same, from `running`.

        Args:
            running: Its table, or its query in brackets.
        """
        phase = ", phase" if self.phased else ""
        values = attribute_values(self.layout.attributes)
        of_units = ""
        if self.phased or values:
            of_phase = ", u.phase as phase" if self.phased else ""
            of_units = f"""
join (select u.unit_id as of_unit, u.variant as of_variant{of_phase}{values}
  from units u) as of_units
  on of_unit = unit_id and of_variant = variant"""  # noqa: S608 - literals are quoted
        valueless = ", valueless" if self.layout.values else ""
        was = self._measures("was_", prefix="was_", over=lambda w: f"was_{self._ripened(w)}")
        return f"""\
select unit_id, variant{phase}, period, new,
  {self._measures("", over=self._ripened)},
  {was}{carried(self.layout.attributes)}{valueless}
from {running} as running{of_units}"""  # noqa: S608 - literals are quoted

    def running(self, *, source: str) -> str:
        """The sums of each unit at the end of each period in which it did something, and before it.

        Columns: unit_id, variant, period, new, those of `state_names`, and the same as they were: was_a0,
        ...; and valueless, of the period alone.

        Args:
            source: The query of `by_period`.
        """
        later, before = self._later_names(), self._before_names()
        key = unit_key(in_several=self.in_several)
        # As it was, to the last digit: what is left after taking away what came may not be that.
        states = ",\n    ".join(
            [
                *(
                    f"{name}, coalesce(lag({name}) over (partition by {key} order by period), "
                    f"cast(0 as double)) as was_{name}"
                    for name in later
                ),
                # All that was before the exposure came in one period.
                *(
                    f"{name}, case when new = 1 then cast(0 as double) else {name} end as was_{name}"
                    for name in before
                ),
            ]
        )
        running = ",\n      ".join(
            f"sum({name}) over so_far as {name}" for name in self.state_names()
        )
        valueless = ", valueless" if self.layout.values else ""
        return f"""\
  select unit_id, variant, period, new{valueless},
    {states}
  from (
    select unit_id, variant, period, new{valueless},
      {running}
    from (
      {source}
    ) as by_period
    window so_far as (
      partition by {key} order by period
      rows between unbounded preceding and current row
    )
  ) as summed"""  # noqa: S608 - literals are quoted

    def idle(self) -> str:
        """The measures of a unit that has done nothing: one row, with m0, ... as `states` has them.

        Where units have attributes, there is none that is in no row of `states`.
        """
        told = "".join(
            f",\n  cast(0 as double) as c{i}" for i in range(len(self.layout.attributes))
        )
        zeros = ", ".join(f"cast(0 as double) as {name}" for name in self.state_names())
        return f"""\
select
  {self._measures("", over=self._ripened)}{told}
from (
  select {zeros}
) as zeros"""  # noqa: S608 - columns are our own

    def _happened(self, length: int, *, source: str, among: str) -> str:
        """What each unit did, by period; and when the windows were over that some metric waits for.

        Columns: those of the rows that the accumulators need, period, new, and ripens (the number of the
        window among `Layout.waits_for` that is over; null for what was done).
        """
        layout = self.layout
        values = layout.carried
        times = ["time", "first_exposure"] if layout.is_timed else []
        completes = ["completes"] if layout.derived else []
        first = period("first_exposure", length)
        then = period("time", length)
        columns = ", ".join(["action", "past", *times, *completes, *values])
        ripens = ", cast(null as bigint) as ripens" if layout.waits_for else ""
        did = f"""\
select unit_id, variant, case when past = 1 then {first} else {then} end as period,
          case when past = 1 or {first} = {then} then 1 else 0 end as new, {columns}{ripens}
        from {source}{_where(self._asked_for("time"), among)}"""  # noqa: S608 - columns are our own
        nothing = ", ".join(
            [
                "cast(null as varchar) as action",
                "cast(null as bigint) as past",
                *(f"cast(null as bigint) as {name}" for name in [*times, *completes]),
                *(f"cast(null as double) as {name}" for name in values),
            ]
        )
        over = []
        if layout.attributes:  # Units that did nothing differ too.
            asked_for = _where(self._asked_for("first_exposure"), among)
            over.append(f"""\
select unit_id, variant, {first} as period, 1 as new, {nothing}{ripens}
        from units{asked_for}""")  # noqa: S608 - columns are our own
        for i, window in enumerate(layout.waits_for):
            # What ends with a period is over in it: its end is the beginning of the next one.
            last = f"first_exposure + {microseconds(window) - 1}"
            then = period(last, length)
            over.append(f"""\
select unit_id, variant, {then} as period,
          case when {first} = {then} then 1 else 0 end as new, {nothing}, {i} as ripens
        from units{_where(self._over(window, ""), self._asked_for(last), among)}""")  # noqa: S608
        return "\n        union all\n        ".join([did, *over])

    def _asked_for(self, moment: str) -> str:
        """Whether what happened at a moment is asked for, as SQL; nothing if all is."""
        if self.since is None:
            return ""
        fresh = "unit_id in (select unit_id from fresh_units)"
        return f"({moment} >= {self.since} or {fresh})"

    def _ripening(self) -> str:
        """Whether a window was over in a period that some metric waits for, as SQL: ripe_0, ..."""
        return "".join(
            f",\n  cast(count(case when ripens = {i} then 1 end) as double) as ripe_{i}"
            for i in range(len(self.layout.waits_for))
        )

    def _ripened(self, window: timedelta) -> str:
        return f"ripe_{self.layout.waits_for.index(window)} > 0"

    def _over(self, window: timedelta, of: str = "u.") -> str:
        return window_over(window, end=self.end, of=of)

    def _accumulated(self) -> str:
        now = [
            f"{_summed(a, past=0 if self.cuped else None)} as a{i}"
            for i, a in enumerate(self.layout.accumulators)
        ]
        if self.layout.values:
            count = _count(self.layout.without_value(), past=None)
            now.append(f"cast({count} as double) as valueless")
        if not self.cuped:
            return ",\n  ".join(now)
        past = [
            f"{_summed(self.layout.accumulators[i], past=1)} as past_{i}"
            for i in self._past_accumulators()
        ]
        present = [
            # Counted as the accumulators are, so that a database does it once where there is such a one.
            f"{one_if(' or '.join(map(_did_before, actions)))} as present_{i}"
            for i, actions in enumerate(self.layout.presences)
        ]
        return ",\n  ".join([*now, *past, *present])

    def _measures(self, of: str, *, over: Callable[[timedelta], str], prefix: str = "") -> str:
        """The measures of each unit, as SQL; null where a metric waits for its window.

        Args:
            of: What the names of the accumulators begin with.
            over: Whether a unit's window is over, as SQL.
            prefix: What the names of the measures begin with.
        """
        layout = self.layout

        def counting(measure: str, after: timedelta | None) -> str:
            return measure if after is None else f"case when {over(after)} then {measure} end"

        now = [
            f"{counting(layout.measure(part, of=f'{of}a'), layout.counts_after(part))} as {prefix}m{i}"
            for i, part in enumerate(layout.parts)
        ]
        if not layout.adjusted:
            return ",\n  ".join(now)
        past = [
            f"{counting(layout.measure(part, of=f'{of}past_'), layout.counts_after(part))} as {prefix}b{i}"
            for i, part in enumerate(layout.adjusted)
        ]
        present = [
            f"{counting(f'coalesce({of}present_{i}, cast(0 as double))', after)} as {prefix}present_{i}"
            for i, (_, after) in enumerate(layout.presences_after)
        ]
        return ",\n  ".join([*now, *past, *present])

    def _past_accumulators(self) -> Collection[int]:
        layout = self.layout
        needed = (a for part in layout.adjusted for a in layout.needed(part))
        return sorted({layout.accumulators.index(a) for a in needed})

    def state_names(self) -> list[str]:
        """The columns of `by_period` that are summed up over a unit's periods."""
        return [*self._later_names(), *self._before_names()]

    def sum_names(self) -> list[str]:
        """The columns of `by_period` that are sums."""
        return [*self.state_names(), *(["valueless"] if self.layout.values else [])]

    def _later_names(self) -> list[str]:
        """The columns of a unit's state that may change in each period."""
        now = [f"a{i}" for i in range(len(self.layout.accumulators))]
        return [*now, *(f"ripe_{i}" for i in range(len(self.layout.waits_for)))]

    def _before_names(self) -> list[str]:
        """The columns of what a unit did before its exposure: they change in the period of that only."""
        if not self.cuped:
            return []
        past = [f"past_{i}" for i in self._past_accumulators()]
        return [*past, *(f"present_{i}" for i in range(len(self.layout.presences)))]

    def _earliest(self) -> str:
        if self.cuped is None:
            return "u.first_exposure"
        return f"u.first_exposure - {microseconds(self.cuped)}"


def _text_column(name: str, action: str, key: str) -> Column:
    """A property of actions as a text; their user is a column of the table itself."""
    column = Column(
        name=name, kind=Kind.TEXT, source="user_id", when=("action", (action,)), required=True
    )
    return (
        column
        if key == "user_id"
        else evolve(column, source="properties", key=key, elsewhere=(key,))
    )


def _where(*conditions: str) -> str:
    """The condition that several hold, those that are not empty, as SQL."""
    told = " and ".join(filter(None, conditions))
    return f" where {told}" if told else ""


def _did_before(action: str) -> str:
    """Whether a unit did an action before its exposure, of its rows as SQL."""
    return f"{_count(f'action = {literal(action)}', past=1)} > 0"


def _count(condition: str, *, past: int | None) -> str:
    when = "" if past is None else f" and past = {past}"
    return f"count(case when {condition}{when} then 1 end)"


def _summed(accumulator: Accumulator, *, past: int | None) -> str:
    when = "" if past is None else f" and past = {past}"
    if accumulator.value is None:
        return f"cast({_count(accumulator.condition, past=past)} as double)"
    summed = f"sum(case when {accumulator.condition}{when} then {accumulator.value} end)"
    return f"coalesce({summed}, cast(0 as double))"
