"""The sums that the database gives are those that plain Python gives."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abkit import prop
from abkit.analysis.aggregation.exposures import find_exposed_units
from abkit.analysis.aggregation.measured_sums import MeasuredSums
from abkit.analysis.aggregation.measures import NewUnits, measure_events
from abkit.analysis.aggregation.session import QuerySession, microseconds, silent
from abkit.analysis.declared.design import Design
from abkit.analysis.engines.local import DuckDB
from abkit.analysis.query.events import EventQueries
from abkit.analysis.query.layout import Layout
from abkit.analysis.query.units import UnitQueries
from abkit.analysis.reading.sources import table
from abkit.analysis.statistics.estimands import measured
from abkit.experiments.declaring.metrics import (
    Average,
    Conversion,
    Funnel,
    Metric,
    Ratio,
    Retention,
    Sum,
    Total,
    Winsorize,
)

from . import oracle
from .oracle import Did, Seen

DAY = 86_400
DAY_LENGTH = DAY * 1_000_000

METRICS: tuple[Metric, ...] = (
    Conversion("bought", action="buy"),
    Conversion("bought twice", action="buy", times=2),
    Total("buys", action="buy"),
    Sum("revenue", action="buy", property="price"),
    Sum("capped", action="buy", property="price", winsorize=Winsorize(upper=12.0, lower=1.0)),
    Total("log looks", action="look", log=True),
    Average("price", action="buy", property="price"),
    Funnel("looked, bought", steps=["look", "buy"]),
    Funnel("soon", steps=["look", "buy"], within=timedelta(hours=30)),
    Funnel("completions", steps=["look", "buy"], counting="total"),
    Funnel("three steps", steps=["look", "cart", "buy"], within=timedelta(days=3)),
    Funnel("looked twice", steps=["look", "look"]),
    Retention("day 1", start="look", returning="buy", n=1),
    Retention("week 1", start="buy", returning="buy", n=1, period="week"),
    Conversion("bought dear", action="buy", where=prop("price") > 20),
    Total("priceless", action="buy", where=prop("price") != 0.5),
    Sum("dear", action="buy", property="price", where=prop("price") > 20),
    Average("price if dear", action="buy", property="price", where=~(prop("price") <= 20)),
    Funnel("looked, bought dear", steps=["look", "buy"], where=prop("price") > 20),
    Funnel("dear ones", steps=["look", "buy"], counting="total", where=prop("price") > 20),
    Retention("dear day", start="look", returning="buy", n=1, where=prop("price") > 10),
)

UNITS = ["u1", "u2", "u3", "u4", "u5", "é'\""]

times = st.integers(0, 20 * DAY)
seen = st.builds(Seen, st.sampled_from(UNITS), st.sampled_from("aab"), times)
did = st.builds(
    Did,
    st.sampled_from(UNITS),
    st.sampled_from(["look", "cart", "buy", "other"]),
    times,
    st.one_of(st.none(), st.floats(-5, 50).map(lambda x: round(x, 2))),
)


def gather(
    exposures: Sequence[Seen],
    actions: Sequence[Did],
    *,
    metrics: Sequence[Metric] = METRICS,
    cuped: timedelta | None = None,
    window: timedelta | None = None,
    until: int | None = None,
    length: int | None = None,
) -> MeasuredSums:
    import pyarrow as pa

    rows: list[dict[str, Any]] = [
        {"time": s.time, "experiment": "E", "unit_id": s.unit, "variant": s.variant}
        for s in exposures
    ]
    did_rows: list[dict[str, Any]] = [
        {
            "insert_id": d.insert_id,
            "time": d.time,
            "action": d.action,
            "user_id": d.unit,
            "properties": json.dumps({} if d.price is None else {"price": d.price}),
        }
        for d in actions
    ]
    columns = ["insert_id", "time", "action", "user_id", "properties"]
    types = [pa.string(), pa.int64(), pa.string(), pa.string(), pa.string()]
    layout = Layout.of_events(metrics, cuped=cuped is not None, window=window)
    micro = None if until is None else until * 1_000_000
    with DuckDB() as opened:
        session = QuerySession(opened, progress=silent, steps=1)
        design = Design(name="E", control="a", metrics=tuple(metrics))
        queries = UnitQueries(design=design, until=micro)
        exposed_units = find_exposed_units(
            session, queries, table(pa.Table.from_pylist(rows)), length=DAY_LENGTH
        )
        return measure_events(
            session,
            EventQueries(layout=layout, unit_type="user", cuped=cuped, until=micro),
            table(
                pa.Table.from_pylist(did_rows, schema=pa.schema(zip(columns, types, strict=True)))
            ),
            segments=(),
            new_units=None if length is None else NewUnits(length, exposed_units.by_period),
            exposed=None if exposed_units.latest is None else microseconds(exposed_units.latest),
            until=micro,
        )


def expected(
    exposures: Sequence[Seen],
    actions: Sequence[Did],
    metric: Metric,
    *,
    window: timedelta | None = None,
) -> dict[str, list[float]]:
    values: dict[str, list[float]] = {}
    reach = float("inf") if window is None else window.total_seconds()
    for unit, (variant, first) in oracle.alone(exposures).items():
        own = [
            a for a in oracle.once(actions) if a.unit == unit and first <= a.time < first + reach
        ]
        values.setdefault(variant, []).append(oracle.value(metric, own))
    return values


def check(measured_sums: MeasuredSums, metrics: Sequence[Metric], **given: Any) -> None:
    for metric, estimand in zip(metrics, measured_sums.layout.estimands, strict=True):
        values = expected(given["exposures"], given["actions"], metric, window=given.get("window"))
        assert set(measured_sums.sums) == set(values)
        for variant, sums in measured_sums.sums.items():
            n, mean, variance = oracle.moments(values, variant)
            (place,) = estimand.places.values()
            assert sums.n == n
            assert sums.mean(place) == pytest.approx(mean, rel=1e-12, abs=1e-12), metric.name
            found = sums.covariance(place, place)
            assert found == pytest.approx(variance, rel=1e-9, abs=1e-9), metric.name


@settings(max_examples=8, deadline=None)
@given(st.lists(seen, min_size=1, max_size=25), st.lists(did, max_size=40))
def test_all_metrics_equal_plain_python(exposures: list[Seen], actions: list[Did]) -> None:
    if not oracle.alone(exposures):
        return
    found = gather(exposures, actions)
    check(found, METRICS, exposures=exposures, actions=actions)


@settings(max_examples=8, deadline=None)
@given(
    st.lists(seen, min_size=1, max_size=20),
    st.lists(did, max_size=30),
    st.sampled_from([timedelta(hours=1), timedelta(days=2)]),
)
def test_actions_count_within_the_window_only(
    exposures: list[Seen], actions: list[Did], window: timedelta
) -> None:
    if not oracle.alone(exposures):
        return
    within = [m for m in METRICS if not isinstance(m, Retention) or m.begins < window]
    found = gather(exposures, actions, metrics=within, window=window)
    check(found, within, exposures=exposures, actions=actions, window=window)


@settings(max_examples=8, deadline=None)
@given(st.lists(seen, min_size=1, max_size=20), st.lists(did, max_size=30), st.data())
def test_what_is_stored_twice_counts_once(
    exposures: list[Seen], actions: list[Did], data: st.DataObject
) -> None:
    if not oracle.alone(exposures):
        return
    named = [
        Did(a.unit, a.action, a.time, a.price, insert_id=f"i{n}") for n, a in enumerate(actions)
    ]
    again = data.draw(st.lists(st.sampled_from(named), max_size=10)) if named else []
    once, twice = gather(exposures, named), gather(exposures, [*named, *again])
    for variant, those in once.sums.items():
        assert twice.sums[variant].n == those.n
        for i, j in those.products:  # The database adds in any order.
            assert twice.sums[variant].mean(i) == pytest.approx(those.mean(i), rel=1e-12)
            found = twice.sums[variant].covariance(i, j)
            assert found == pytest.approx(those.covariance(i, j), rel=1e-9, abs=1e-9)


@settings(max_examples=4, deadline=None)
@given(st.lists(seen, min_size=1, max_size=12), st.lists(did, max_size=30), st.booleans())
def test_each_day_is_what_one_query_up_to_that_day_gives(
    exposures: list[Seen], actions: list[Did], cuped: bool
) -> None:
    # Units that jump later still count before; here nobody jumps, so that both ways agree.
    kept = [s for s in exposures if s.unit in oracle.alone(exposures)]
    if not kept:
        return
    past = timedelta(days=2) if cuped else None
    found = gather(kept, actions, length=DAY_LENGTH, cuped=past)
    assert found.looks
    for end, sums in found.looks:
        until = round(end.timestamp())
        if not any(s.time < until for s in kept):
            continue
        alone = gather(kept, actions, until=until, cuped=past)
        for variant, those in alone.sums.items():
            assert sums[variant].n == those.n
            for i, j in those.products:
                assert sums[variant].mean(i) == pytest.approx(those.mean(i), rel=1e-9, abs=1e-9)
                found_covariance = sums[variant].covariance(i, j)
                assert found_covariance == pytest.approx(those.covariance(i, j), rel=1e-9, abs=1e-7)


def test_the_past_is_measured_like_the_present() -> None:
    metrics = (Sum("revenue", action="buy", property="price"), Total("buys", action="buy"))
    exposures = [Seen("u1", "a", 10 * DAY), Seen("u2", "a", 10 * DAY), Seen("u3", "b", 10 * DAY)]
    actions = [
        Did("u1", "buy", 9 * DAY, 4.0),
        Did("u1", "buy", 9 * DAY + 5, 6.0),
        Did("u2", "buy", 7 * DAY, 100.0),  # before the window
        Did("u2", "buy", 11 * DAY, 7.0),
        Did("u3", "buy", 10 * DAY, 1.0),  # at the exposure itself: after it
    ]
    found = gather(exposures, actions, metrics=metrics, cuped=timedelta(days=2))
    revenue, buys = found.layout.estimands
    (before,), (past_buys,) = revenue.before.values(), buys.before.values()
    a, b = found.sums["a"], found.sums["b"]
    assert (a.mean(before), a.mean(past_buys)) == (5.0, 1.0)
    assert b.mean(before) == 0.0
    assert revenue.present is not None
    assert (a.mean(revenue.present), b.mean(revenue.present)) == (0.5, 0.0)
    assert b.mean(0) == 1.0


def test_a_ratio_has_the_covariance_of_its_parts() -> None:
    metric = Ratio("per look", numerator=Total("buy"), denominator=Total("look"))
    exposures = [Seen(u, "a", 0) for u in ("u1", "u2", "u3")] + [Seen("u4", "b", 0)]
    buys, looks = {"u1": 1, "u2": 0, "u3": 2}, {"u1": 2, "u2": 1, "u3": 3}
    actions = [Did(u, "buy", 1) for u, n in buys.items() for _ in range(n)]
    actions += [Did(u, "look", 1) for u, n in looks.items() for _ in range(n)]
    found = gather(exposures, actions, metrics=(metric,))
    (estimand,) = found.layout.estimands
    assert measured(metric) == (Total("buy"), Total("look"))
    moments = estimand.moments(found.sums["a"])
    assert moments.mean == pytest.approx(0.5)
    # y = 1, 0, 2 and x = 2, 1, 3: (s_y^2 - 2 R s_xy + R^2 s_x^2) / m_x^2 with s_y^2 = s_x^2 = s_xy = 1
    assert moments.variance == pytest.approx((1 - 1 + 0.25) / 4)


def test_a_mean_of_a_hundred_million_does_not_drown_a_deviation_of_one() -> None:
    metric = Sum("balance", property="price")
    exposures = [Seen(f"u{i}", "a" if i % 2 else "b", 0) for i in range(2_000)]
    actions = [Did(f"u{i}", "balance", 1, 1e8 + (1 if i % 4 < 2 else -1)) for i in range(2_000)]
    for length in (None, DAY_LENGTH):
        found = gather(exposures, actions, metrics=(metric,), length=length)
        for sums in found.sums.values():
            assert found.layout.estimands[0].moments(sums).variance == pytest.approx(
                1000 / 999, rel=1e-9
            )


def test_percentiles_are_those_of_all_arms_together() -> None:
    metric = Total("buy", winsorize=Winsorize(upper_percentile=75, lower_percentile=25))
    exposures = [Seen("u1", "a", 0), Seen("u2", "a", 0), Seen("u3", "b", 0), Seen("u4", "b", 0)]
    actions = [Did(f"u{i}", "buy", 1) for i in (1, 2, 3, 4) for _ in range(i)]  # 1, 2, 3, 4
    found = gather(exposures, actions, metrics=(metric,))
    assert found.limits[metric] == (1.0, 3.0)
    (estimand,) = found.layout.estimands
    assert estimand.moments(found.sums["b"]).mean == 3.0
    assert [estimand.capped_units(found.sums[v]) for v in "ab"] == [0, 1]


def test_the_worked_example_of_amplitude() -> None:
    """amplitude.md 1.2: E=4, M=2, T=3, S=30, A=22.5."""
    metrics: tuple[Metric, ...] = (
        Conversion("unique", action="buy"),
        Total("totals", action="buy"),
        Sum("sum", action="buy", property="price"),
        Average("average", action="buy", property="price"),
    )
    exposures = [Seen(f"u{i}", "a", 0) for i in (1, 2, 3, 4)] + [Seen("u9", "b", 0)]
    actions = [
        Did("u1", "buy", 1, 5.0),
        Did("u1", "buy", 2, 10.0),
        Did("u2", "buy", 1, 15.0),
        Did("u5", "buy", 1, 99.0),  # not exposed
    ]
    found = gather(exposures, actions, metrics=metrics)
    means = [e.moments(found.sums["a"]).mean for e in found.layout.estimands]
    assert means == [0.5, 0.75, 7.5, 5.625]


@pytest.mark.parametrize(
    ("after", "retained"), [(7.0, True), (6.99, False), (7.999, True), (8.0, False)]
)
def test_the_seventh_day_lasts_24_hours(after: float, retained: bool) -> None:
    metric = Retention("day 7", start="start", returning="back", n=7)
    exposures = [Seen("u1", "a", 5 * DAY), Seen("u2", "b", 0)]
    actions = [
        Did("u1", "start", 1 * DAY),  # before the exposure: no start
        Did("u1", "start", 6 * DAY),
        Did("u1", "back", round((6 + after) * DAY)),
    ]
    found = gather(exposures, actions, metrics=(metric,))
    assert found.layout.estimands[0].moments(found.sums["a"]).mean == float(retained)
