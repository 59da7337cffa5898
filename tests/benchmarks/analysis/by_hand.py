"""What somebody who knows DuckDB would write for the same sums."""

_UNITS = """
units as (
  select unit_id, min(variant) as variant, min(time) as first
  from '{where}/exposures.parquet'
  where experiment = 'Bench' and salt = 'Bench' and unit_type = 'user'
  group by unit_id
  having min(variant) = max(variant)
)"""

_PRICE = "case when action = 'purchase' then cast(json_extract_string(properties, '$.price') as double) end"

ONCE = f"""
actions as (
  select insert_id, user_id, action, min(time) as time, min({_PRICE}) as price
  from '{{where}}/actions.parquet'
  where action in ('purchase', 'click', 'session')
  group by insert_id, user_id, action
)"""  # noqa: S608 - no input
"""What was stored twice has one insert_id."""

PLAIN = f"""
actions as (
  select user_id, action, time, {_PRICE} as price
  from '{{where}}/unnamed.parquet'
  where action in ('purchase', 'click', 'session')
)"""  # noqa: S608 - no input
"""Actions without an insert_id."""

_COUNTS = ", ".join(
    f"count(case when action = '{action}' and time {when} first then 1 end) as {name}{past}"
    for past, when in (("", ">="), ("0", "<"))
    for name, action in (("bought", "purchase"), ("clicks", "click"), ("sessions", "session"))
)

_MEASURES = ", ".join(
    f"cast(coalesce(bought{p}, 0) > 0 as double) as c{p}, coalesce(revenue{p}, 0.0) as r{p}, "
    f"cast(coalesce(clicks{p}, 0) as double) as k{p}, cast(coalesce(sessions{p}, 0) as double) as s{p}"
    for p in ("", "0")
)

_SUMMED = ", ".join(
    [
        *(f"avg({x}), var_samp({x})" for x in ("c", "r", "k", "s", "c0", "r0", "k0", "s0")),
        *(
            f"covar_samp({x}, {y})"
            for x, y in (
                *(("c", "c0"), ("r", "r0"), ("s", "s0"), ("k", "s")),
                *(("k0", "s0"), ("k", "k0"), ("k", "s0"), ("s", "k0")),
            )
        ),
    ]
)

FINAL = f"""
with {_UNITS}, {{actions}},
per_unit as (
  select units.unit_id, {_COUNTS},
    sum(case when time >= first then price end) as revenue,
    sum(case when time < first then price end) as revenue0
  from units join actions
    on actions.user_id = units.unit_id
    and time >= first - interval 14 day and time < first + interval 7 day
  group by units.unit_id
),
measured as (select variant, {_MEASURES} from units left join per_unit using (unit_id))
select variant, count(*), {_SUMMED}
from measured
group by variant
"""  # noqa: S608 - no input
"""A conversion, a sum, a ratio and a total, with what CUPED needs."""

_SUMS = ("n", "c", "r", "rr", "k", "kk", "s", "ss", "ks")

OVER_TIME = f"""
with {_UNITS}, {{actions}},
events as (
  select unit_id, variant, time_bucket(interval 1 day, actions.time) as day, actions.time as time,
    cast(action = 'purchase' as double) as p, coalesce(price, 0.0) as r,
    cast(action = 'click' as double) as k, cast(action = 'session' as double) as s
  from units join actions
    on actions.user_id = units.unit_id
    and actions.time >= first and actions.time < first + interval 7 day
),
running as (
  select variant, day, p, r, k, s,
    coalesce(sum(p) over so_far, 0) as p0, coalesce(sum(r) over so_far, 0) as r0,
    coalesce(sum(k) over so_far, 0) as k0, coalesce(sum(s) over so_far, 0) as s0
  from events
  window so_far as (
    partition by unit_id order by time rows between unbounded preceding and 1 preceding
  )
),
changes as (
  select variant, day, 0 as n, sum(case when p = 1 and p0 = 0 then 1 else 0 end) as c,
    sum(r) as r, sum(r * (2 * r0 + r)) as rr, sum(k) as k, sum(k * (2 * k0 + k)) as kk,
    sum(s) as s, sum(s * (2 * s0 + s)) as ss, sum(k * s0 + s * k0 + k * s) as ks
  from running
  group by variant, day
  union all
  select variant, time_bucket(interval 1 day, first), count(*), 0, 0, 0, 0, 0, 0, 0, 0
  from units
  group by 1, 2
),
days as (
  select variant, day, {", ".join(f"sum({x}) as {x}" for x in _SUMS)}
  from changes
  group by variant, day
)
select variant, day, {", ".join(f"sum({x}) over so_far" for x in _SUMS)}
from days
window so_far as (partition by variant order by day)
order by day, variant
"""  # noqa: S608 - no input
"""Cumulative sums by day in one pass: an action of value v adds (c + v)^2 - c^2 to a unit's c."""

UNITS = """
select variant, count(*), avg(bought::int), avg(revenue), var_samp(revenue), avg(orders),
  var_samp(orders), avg(sessions), var_samp(sessions), covar_samp(orders, sessions)
from '{where}/units.parquet'
group by variant
"""
"""A conversion, a mean, and a ratio and a mean of counts, of a table of units."""
