"""One set of events, as abkit's sinks store it and as others do, and what every engine makes of it."""

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

from abkit.analysis.engines.base import Engine
from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.sources import Place, Source, Table
from abkit.events import Action, Exposure, Variant
from abkit.sinks.base import Sink
from abkit.sinks.records import action_record, exposure_record

START = 1_709_294_400.0
"""2024-03-01 12:00 UTC, seconds."""
ODD_KEY = 'it\'s \\ "odd" ${x} é'
NASTY = "o'neill \"the\" \\ best\\' ${env:HOME} 日本 🎈 -- ;"

_EXPOSED: list[tuple[str, Variant, float, str | None, dict[str, str], dict[str, object]]] = [
    ("1", "a", 0.0, "u1", {"org": "1"}, {"country": "DE", "seats": 5}),
    ("2", True, 0.25, None, {"org": "2"}, {}),
    (NASTY, 3, 0.000001, NASTY, {"org": NASTY, "team": "7"}, {ODD_KEY: NASTY}),
    ("4", 0.5, 86_400.999999, "u4", {}, {"country": None, "trial": True}),
    ("5", "b", -0.5, "u5", {"org": "5"}, {"country": "", "trial": False}),
]
EXPOSURES = [
    Exposure(
        experiment="Exp",
        salt="s",
        unit_type="org",
        unit_id=unit_id,
        variant=variant,
        time=START + seconds,
        user_id=user_id,
        groups=groups,
        properties=properties,
        insert_id=f"e{number}",
    )
    for number, (unit_id, variant, seconds, user_id, groups, properties) in enumerate(_EXPOSED)
]

_RANDOM = random.Random(7)  # noqa: S311 - nothing is kept secret by it


def _random_price() -> dict[str, object]:
    return {"price": _RANDOM.lognormvariate(3, 1.2)} if _RANDOM.random() < 0.9 else {}


_DONE: list[tuple[str, dict[str, object]]] = [
    ("buy", {"price": 9.5, "note": "x"}),
    ("buy", {"price": "12.25"}),
    ("buy", {"price": -1e-3, "nested": {"deep": 3}}),
    ("buy", {"price": None}),
    ("buy", {"price": ""}),
    ("buy", {}),
    ("look", {"price": "for free"}),
    (NASTY, {"price": "no number", ODD_KEY: 1}),
    *(("buy", _random_price()) for _ in range(400)),
]
ACTIONS = [
    Action(
        name=name,
        time=START + 10 + number / 3,
        user_id=f"u{number % 5}",
        groups={"org": str(number % 7)},
        properties=properties,
        insert_id=f"a{number}",
    )
    for number, (name, properties) in enumerate(_DONE)
]


def micros(seconds: float) -> int:
    return round(seconds * 1e6)


EXPOSURE_COLUMNS = (
    Column(name="unit", kind=Kind.TEXT, source="unit_id", required=True),
    Column(name="variant", kind=Kind.TEXT, source="variant", required=True),
    Column(name="time", kind=Kind.INSTANT, source="time", required=True),
    Column(name="experiment", kind=Kind.TEXT, source="experiment"),
    Column(name="user", kind=Kind.TEXT, source="user_id"),
    Column(name="org", kind=Kind.TEXT, source="groups", key="org"),
    Column(name="country", kind=Kind.TEXT, source="properties", key="country"),
    Column(name="trial", kind=Kind.TRUTH, source="properties", key="trial"),
    Column(name="odd", kind=Kind.TEXT, source="properties", key=ODD_KEY),
    Column(name="seats", kind=Kind.NUMBER, source="properties", key="seats"),
)
ACTION_COLUMNS = (
    Column(name="action", kind=Kind.TEXT, source="action", required=True),
    Column(name="time", kind=Kind.INSTANT, source="time", required=True),
    Column(name="user", kind=Kind.TEXT, source="user_id"),
    Column(name="org", kind=Kind.TEXT, source="groups", key="org"),
    Column(name="id", kind=Kind.TEXT, source="insert_id"),
    Column(
        name="price", kind=Kind.NUMBER, source="properties", key="price", when=("action", ("buy",))
    ),
    Column(
        name="odd",
        kind=Kind.NUMBER,
        source="properties",
        key=ODD_KEY,
        when=("action", (NASTY, "x")),
    ),
    Column(name="never", kind=Kind.NUMBER, source="properties", key="price", when=("action", ())),
)


def _text(value: object) -> str | None:
    return None if value in (None, "") else str(value)


def _truth(value: object) -> float | None:
    return None if value is None else float(bool(value))


def _price(action: Action) -> float | None:
    price = action.properties.get("price")
    return None if action.name != "buy" or price in (None, "") else float(str(price))


EXPECTED_EXPOSURES = [
    {
        "unit": one.unit_id,
        "variant": str(one.variant).lower() if isinstance(one.variant, bool) else str(one.variant),
        "time": micros(one.time),
        "experiment": "Exp",
        "user": one.user_id,
        "org": one.groups.get("org"),
        "country": _text(one.properties.get("country")),
        "trial": _truth(one.properties.get("trial")),
        "odd": one.properties.get(ODD_KEY),
        "seats": one.properties.get("seats"),
    }
    for one in EXPOSURES
]
EXPECTED_ACTIONS = [
    {
        "action": one.name,
        "time": micros(one.time),
        "user": one.user_id,
        "org": one.groups["org"],
        "id": one.insert_id,
        "price": _price(one),
        "odd": one.properties.get(ODD_KEY),
        "never": None,
    }
    for one in ACTIONS
]

