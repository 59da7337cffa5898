"""When units completed what takes several actions: a funnel, a return."""

from collections.abc import Callable
from typing import TypeAlias

from abkit.analysis.query.periods import microseconds
from abkit.analysis.reading.quoting import literal
from abkit.experiments.declaring.metrics import Funnel, Retention

KEY = "unit_id, variant, first_exposure"
"""What tells the unit of a completion."""

Counted: TypeAlias = Callable[[str], str]
"""Whether a row of `done` is one of a metric's actions, and counts for it, as SQL; by the action's name."""

_OF_UNIT = "partition by unit_id, variant"


def returns(part: Retention, counted: Counted, *, source: str) -> str:
    """The first return of each unit in the n-th period after its first start.

    Columns: unit_id, variant, first_exposure, time.

    Args:
        part: The retention.
        counted: Which rows count as one of its actions.
        source: The table of what units did, such as `done`.
    """
    length = microseconds(part.period.length)
    return f"""\
select r.unit_id as unit_id, r.variant as variant, r.first_exposure as first_exposure,
  min(r.time) as time
from (
  select {KEY}, time
  from {source}
  where past = 0 and {counted(part.returning)}
) as r
join (
  select unit_id, variant, min(time) as started
  from {source}
  where past = 0 and {counted(part.start)}
  group by unit_id, variant
) as s on s.unit_id = r.unit_id and s.variant = r.variant
where r.time >= s.started + {part.n * length} and r.time < s.started + {(part.n + 1) * length}
group by r.unit_id, r.variant, r.first_exposure"""  # noqa: S608 - literals are quoted


def steps(part: Funnel, counted: Counted, *, source: str) -> str:
    """The actions of a funnel's steps, in one order for all engines.

    Actions of one moment are in the order of the steps, as if one had been done after the other: exports
    have whole seconds. Of an action that is several steps, the first one of the moment is its first step.

    Columns: unit_id, variant, first_exposure, action, time, place (1, 2, ... of each unit).

    Args:
        part: The funnel.
        counted: Which rows count as one of its actions.
        source: The table of what units did, such as `done`.
    """
    actions = dict.fromkeys(part.steps)
    turns, roles = [], []
    for action in actions:
        own = [i for i, step in enumerate(part.steps) if step == action]
        is_it = f"action = {literal(action)}"
        turn = f"cast(again - again % {len(own)} as double) / {len(own)}"
        turns.append(f"when {is_it} then {turn}")
        roles += [f"when {is_it} and again % {len(own)} = {i} then {s}" for i, s in enumerate(own)]
    return f"""\
select {KEY}, action, time,
  row_number() over ({_OF_UNIT} order by time, turn, step) as place
from (
  select {KEY}, action, time,
    case {" ".join(turns)} end as turn,
    case {" ".join(roles)} end as step
  from (
    select {KEY}, action, time,
      row_number() over ({_OF_UNIT}, action, time order by time) - 1 as again
    from {source}
    where past = 0 and ({" or ".join(map(counted, actions))})
  ) as counted
) as told"""  # noqa: S608 - literals are quoted


def ways(part: Funnel, *, source: str) -> str:
    """The shortest ways through a funnel: to each last step from the latest first step before it.

    Ways may overlap. A step is completed by the first such action after a completion of the steps before it.

    Columns: unit_id, variant, first_exposure, time and place (of the last step), began (the place of
    the first step).

    Args:
        part: The funnel.
        source: The table of `steps`.
    """
    way = f"""\
select {KEY}, time, place, time as started, place as began
from {source}
where action = {literal(part.steps[0])}"""  # noqa: S608 - literals are quoted
    for step in part.steps[1:]:
        # At one place, the step comes before what it could follow: an action cannot follow itself.
        before = f"over ({_OF_UNIT} order by place, follows)"
        way = f"""\
select {KEY}, time, place, before_started as started, before_began as began
from (
  select {KEY}, time, place, follows,
    lag(follows) {before} as before_follows,
    lag(started) {before} as before_started,
    lag(began) {before} as before_began
  from (
    select {KEY}, time, place, cast(null as bigint) as started, cast(null as bigint) as began,
      0 as follows
    from {source}
    where action = {literal(step)}
    union all
    select {KEY}, time, place, started, began, 1 as follows
    from (
{way}
    ) as completed
  ) as together
) as paired
where follows = 0 and before_follows = 1"""  # noqa: S608 - literals are quoted
    within = ""
    if part.within is not None:
        within = f"\nwhere time - started <= {microseconds(part.within)}"
    return f"""\
select {KEY}, time, place, began
from (
{way}
) as completed{within}"""  # noqa: S608 - columns are our own


