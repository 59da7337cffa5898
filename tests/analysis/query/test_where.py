"""Every engine counts the actions that plain Python counts, whatever the condition and the properties."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from random import Random
from typing import Any

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from abkit import Total, prop
from abkit.analysis.engines.base import Engine
from abkit.analysis.engines.choose import opened
from abkit.analysis.query.layout import Layout
from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.sources import Table
from abkit.experiments.declaring.conditions import Bound, Condition, Within

from ...sinks.postgres import running_server
from .conditions import holds

PROPERTIES = ("plan", 'it\'s "a" %name', "utm.source", "amount")
TEXTS = (
    "paid",
    "Paid",
    "it's",
    'a "b"',
    "Ä",
    "ä",
    "z",
    "Z",
    "_",
    "%",
    "10",
    "-3",
    "true",
    "No",
    "x\\y",
)
VALUES: tuple[Any, ...] = (
    *TEXTS,
    "",
    None,
    10,
    -3,
    0,
    1,
    2.5,
    True,
    False,
    "2.5",
    " 10 ",
    "1e1",
    "yes",
)

texts = st.sampled_from(TEXTS)
numbers = st.sampled_from([10, -3, 0, 1, 2.5, 10.0])
truths = st.booleans()
places = st.sampled_from(
    [(name,) for name in PROPERTIES] + [("cart", "plan"), ("cart", "in", "plan")]
)
properties = st.dictionaries(st.sampled_from(PROPERTIES), st.sampled_from(VALUES)).flatmap(
    lambda flat: st.sampled_from(
        [
            flat,
            {**flat, "cart": flat},
            {**flat, "cart": {**flat, "in": flat}},
            {**flat, "cart": "full"},
            {**flat, "cart": 7},
            {**flat, "cart": [1, {"plan": "paid"}]},
            {**flat, "cart.plan": "paid"},
        ]
    )
)
comparisons = st.one_of(
    st.builds(lambda place, v: prop(*place) == v, places, st.one_of(texts, numbers, truths)),
    st.builds(lambda place, v: prop(*place) != v, places, st.one_of(texts, numbers, truths)),
    st.builds(
        lambda place, v: prop(*place).in_(v),
        places,
        st.lists(st.one_of(texts, numbers, truths, st.none()), min_size=1, max_size=4),
    ),
    st.builds(lambda place: prop(*place).is_null(), places),
    st.builds(lambda place: prop(*place).is_not_null(), places),
    st.builds(Within, places, st.sampled_from(Bound), st.one_of(texts, numbers)),
    st.builds(
        lambda place, a, b: prop(*place).between(min(a, b), max(a, b)), places, numbers, numbers
    ),
)
conditions = st.recursive(
    comparisons,
    lambda some: st.one_of(
        st.builds(lambda a, b: a & b, some, some),
        st.builds(lambda a, b: a | b, some, some),
        st.builds(lambda a: ~a, some),
    ),
    max_leaves=5,
)


def counted(engine: Engine, source: Any, wanted: Sequence[Condition]) -> list[list[int]]:
    """By condition, the numbers of the actions that fulfil it."""
    metrics = [Total(f"m{i}", action="buy", where=each) for i, each in enumerate(wanted)]
    layout = Layout.of_events(metrics, cuped=False)
    columns = [
        Column(name="action", kind=Kind.TEXT, source="action", required=True),
        Column(name="number", kind=Kind.NUMBER, source="number", required=True),
        *layout.filters.columns(),
    ]
    engine.open("actions", Table(source), columns)
    told = ", ".join(layout.filters.told("a."))
    done = f"select a.action as action, a.number as number, {told} from actions a"  # noqa: S608
    engine.define("done", done)
    counts = ", ".join(
        f"case when {layout.counted(metric, 'buy')} then 1 else 0 end as counts_{i}"
        for i, metric in enumerate(metrics)
    )
    rows = sorted(
        engine.rows(f"select number, {counts} from done"),  # noqa: S608 - made by abkit
        key=lambda row: float(str(row["number"])),
    )
    return [
        [int(float(str(row["number"]))) for row in rows if row[f"counts_{i}"]]
        for i, _ in enumerate(metrics)
    ]


def naive(log: Sequence[Mapping[str, Any]], wanted: Sequence[Condition]) -> list[list[int]]:
    return [
        [i for i, of in enumerate(log) if i % 5 and holds(condition, of)] for condition in wanted
    ]


def rows_of(log: Sequence[Mapping[str, Any]]) -> list[tuple[str, int, str]]:
    """Every fifth action is another one."""
    return [
        ("buy" if i % 5 else "look", i, json.dumps(of, ensure_ascii=False))
        for i, of in enumerate(log)
    ]


def of_duckdb(log: Sequence[Mapping[str, Any]], wanted: Sequence[Condition]) -> list[list[int]]:
    import pyarrow as pa

    names = ("action", "number", "properties")
    rows = [dict(zip(names, row, strict=True)) for row in rows_of(log)]
    with opened(None) as engine:
        return counted(engine, pa.Table.from_pylist(rows), wanted)


def of_sqlite(log: Sequence[Mapping[str, Any]], wanted: Sequence[Condition]) -> list[list[int]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("create table t (action text, number integer, properties text)")
        connection.executemany("insert into t values (?, ?, ?)", rows_of(log))
        with opened(connection) as engine:
            return counted(engine, "t", wanted)


@settings(max_examples=20, deadline=None)
@given(st.lists(properties, min_size=1, max_size=12), st.lists(conditions, min_size=1, max_size=8))
def test_duckdb_and_sqlite_count_what_plain_python_counts(
    log: list[dict[str, Any]], wanted: list[Condition]
) -> None:
    expected = naive(log, wanted)
    assert of_duckdb(log, wanted) == expected
    assert of_sqlite(log, wanted) == expected


def random_log() -> tuple[list[dict[str, Any]], list[Condition]]:
    """Values of each kind in each property, nested and not; and each kind of comparison with each value."""
    random = Random(3)  # noqa: S311 - reproducible data, no secret
    log = []
    for value in VALUES:
        flat = {name: random.choice([value, *VALUES]) for name in random.sample(PROPERTIES, 3)}
        log += [{**flat, "plan": value}, {**flat, "cart": {"plan": value}}, {"cart": value}]
    made: list[Condition] = []
    for place in (("plan",), ("cart", "plan"), (PROPERTIES[1],), ("utm.source",)):
        one = prop(*place)
        for value in (*TEXTS, 10, 2.5, True, False):
            made += [one == value, one != value]
        made += [one.is_null(), ~(one > "a"), one <= "a", one >= "Z", one < 2.5, ~(one < 2.5)]
        made += [one.in_(["paid", 10, True, None]), ~one.in_(["paid", 10, True, None])]
    made += [(random.choice(made) & ~random.choice(made)) | random.choice(made) for _ in range(20)]
    return log, made


def test_postgresql_counts_what_plain_python_counts_in_any_language() -> None:
    log, wanted = random_log()
    with running_server() as server:
        database = sa.create_engine(server.url)
        with database.begin() as connection:
            columns = 'action text, number integer, properties text collate "en-x-icu"'
            connection.execute(sa.text(f"create table t ({columns})"))
            insert = sa.text("insert into t values (:action, :number, :properties)")
            names = ("action", "number", "properties")
            connection.execute(insert, [dict(zip(names, row, strict=True)) for row in rows_of(log)])
        with opened(database) as engine:
            assert counted(engine, "t", wanted) == naive(log, wanted)
        database.dispose()


def test_duckdb_and_sqlite_count_the_same_log() -> None:
    log, wanted = random_log()
    expected = naive(log, wanted)
    assert of_duckdb(log, wanted) == expected
    assert of_sqlite(log, wanted) == expected


def test_spark_counts_what_plain_python_counts(spark: Any) -> None:
    log, wanted = random_log()
    frame = spark.createDataFrame(rows_of(log), "action string, number int, properties string")
    with opened(spark) as engine:
        assert counted(engine, frame, wanted[::12]) == naive(log, wanted[::12])
