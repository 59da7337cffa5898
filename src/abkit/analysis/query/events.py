"""From what units did to measures per unit, at the end and by period."""

from datetime import timedelta

from attrs import frozen

from abkit.analysis.query.actions import ActionQueries
from abkit.analysis.query.counted_time import window_over
from abkit.analysis.query.covariates import attribute_values, carried
from abkit.analysis.query.grouping import unit_key, unit_of_group
from abkit.analysis.query.layout import Layout
from abkit.analysis.query.periods import microseconds, period
from abkit.analysis.query.unit_columns import UnitColumns


@frozen(kw_only=True)
class EventQueries:
    """The queries of what units did, over the table `units` and those of `ActionQueries`.

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

    @property
    def actions(self) -> ActionQueries:
        """The queries of what units did that counts."""
        return ActionQueries(
            layout=self.layout, unit_type=self.unit_type, until=self.until, cuped=self.cuped
        )

    @property
    def unit_columns(self) -> UnitColumns:
        """The columns of a unit's sums and measures."""
        return UnitColumns(layout=self.layout, cuped=self.cuped is not None)

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
  {self.unit_columns.sums()}
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
  {self.unit_columns.measures("p.", over=self._over)}{attribute_values(self.layout.attributes)}{valueless}
from units u
left join per_unit p on p.unit_id = u.unit_id{same}"""  # noqa: S608

    def by_period(self, length: int, *, source: str, among: str = "") -> str:
        """What each unit did in each period in which it did something.

        What a unit did before its first exposure belongs to the period of that. Columns: unit_id, variant,
        period, new (1 in the period of the first exposure), and those of `UnitColumns.sum_names`: sums of
        what was done in the period alone.

        Args:
            length: Of a period, in microseconds.
            source: As for `per_unit`.
            among: Which units, as SQL; empty: all.
        """
        return f"""\
select {unit_of_group(in_several=self.in_several)}, period, max(new) as new,
        {self.unit_columns.sums()}{self._ripening()}
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
        was = self.unit_columns.measures(
            "was_", prefix="was_", over=lambda w: f"was_{self._ripened(w)}"
        )
        return f"""\
select unit_id, variant{phase}, period, new,
  {self.unit_columns.measures("", over=self._ripened)},
  {was}{carried(self.layout.attributes)}{valueless}
from {running} as running{of_units}"""  # noqa: S608 - literals are quoted

    def running(self, *, source: str) -> str:
        """The sums of each unit at the end of each period in which it did something, and before it.

        Columns: unit_id, variant, period, new, those of `UnitColumns.state_names`, and the same as they were:
        was_a0, ...; and valueless, of the period alone.

        Args:
            source: The query of `by_period`.
        """
        later, before = self.unit_columns.later_names(), self.unit_columns.before_names()
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
            f"sum({name}) over so_far as {name}" for name in self.unit_columns.state_names()
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
        zeros = ", ".join(
            f"cast(0 as double) as {name}" for name in self.unit_columns.state_names()
        )
        return f"""\
select
  {self.unit_columns.measures("", over=self._ripened)}{told}
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


def _where(*conditions: str) -> str:
    """The condition that several hold, those that are not empty, as SQL."""
    told = " and ".join(filter(None, conditions))
    return f" where {told}" if told else ""
