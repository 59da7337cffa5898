"""When units completed what takes several actions: a funnel, a return."""

from abkit.analysis.query.periods import microseconds
from abkit.analysis.reading.quoting import literal
from abkit.experiments.metrics import Funnel, Retention

KEY = "unit_id, variant, first_exposure"
"""What tells the unit of a completion."""

_OF_UNIT = "partition by unit_id, variant"


def returns(part: Retention) -> str:
    """The first return of each unit in the n-th period after its first start, from the table `done`.

    Columns: unit_id, variant, first_exposure, time.
    """
    length = microseconds(part.period.length)
    return f"""\
select d.unit_id as unit_id, d.variant as variant, d.first_exposure as first_exposure,
  min(d.time) as time
from done d
join (
  select unit_id, variant, min(time) as started
  from done
  where past = 0 and action = {literal(part.start)}
  group by unit_id, variant
) as s on s.unit_id = d.unit_id and s.variant = d.variant
where d.past = 0 and d.action = {literal(part.returning)}
  and d.time >= s.started + {part.n * length} and d.time < s.started + {(part.n + 1) * length}
group by d.unit_id, d.variant, d.first_exposure"""  # noqa: S608 - literals are quoted


def steps(part: Funnel) -> str:
    """The actions of a funnel's steps, in one order for all engines, from the table `done`.

    Actions of one moment are in the order of the steps, as if one had been done after the other: exports
    have whole seconds. Of an action that is several steps, the first one of the moment is its first step.

    Columns: unit_id, variant, first_exposure, action, time, place (1, 2, ... of each unit).
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
    from done
    where past = 0 and action in ({", ".join(map(literal, actions))})
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
    """After each way, the first one that begins after its end. Columns: unit_id, variant, way, next_way.

    Args:
        source: The table of `numbered`.
    """
    return f"""\
select unit_id, variant, way, next_way
from (
  select unit_id, variant, way, ends,
    min(begins) over (
      {_OF_UNIT} order by at_place, ends rows between current row and unbounded following
    ) as next_way
  from (
    select unit_id, variant, way, place as at_place, 1 as ends, cast(null as bigint) as begins
    from {source}
    union all
    select unit_id, variant, way, began as at_place, 0 as ends, way as begins
    from {source}
  ) as together
) as seen
where ends = 1 and next_way is not null"""  # noqa: S608 - columns are our own


def further(*, source: str) -> str:
    """The same for twice as many ways. Columns: unit_id, variant, way, next_way.

    Args:
        source: The table of `following`, or of this.
    """
    return f"""\
select a.unit_id as unit_id, a.variant as variant, a.way as way, b.next_way as next_way
from {source} a
join {source} b on b.unit_id = a.unit_id and b.variant = a.variant and b.way = a.next_way"""  # noqa: S608


def first_chosen(*, source: str) -> str:
    """The ways that count whatever others do: those that overlap none before. Columns: unit_id, variant, way.

    Args:
        source: The table of `numbered`.
    """
    return f"select unit_id, variant, way from {source} where alone = 1"  # noqa: S608


def more_chosen(*, source: str, jumps: str) -> str:
    """These ways, and those that follow them by some jumps. Columns: unit_id, variant, way.

    Args:
        source: The ways chosen so far.
        jumps: The table of `following` or `further`.
    """
    return f"""\
select unit_id, variant, way from {source}
union
select j.unit_id as unit_id, j.variant as variant, j.next_way as way
from {jumps} j
join {source} c on c.unit_id = j.unit_id and c.variant = j.variant and c.way = j.way"""  # noqa: S608


def chosen_ways(*, source: str, chosen: str) -> str:
    """When each unit completed a funnel, each time. Columns: unit_id, variant, first_exposure, time.

    Args:
        source: The table of `numbered`.
        chosen: The ways that count.
    """
    return f"""\
select n.unit_id as unit_id, n.variant as variant, n.first_exposure as first_exposure, n.time as time
from {source} n
join {chosen} c on c.unit_id = n.unit_id and c.variant = n.variant and c.way = n.way"""  # noqa: S608