FOREIGN_EXPOSURES: Mapping[str, Place] = {
    "unit_id": "org id",
    "time": "event_time",
    "experiment": ("event_properties", "experiment"),
    "variant": ("event_properties", "variant"),
    "groups.org": "its org",
    "properties": ("event_properties", "more"),
}
FOREIGN_ACTIONS: Mapping[str, Place] = {
    "action": "event_type",
    "time": "seconds",
    "insert_id": "$insert_id",
    "groups.org": ("group", "org"),
    "properties.price": "amount",
    "properties": "event_properties",
}


def foreign_exposures() -> list[dict[str, Any]]:
    """As in an export of Amplitude: times are naive ISO texts, what matters is in the properties."""
    rows = []
    for one, expected in zip(EXPOSURES, EXPECTED_EXPOSURES, strict=True):
        time = str(exposure_record(one)["time"]).removesuffix("+00:00")
        rows.append(
            {
                "org id": one.unit_id,
                "its org": one.groups.get("org"),
                "user_id": one.user_id,
                "event_time": time if "." in time else f"{time}.000000",
                "event_properties": json.dumps(
                    {
                        "experiment": one.experiment,
                        "variant": expected["variant"],
                        "more": one.properties,
                    }
                ),
            }
        )
    return rows


def foreign_actions() -> list[dict[str, Any]]:
    """As in a table of one's own: times are seconds, the price is a column of texts."""
    return [
        {
            "event_type": one.name,
            "seconds": one.time,
            "user_id": one.user_id,
            "group": json.dumps(dict(one.groups)),
            "$insert_id": one.insert_id,
            "amount": None if one.properties.get("price") is None else str(one.properties["price"]),
            "event_properties": json.dumps(one.properties),
        }
        for one in ACTIONS
    ]


def send_all(sink: Sink) -> None:
    """Store the events as an application would."""
    assert sink.send([*EXPOSURES, *ACTIONS]) is None


def records() -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    return [exposure_record(one) for one in EXPOSURES], [action_record(one) for one in ACTIONS]


def arrow_tables(*, own: bool) -> tuple[Any, Any]:
    """The events as Arrow tables; abkit's own as its sink for files has them."""
    import pyarrow as pa

    if not own:
        return (
            pa.Table.from_pylist(foreign_exposures()),
            pa.Table.from_pylist(foreign_actions()),
        )
    groups = pa.map_(pa.string(), pa.string())
    exposures, actions = (
        pa.Table.from_pylist(
            [{**row, "groups": list(dict(row["groups"]).items())} for row in rows],  # type: ignore[call-overload]
            schema=pa.schema(
                [
                    (
                        name,
                        {"time": pa.timestamp("us", "UTC"), "groups": groups}.get(
                            name, pa.string()
                        ),
                    )
                    for name in rows[0]
                ]
            ),
        )
        for rows in records()
    )
    return exposures, actions


_NASTY = NASTY.replace("'", "''")
QUERIES = {
    "statistics": """
with
firsts as (
  select org, min(time) as time, min(variant) as variant from exposures
  where experiment = 'Exp' and org is not null
  group by org having min(variant) = max(variant)
),
sums as (
  select firsts.org, sum(actions.price) as price, count(*) as actions,
    sum(case when actions.action = 'buy' then 1 else 0 end) as bought,
    avg(case when actions.price > 20.5 then 1.0 else 0.0 end) as dear
  from firsts
  join actions on actions.org = firsts.org and actions.time >= firsts.time
    and actions.time < firsts.time + 86400000000
  group by firsts.org
)
select firsts.variant, count(*) as n, sum(coalesce(sums.price, 0.0)) as price,
  sum(coalesce(sums.price, 0.0) * coalesce(sums.price, 0.0)) as squares,
  avg(cast(sums.actions as double)) as actions, sum(sums.bought) as bought, max(dear) as dear,
  sum(ln(abs(sums.price) + 1.0)) as logs
from firsts left join sums on sums.org = firsts.org
group by firsts.variant order by firsts.variant""",
    "running": """
select org, time, cast(floor(cast(time as double) / 60000000.0) as bigint) as minute,
  sum(price) over (partition by org order by time rows between unbounded preceding and current row)
    as running,
  row_number() over (partition by org order by time) as number,
  lag(price) over (partition by org order by time) as before,
  max(price) over (partition by org) as highest
from actions where price is not null and org in ('1', '2')
order by org, time limit 50""",
    "groups": f"""
select action, count(*) as rows, count(distinct org) as orgs, min(time) as earliest,
  count(price) / 4.0 as quarter, nullif(count(price), 0) as prices, cast(count(*) as varchar) as text
from (
  select * from actions where action in ('buy', '{_NASTY}')
  union all
  select * from actions where not (action = 'buy' or org = '1')
) as both_of_them
group by action having count(*) > 0
order by action""",  # noqa: S608 - it is a constant
}


def canonical_rows(engine: Engine, exposures: Table, actions: Table) -> tuple[Any, Any]:
    """The events as queries see them, in the order of the golden ones."""
    engine.open("exposures", exposures, EXPOSURE_COLUMNS)
    engine.open("actions", actions, ACTION_COLUMNS)
    found = {str(row["unit"]): row for row in engine.rows("select * from exposures")}
    done = engine.rows("select * from actions order by time")
    return [found.get(one.unit_id) for one in EXPOSURES], done


def tables(exposures: Source, actions: Source) -> tuple[Table, Table]:
    return Table(exposures), Table(actions)


def foreign_tables(exposures: Source, actions: Source) -> tuple[Table, Table]:
    return Table(exposures, FOREIGN_EXPOSURES), Table(actions, FOREIGN_ACTIONS)


def rows_of(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Names and rows, for an INSERT."""
    return list(rows[0]), [tuple(row.values()) for row in rows]
