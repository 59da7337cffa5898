"""What somebody who knows DuckDB would write for the same sums of ten metrics."""

_COUNTED = {
    "bought": ("purchase", None),
    "revenue": ("purchase", "price"),
    "clicks": ("click", None),
    "sessions": ("session", None),
    "searches": ("search", None),
    "signups": ("signup", None),
    "waited": ("load", "ms"),
    "loads": ("load", None),
}
"""What is counted of a unit's actions: the action, and the property that is summed up, if one is."""

_MEASURES = {
    "bought": "cast(bought{p} > 0 as double)",
    "revenue": "coalesce(revenue{p}, 0.0)",
    "clicks": "cast(clicks{p} as double)",
    "sessions": "cast(sessions{p} as double)",
    "searches": "cast(searches{p} as double)",
    "signed_up": "cast(signups{p} > 0 as double)",
    "searched": "cast(searches{p} > 1 as double)",
    "waited": "coalesce(waited{p}, 0.0)",
    "loading": "case when loads{p} > 0 then waited{p} / loads{p} else 0.0 end",
}
"""The metrics, made of these; of the ratio, its two parts."""

_OF_RATIO = ("clicks", "sessions")

_EXPOSED = """
create temporary table units as
select unit_id, min(variant) as variant, min(time) as first
from read_parquet('{where}/exposures/**/*.parquet')
where experiment = 'Bench' and salt = 'Bench' and unit_type = 'user'
group by unit_id
having min(variant) = max(variant)
"""

_VALUES = {"price": "purchase", "ms": "load"}
"""The properties that are summed up, and their actions."""

_ONCE = """
select insert_id, user_id, action, min(time) as time, {least}
from read_parquet('{where}/actions/**/*.parquet')
where action in ('purchase', 'click', 'session', 'search', 'signup', 'load')
group by insert_id, user_id, action
"""
"""What was stored twice has one insert_id."""

_PLAIN = """
select user_id, action, time, {values}
from read_parquet('{where}/actions/**/*.parquet')
where action in ('purchase', 'click', 'session', 'search', 'signup', 'load')
"""
"""By somebody who knows that nothing was stored twice."""


def statements(where: str, *, once: bool = True) -> tuple[str, str]:
    """Who was exposed to what, and when; then the sums of what they did, with what CUPED needs.

    Args:
        where: The folder of the events.
        once: Whether an action that was stored twice counts once; False: there is none.
    """
    accumulated = ",\n    ".join(
        _accumulated(name, action, key, past=past)
        for past in (False, True)
        for name, (action, key) in _COUNTED.items()
    )
    measured = ", ".join(
        f"{sql.format(p=p)} as {name}{p}" for p in ("", "0") for name, sql in _MEASURES.items()
    )
    values = {
        key: f"case when action = '{action}' "
        f"then cast(json_extract_string(properties, '$.{key}') as double) end"
        for key, action in _VALUES.items()
    }
    actions = (_ONCE if once else _PLAIN).format(
        where=where,
        least=", ".join(f"min({value}) as {key}" for key, value in values.items()),
        values=", ".join(f"{value} as {key}" for key, value in values.items()),
    )
    final = f"""
with actions as ({actions}),
per_unit as (
  select unit_id,
    {accumulated}
  from actions join units
    on user_id = unit_id and time >= first - interval 7 day and time < first + interval 7 day
  group by unit_id
),
measured as (
  select variant, {measured}
  from units left join per_unit using (unit_id)
)
select variant, count(*) as units, {", ".join(_sums())}
from measured
group by variant
"""  # noqa: S608 - no input
    return _EXPOSED.format(where=where), final


def _accumulated(name: str, action: str, key: str | None, *, past: bool) -> str:
    when = f"action = '{action}' and time {'<' if past else '>='} first"
    column = f"{name}{'0' if past else ''}"
    if key is None:
        return f"coalesce(count(case when {when} then 1 end), 0) as {column}"
    return f"sum(case when {when} then {key} end) as {column}"


def pairs() -> list[tuple[str, str]]:
    """The measures whose products are summed up."""
    columns = measures()
    numerator, denominator = _OF_RATIO
    return [
        *((x, x) for x in columns),
        *((x, f"{x}0") for x in _MEASURES),
        *((f"{numerator}{p}", f"{denominator}{q}") for p in ("", "0") for q in ("", "0")),
    ]


def measures() -> list[str]:
    """The measures of a unit: since its exposure, then before it."""
    return [f"{name}{p}" for p in ("", "0") for name in _MEASURES]


def _sums() -> list[str]:
    totals = [f"sum({x}) as {x}" for x in measures()]
    return [*totals, *(f"sum({x} * {y}) as {x}_{y}" for x, y in pairs())]
