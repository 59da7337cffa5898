"""The sums by days since exposure that the database gives are those that plain Python gives."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abkit.analysis import Analysis, AnalysisPlan, Design, Exclusion
from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.days import DailySums, chosen_length, early_days
from abkit.errors import TooFewVariantsError
from abkit.experiments.declaring.metrics import Conversion, Funnel, Metric, Ratio, Sum, Total

from .oracle import Did, Seen, value

DAY = 86_400
UNITS = ["u1", "u2", "u3", "u4", "u5", "u6", "é'\""]
ADDITIVE: tuple[Metric, ...] = (
    Conversion("bought", action="buy"),
    Total("buys", action="buy"),
    Sum("revenue", action="buy", property="price"),
)

times = st.integers(0, 40 * DAY)
seen = st.builds(Seen, st.sampled_from(UNITS), st.sampled_from("ab"), st.integers(0, 30 * DAY))
did = st.builds(
    Did,
    st.sampled_from(UNITS),
    st.sampled_from(["buy", "look"]),
    times,
    st.one_of(st.none(), st.integers(-5, 50).map(float)),
)
both = [Seen("u1", "a", 0), Seen("u2", "b", 5 * DAY)]


def read(
    exposures: Sequence[Seen],
    actions: Sequence[Did],
    metric: Metric,
    *,
    until: int | None = None,
    **plan: Any,
) -> tuple[DailySums, ...]:
    import pyarrow as pa

    rows: list[dict[str, Any]] = [
        {"time": s.time, "experiment": "E", "unit_id": s.unit, "variant": s.variant}
        for s in exposures
    ]
    did_rows: list[dict[str, Any]] = [
        {
            "time": d.time,
            "action": d.action,
            "user_id": d.unit,
            "properties": json.dumps({} if d.price is None else {"price": d.price}),
        }
        for d in actions
    ]
    columns = ["time", "action", "user_id", "properties"]
    types = [pa.int64(), pa.string(), pa.string(), pa.string()]
    design = Design(name="E", control="a", metrics=(metric, Total("looks", action="look")))
    sums = Analysis(
        design,
        exposures=pa.Table.from_pylist(rows),
        actions=pa.Table.from_pylist(
            did_rows, schema=pa.schema(list(zip(columns, types, strict=True)))
        ),
        plan=AnalysisPlan(over_time=None, **plan),
    ).gather(until=None if until is None else datetime.fromtimestamp(until, tz=UTC))
    return sums.daily


def taking_part(exposures: Sequence[Seen], several: str) -> list[tuple[str, str, int]]:
    """Units with their variant and first exposure."""
    by_unit: dict[str, list[Seen]] = {}
    for each in sorted(exposures, key=lambda s: (s.time, s.variant)):
        by_unit.setdefault(each.unit, []).append(each)
    found: list[tuple[str, str, int]] = []
    for unit, own in by_unit.items():
        variants = dict.fromkeys(each.variant for each in own)
        if len(variants) == 1 or several == "first":
            found.append((unit, own[0].variant, own[0].time))
        elif several == "include":
            found += [(unit, v, min(s.time for s in own if s.variant == v)) for v in variants]
    return found


def of(values: Sequence[Sequence[float]]) -> tuple[int, list[float], dict[tuple[int, int], float]]:
    """The number, totals and products of measures, a row for each unit."""
    size = len(values[0]) if values else 0
    return (
        len(values),
        [math.fsum(row[i] for row in values) for i in range(size)],
        {(i, i): math.fsum(row[i] * row[i] for row in values) for i in range(size)},
    )


def same(found: Sums, expected: tuple[int, list[float], dict[tuple[int, int], float]]) -> None:
    n, totals, products = expected
    assert found.n == n
    assert n == 0 or [*found.totals] == pytest.approx(totals)
    assert all(found.products[pair] == pytest.approx(value) for pair, value in products.items())


@settings(max_examples=15)
@given(
    st.lists(seen, max_size=12),
    st.lists(did, max_size=40),
    st.sampled_from(ADDITIVE),
    st.sampled_from(["exclude", "first", "include"]),
    st.sampled_from([None, 9, 20]),
    st.sampled_from([None, 21 * DAY + 7]),
)
def test_a_unit_counts_for_the_days_that_are_over(
    exposures: list[Seen],
    actions: list[Did],
    metric: Metric,
    several: str,
    window: int | None,
    until: int | None,
) -> None:
    """Whatever becomes of units of several variants, within a window, and until the end of a frame."""
    exposures = [*exposures, *both]
    plan: dict[str, Any] = {"several": several, "exclude": [Exclusion(name="x", units=["u3"])]}
    if window is not None:
        plan["window"] = timedelta(days=window)
    try:
        daily = read(exposures, actions, metric, until=until, **plan)
    except TooFewVariantsError:
        return
    before = math.inf if until is None else until
    exposures = [each for each in exposures if each.time < before]
    end = min(before, max([*(s.time for s in exposures), *(d.time for d in actions)]))
    units = [u for u in taking_part(exposures, several) if u[0] != "u3"]
    most = 28 if window is None else min(28, window)
    behind = [min(28, int((end - first) // DAY)) for *_, first in units]
    length = chosen_length({d: behind.count(d) for d in set(behind)}, most=most)
    if length is None:
        assert daily == ()
        return
    (found,) = daily
    assert (found.length, found.end) == (length, datetime.fromtimestamp(end, tz=UTC))
    assert len(found.days) == min(most, max(behind))

    def on(unit: str, first: int, day: int) -> float:
        start = first + day * DAY
        return value(
            metric,
            [d for d in actions if d.unit == unit and start <= d.time < min(start + DAY, before)],
        )

    for variant in {v for _, v, _ in units}:
        own = [
            (unit, first, days)
            for (unit, v, first), days in zip(units, behind, strict=True)
            if v == variant
        ]
        for day, (sums,) in enumerate(found.days):
            values = [on(unit, first, day) for unit, first, days in own if days > day]
            same(sums[variant], of([(x, float(x < 0)) for x in values]))
        parts = [
            [on(unit, first, day) for day in range(length)]
            for unit, first, days in own
            if days >= length
        ]
        at = early_days(length)
        halves = [(sum(p[:at]), sum(p[at:]), sum(p), float(sum(p) > 0)) for p in parts]
        same(found.halves[0][variant], of(halves))


@pytest.mark.parametrize(
    ("metric", "plan"),
    [
        (Conversion("buy", times=2), {}),
        (Total("buy", log=True), {}),
        (Ratio("ratio", numerator=Total("buy"), denominator=Total("look")), {}),
        (Funnel("funnel", steps=["look", "buy"]), {}),
        (Total("buy"), {"novelty": False}),
        (Total("buy"), {"window": timedelta(days=6)}),
    ],
    ids=["twice", "logarithm", "ratio", "funnel", "left out", "a window of six days"],
)
def test_nothing_is_said_of_what_is_not_made_of_days(
    metric: Metric, plan: Mapping[str, Any]
) -> None:
    late = [Did("u1", "buy", 30 * DAY), Did("u2", "look", 30 * DAY)]
    assert read(both, late, Total("buy"))
    assert read(both, late, metric, **plan) == ()


def test_nothing_is_said_while_no_unit_has_a_week_behind_it() -> None:
    exposures = [Seen("u1", "a", 0), Seen("u2", "b", 0)]
    last = [Did("u1", "buy", 7 * DAY - 1)]
    assert read(exposures, last, Total("buy")) == ()
    assert read(exposures, [Did("u1", "buy", 7 * DAY)], Total("buy"))[0].length == 7


def test_a_clock_that_is_wrong_ends_no_day() -> None:
    """An action of a year that is to come does not make all days over."""
    now = int(datetime.now(UTC).timestamp())
    exposures = [Seen("u1", "a", now - 8 * DAY - 60), Seen("u2", "b", now - 8 * DAY - 60)]
    (found,) = read(exposures, [Did("u1", "buy", now + 900 * DAY)], Total("buy"))
    assert (found.length, len(found.days)) == (7, 8)
