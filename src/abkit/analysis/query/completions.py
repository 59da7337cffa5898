"""When units completed what takes several actions: a funnel, a return."""

from abkit.analysis.query.periods import microseconds
from abkit.analysis.reading.quoting import literal
from abkit.experiments.metrics import Counting, Funnel, Retention

KEY = "unit_id, variant, first_exposure"
"""What tells the unit of a completion."""


def completed(part: Funnel | Retention) -> str:
    """When each unit completed a funnel or came back, from the table `done`.

    Columns: unit_id, variant, first_exposure, time.
    """
    return _funnel(part) if isinstance(part, Funnel) else _retention(part)


def _retention(part: Retention) -> str:
    """The first return in the n-th period after the first start."""
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


def _funnel(part: Funnel) -> str:
    """The completions of a funnel, one step after the other.

    A step is completed by the first such action after a completion of the steps before it; it carries
    the time at which the last such chain began, so that the shortest way is found.
    """
    way = f"""\
select {KEY}, time, time as began
from done
where past = 0 and action = {literal(part.steps[0])}"""  # noqa: S608 - literals are quoted
    for step in part.steps[1:]:
        # Of one moment, the step comes before what it could follow: an action cannot follow itself.
        way = f"""\
select {KEY}, time, before_began as began
from (
  select {KEY}, time, follows,
    lag(follows) over (partition by unit_id, variant order by time, follows) as before_follows,
    lag(began) over (partition by unit_id, variant order by time, follows) as before_began
  from (
    select {KEY}, time, cast(null as bigint) as began, 0 as follows
    from done
    where past = 0 and action = {literal(step)}
    union all
    select {KEY}, time, began, 1 as follows
    from (
{way}
    ) as completed
  ) as together
) as paired
where follows = 0 and before_follows = 1"""  # noqa: S608 - literals are quoted
    within = ""
    if part.within is not None:
        within = f"\nwhere time - began <= {microseconds(part.within)}"
    if part.counting is Counting.UNIQUE:
        return f"""\
select {KEY}, min(time) as time
from (
{way}
) as completed{within}
group by {KEY}"""  # noqa: S608 - literals are quoted
    return f"""\
select {KEY}, time
from (
{way}
) as completed{within}"""  # noqa: S608 - literals are quoted
