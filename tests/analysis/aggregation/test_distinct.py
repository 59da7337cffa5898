"""Different values and different days are those that plain Python finds."""

import json
import math
import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from abkit.analysis import Analysis, AnalysisPlan, Design, Table
from abkit.analysis.aggregation.measured_sums import MeasuredSums
from abkit.analysis.query.layout import Layout
from abkit.errors import MissingColumnError
from abkit.experiments.declaring.metrics import (
    ActiveDays,
    Distinct,
    Measured,
    Metric,
    Ratio,
    Retention,
    Sum,
    Total,
    Winsorize,
)

from ..conftest import START, Tables

ITEMS = Distinct("items", action="view", property="item")
DAYS = ActiveDays("days", action="view")
METRICS: tuple[Distinct | ActiveDays, ...] = (
    ITEMS,
    Distinct("few items", action="view", property="item", winsorize=Winsorize(upper=2), log=True),
    Distinct("people", action="view", property="user_id"),
    Distinct("codes", action="buy", property="code"),
    DAYS,
    ActiveDays("days of buying", action="buy"),
)
PAST = timedelta(days=2)
VISITORS = ("v0", "v1", "v2", "v3")
VALUES = [None, 1, 1.0, "1", "1.0", 0.5, True, "a", "A", "é'\"", "", "v1.0", "1.2.0", "-7.0", -7]


@frozen
class Did:
    """An action; its subject is a visitor, or a user."""

    subject: str
    action: str
    hour: int
    properties: Mapping[str, Any]


@frozen
class Log:
    """What happened; the exposures are visitor, variant, hour; users are those of visitors."""

    exposures: Sequence[tuple[str, str, int]]
    actions: Sequence[Did]
    users: Mapping[str, str]

    def unit(self, subject: str) -> str | None:
        """The unit of a subject: the smallest visitor of its user."""
        user = self.users.get(subject, subject)
        of_user = [visitor for visitor, its in self.users.items() if its == user]
        return min(of_user, default=subject if subject in VISITORS else None)

    def tables(self, tables: Tables) -> dict[str, Any]:
        """What Analysis reads; every third action was stored twice."""
        import pyarrow as pa

        exposures = [
            {"unit_type": "visitor", "unit_id": v, "variant": variant, "hour": hour}
            for v, variant, hour in self.exposures
        ]
        actions = [
            {
                "insert_id": f"a{number}",
                "action": did.action,
                "hour": did.hour,
                "user_id": None if did.subject in VISITORS else did.subject,
                "groups": {"visitor": did.subject} if did.subject in VISITORS else {},
                "properties": json.dumps(did.properties),
            }
            for number, did in enumerate(self.actions)
        ]
        links = [
            {"from_type": "visitor", "from_id": v, "to_type": "user", "to_id": u, "time": START}
            for v, u in self.users.items()
        ]
        of_identities = [
            (name, pa.string()) for name in ("from_type", "from_id", "to_type", "to_id")
        ]
        identities = pa.Table.from_pylist(
            links, schema=pa.schema([*of_identities, ("time", pa.timestamp("us", tz="UTC"))])
        )
        made = tables(exposures, [*actions, *actions[::3]])
        return {**made, "identities": identities} if links else made


@st.composite
def logs(draw: st.DrawFn, *, variants: str = "aab") -> Log:
    hours = st.integers(-60, 120)
    seen = st.tuples(st.sampled_from(VISITORS), st.sampled_from(variants), st.integers(0, 72))
    value = st.sampled_from(VALUES)
    did = st.builds(
        Did,
        st.sampled_from([*VISITORS, "u0", "u1"]),
        st.sampled_from(["view", "view", "buy", "other"]),
        hours,
        st.fixed_dictionaries({}, optional={"item": value, "code": value}),
    )
    users = st.dictionaries(st.sampled_from(VISITORS), st.sampled_from(["u0", "u1"]))
    exposures = draw(st.lists(seen, min_size=1, max_size=8))
    return Log(exposures, draw(st.lists(did, max_size=30)), draw(users))


def text(value: object) -> str | None:
    """What tells a value apart."""
    if value is None or value == "":
        return None
    written = value if isinstance(value, str) else json.dumps(value)
    return re.sub(r"^(-?\d+)\.0$", r"\1", written)