def first_way(*, source: str) -> str:
    """When each unit first completed a funnel, from its `ways`.

    Columns: unit_id, variant, first_exposure, time.
    """
    return f"select {KEY}, min(time) as time\nfrom {source}\ngroup by {KEY}"


def numbered(*, source: str) -> str:
    """The `ways` of each unit by number.

    Columns: unit_id, variant, first_exposure, time, place, began, way (1, 2, ... of each unit), alone (1
    if it begins after the end of the way before it, else 0).

    Args:
        source: The table of `ways`.
    """
    before = f"lag(place) over ({_OF_UNIT} order by place)"
    return f"""\
select {KEY}, time, place, began,
  row_number() over ({_OF_UNIT} order by place) as way,
  case when began > coalesce({before}, 0) then 1 else 0 end as alone
from {source}"""  # noqa: S608 - columns are our own


def longest(*, source: str) -> str:
    """The most ways of a unit of which each overlaps the one before it; one row. Column: ways.

    Args:
        source: The table of `numbered`.
    """
    return f"""\
select max(ways) as ways
from (
  select count(*) as ways
  from (
    select unit_id, variant, sum(alone) over ({_OF_UNIT} order by way) as bundle
    from {source}
  ) as bundled
  group by unit_id, variant, bundle
) as counted"""  # noqa: S608 - columns are our own


def following(*, source: str) -> str:
    """The ways of each unit, and after each the first one that begins after its end.

    Columns: unit_id, variant, first_exposure, time, way, next_way (null if there is none), chosen (1 if
    the way overlaps none before it, so that it counts whatever others do; else 0).

    Args:
        source: The table of `numbered`.
    """
    return f"""\
select {KEY}, time, way, next_way, alone as chosen
from (
  select {KEY}, time, way, alone, side,
    min(case when side = 0 then way end) over (
      {_OF_UNIT} order by at_place, side rows between current row and unbounded following
    ) as next_way
  from (
    select {KEY}, time, way, alone, side, case when side = 0 then began else place end as at_place
    from {source}
    cross join {_SIDES}
  ) as both_ends
) as seen
where side = 1"""  # noqa: S608 - columns are our own


def further(*, source: str) -> str:
    """The same after twice as many ways: what follows a chosen way is chosen too.

    It reads its source once: who reads a query twice, and that one its own twice, reads the first one a
    thousand times after ten rounds, where an engine does not keep it.

    Args:
        source: The table of `following`, or of this.
    """
    at_way = f"{_OF_UNIT}, at_way"
    return f"""\
select {KEY}, min(time) as time, way,
  max(case when side = 1 then given end) as next_way,
  max(case when side = 0 then reached else chosen end) as chosen
from (
  select {KEY}, time, way, chosen, side,
    max(case when side = 0 then next_way end) over ({at_way}) as given,
    max(chosen) over ({at_way}) as reached
  from (
    select {KEY}, time, way, next_way, chosen, side,
      case when side = 0 then way else next_way end as at_way
    from {source}
    cross join {_SIDES}
  ) as both_ends
  where at_way is not null
) as seen
group by {KEY}, way"""  # noqa: S608 - columns are our own


def each_way(*, source: str) -> str:
    """When each unit completed a funnel, each time, from its `ways`, of which none overlap.

    Columns: unit_id, variant, first_exposure, time.
    """
    return f"select {KEY}, time from {source}"  # noqa: S608


def chosen_ways(*, source: str) -> str:
    """The same of ways that overlap, from `following` or `further`."""
    return f"select {KEY}, time from {source} where chosen = 1"  # noqa: S608


_SIDES = "(select 0 as side union all select 1 as side) as sides"
"""Each row twice: once where it begins, or is itself; once where it ends, or leads to."""