def value(metric: Distinct | ActiveDays, actions: Sequence[Did]) -> float:
    """One unit's measure, of its actions that count."""
    own = [did for did in actions if did.action == metric.action]
    if isinstance(metric, ActiveDays):
        found = float(len({did.hour // 24 for did in own}))
    elif metric.property == "user_id":
        found = float(len({did.subject for did in own if did.subject not in VISITORS}))
    else:
        texts = {text(did.properties.get(metric.property)) for did in own}
        found = float(len(texts - {None}))
    return changed(metric, found)


def changed(metric: Measured, found: float) -> float:
    if metric.winsorize is not None and metric.winsorize.upper is not None:
        found = min(found, metric.winsorize.upper)
    return math.log1p(found) if metric.log else found


@frozen
class Unit:
    """A unit in a variant."""

    name: str
    variant: str
    first: int

    def actions(self, log: Log, *, until: float) -> list[Did]:
        return [
            did
            for did in log.actions
            if log.unit(did.subject) == self.name and self.first <= did.hour < until
        ]

    def before(self, log: Log) -> list[Did]:
        past = self.first - PAST / timedelta(hours=1)
        return [
            did
            for did in log.actions
            if log.unit(did.subject) == self.name and past <= did.hour < self.first
        ]


def units(log: Log) -> list[Unit]:
    """Each unit in each variant that it saw."""
    first: dict[tuple[str, str], int] = {}
    for visitor, variant, hour in log.exposures:
        key = (log.unit(visitor) or visitor, variant)
        first[key] = min(hour, first.get(key, hour))
    return [Unit(*key, hour) for key, hour in first.items()]


def gather(log: Log, tables: Tables, *metrics: Metric, **plan: Any) -> MeasuredSums:
    design = Design(
        name="Exp", salt="s", unit_type="visitor", control="a", metrics=metrics or METRICS
    )
    plan = {"novelty": False, "several": "include", **plan}
    analysis = Analysis(design, plan=AnalysisPlan(**plan), **log.tables(tables))
    return analysis.gather().measured


def check(measured: MeasuredSums, sums: Mapping[str, Any], log: Log, *, until: float) -> None:
    seen = [unit for unit in units(log) if unit.first < until]
    for estimand in measured.layout.estimands:
        metric: Any = estimand.metric
        for variant, of in sums.items():
            own = [unit for unit in seen if unit.variant == variant]
            assert of.n == len(own)
            after = [value(metric, unit.actions(log, until=until)) for unit in own]
            columns = {estimand.places[metric]: after}
            if estimand.before:
                past = [unit.before(log) for unit in own]
                columns[estimand.before[metric]] = [value(metric, did) for did in past]
                assert estimand.present is not None
                columns[estimand.present] = [
                    float(any(each.action == metric.action for each in did)) for did in past
                ]
            for place, values in columns.items():
                mean = sum(values) / len(own) if own else 0.0
                assert of.mean(place) == pytest.approx(mean, abs=1e-12), metric.name
                spread = sum((x - mean) ** 2 for x in values) / max(1, len(own) - 1)
                found = of.covariance(place, place)
                assert found == pytest.approx(spread, abs=1e-9), metric.name


def has_both(log: Log) -> bool:
    return {unit.variant for unit in units(log)} == {"a", "b"}


@settings(max_examples=12, deadline=None)
@given(logs().filter(has_both), st.booleans())
def test_they_equal_plain_python(tables: Tables, log: Log, adjusted: bool) -> None:
    """Of visitors with users or without, in one variant or two, before their exposure and after it."""
    found = gather(log, tables, over_time=None, cuped=PAST if adjusted else None)
    check(found, found.sums, log, until=math.inf)


def in_one(log: Log) -> bool:
    names = [unit.name for unit in units(log)]
    return has_both(log) and len(names) == len({*names})


@settings(max_examples=6, deadline=None)
@given(logs().filter(in_one), st.booleans())
def test_at_the_end_of_each_day_they_equal_plain_python(
    tables: Tables, log: Log, adjusted: bool
) -> None:
    found = gather(log, tables, several="exclude", cuped=PAST if adjusted else None)
    assert found.looks
    for end, sums in found.looks:
        check(found, sums, log, until=(end - START) / timedelta(hours=1))


EXPOSED = [
    {"unit_id": f"o{i}", "unit_type": "org", "variant": "ab"[i % 2], "hour": 30} for i in range(4)
]


def views(*rows: tuple[str, str | None, int, object]) -> list[dict[str, Any]]:
    """Organization, user, hour, item."""
    return [
        {
            "action": "view",
            "user_id": user,
            "groups": {"org": org},
            "hour": hour,
            "properties": json.dumps({"item": item}),
        }
        for org, user, hour, item in rows
    ]


def of_orgs(tables: Tables, rows: Any, *metrics: Metric, **options: Any) -> Any:
    design = Design(name="Exp", salt="s", unit_type="org", control="a", metrics=metrics)
    plan = options.pop("plan", AnalysisPlan(over_time=None, novelty=False))
    made = tables(EXPOSED, rows)
    return Analysis(design, plan=plan, **{**made, **options})


VIEWS = views(
    ("o0", "ann", 40, "x"),
    ("o0", "ann", 41, "y"),
    ("o0", "ben", 42, "x"),
    ("o0", None, 43, None),
    ("o2", "ann", 71, "x"),
    ("o2", "ann", 73, "x"),
    ("o1", "cy", 31, 7),
    ("o1", "cy", 55, 7.0),
    ("o1", "di", 55, "7"),
)


def means(result: Any) -> list[tuple[float, float]]:
    return [
        (found.control.moments.mean, found.treatments[0].arm.moments.mean)
        for found in result.metrics
    ]


def test_values_users_and_days_are_counted_once_each(tables: Tables) -> None:
    people = Distinct("people", action="view", property="user_id")
    result = of_orgs(tables, VIEWS, ITEMS, people, DAYS).run()
    # o0: x, y; ann, ben; one day. o2: x; ann; two days. o1: 7; cy, di; two days. o3: nothing.
    assert means(result) == [(1.5, 0.5), (1.5, 1.0), (1.5, 1.0)]


def test_an_action_without_a_value_is_told_and_counts_none(tables: Tables) -> None:
    result = of_orgs(tables, VIEWS, ITEMS).run()
    (told,) = [each for each in result.warnings if "no 'item'" in each]
    assert told == (
        "1 of 9 'view' that count has no 'item': 'items' counts none of them. "
        "By variant: a: 1 of 6; b: 0 of 3."
    )


def test_what_was_there_before_the_exposure_is_new_after_it(tables: Tables) -> None:
    actions = views(
        ("o0", None, 28, "x"), ("o0", None, 29, "x"), ("o0", None, 31, "x"), ("o0", None, 32, "y")
    )
    plan = AnalysisPlan(over_time=None, novelty=False, cuped=timedelta(days=1))
    measured = of_orgs(tables, actions, ITEMS, DAYS, plan=plan).gather().measured
    for estimand, after in zip(measured.layout.estimands, (2.0, 1.0), strict=True):
        (place,), (before,) = estimand.places.values(), estimand.before.values()
        assert measured.sums["a"].mean(place) == after / 2
        assert measured.sums["a"].mean(before) == 1 / 2


def test_a_ratio_may_be_made_of_them(tables: Tables) -> None:
    per_day = Ratio("items a day", numerator=ITEMS, denominator=DAYS)
    result = of_orgs(tables, VIEWS, per_day).run()
    (found,) = means(result)
    assert found == pytest.approx((1.0, 0.5))


def test_beside_other_metrics_they_are_what_they_are_alone(tables: Tables) -> None:
    back = Retention("back", start="view", returning="view", n=1)
    others: tuple[Metric, ...] = (Total("views", action="view"), back)
    plan = AnalysisPlan(novelty=False, cuped=timedelta(days=1))
    alone = of_orgs(tables, VIEWS * 2, ITEMS, DAYS, plan=plan).run()
    beside = of_orgs(tables, VIEWS * 2, ITEMS, *others, DAYS, plan=plan).run()
    assert [beside["items"].control, beside["days"].control] == [
        alone["items"].control,
        alone["days"].control,
    ]


def test_a_property_may_be_a_column_of_the_table(tables: Tables) -> None:
    made = tables(EXPOSED, VIEWS)["actions"]
    import pyarrow as pa

    items = pa.array(["x", "y", "x", None, "x", "x", "7", "7", "7"])
    actions = made.drop_columns(["properties"]).append_column("item", items)
    assert means(of_orgs(tables, (), ITEMS, actions=actions).run()) == [(1.5, 0.5)]


@pytest.mark.parametrize(
    ("metric", "dropped", "says"),
    [
        (ITEMS, "properties", "would have 'item'"),
        (Distinct("people", action="view", property="user_id"), "user_id", "user_id"),
    ],
)
def test_a_table_without_the_property_is_refused(
    tables: Tables, metric: Metric, dropped: str, says: str
) -> None:
    actions = tables(EXPOSED, VIEWS)["actions"].drop_columns([dropped])
    with pytest.raises(MissingColumnError, match=says):
        of_orgs(tables, (), metric, actions=Table(actions)).run()


def test_nobody_did_it_is_told(tables: Tables) -> None:
    result = of_orgs(tables, VIEWS, Distinct("goods", action="veiw", property="item"), DAYS).run()
    assert any("No action is called 'veiw'" in each for each in result.warnings)


def test_what_is_stored_twice_needs_no_reading_twice() -> None:
    assert Layout.of_events((ITEMS, DAYS), cuped=True).idempotent
    assert not Layout.of_events((ITEMS, Sum("price", property="price")), cuped=False).idempotent


def test_sqlite_tells_numbers_apart_alike(tables: Tables) -> None:
    """It reads 1.0 of JSON as a number, others as it is written."""
    rows = [("Exp", "s", "org", f"o{i}", "ab"[i % 2], START.timestamp(), None) for i in range(4)]
    texts = [
        '{"item": 1.0}',
        '{"item": 1}',
        '{"item": "1.0"}',
        '{"item": true}',
        '{"item": "v1.0"}',
    ]
    made = [
        (f"i{n}", "view", '{"org": "o0"}', START.timestamp() + 60, t) for n, t in enumerate(texts)
    ]
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(
            "create table seen (experiment, salt, unit_type, unit_id, variant, time, insert_id)"
        )
        connection.executemany("insert into seen values (?, ?, ?, ?, ?, ?, ?)", rows)
        connection.execute("create table did (insert_id, action, groups, time, properties)")
        connection.executemany("insert into did values (?, ?, ?, ?, ?)", made)
        design = Design(name="Exp", salt="s", unit_type="org", control="a", metrics=(ITEMS,))
        plan = AnalysisPlan(over_time=None, novelty=False)
        result = Analysis(
            design, exposures="seen", actions="did", engine=connection, plan=plan
        ).run()
    assert means(result) == [(1.5, 0.0)]
