"""All looks at once say what each look says: compared with the exact way, metric by metric."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations_with_replacement
from types import MappingProxyType

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from abkit.analysis.findings.arms import arms_of
from abkit.analysis.findings.evaluate import evaluate
from abkit.analysis.findings.over_time import over_time
from abkit.analysis.inference.comparison import Estimate, Interval
from abkit.analysis.statistics.aggregates import Moments, Sums
from abkit.analysis.statistics.estimands import Estimand
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import (
    Conversion,
    Formula,
    Mean,
    Ratio,
    Retention,
    Sum,
    Total,
)

from .samples import design

SPENT, ORDERS = Sum("spent", action="order", property="price"), Total("orders")
BACK = Retention("back", start="order", returning="visit", n=1)
VARIANTS = ("control", "first", "second")
X, Y, PAST_X, PAST_Y, PRESENT, SEATS, BELOW, DIVIDED, CONVERTED = range(9)

ESTIMANDS: Mapping[str, Estimand] = {
    "plain": Estimand(metric=SPENT, places={SPENT: X}, negative=BELOW),
    "unknown sign": Estimand(metric=Mean("spent"), places={Mean("spent"): X}),
    "cuped": Estimand(
        metric=SPENT, places={SPENT: X}, before={SPENT: PAST_X}, present=PRESENT, negative=BELOW
    ),
    "covariates": Estimand(
        metric=SPENT,
        places={SPENT: X},
        before={SPENT: PAST_X},
        present=PRESENT,
        beside={"seats": SEATS, "the same": SEATS},
    ),
    "conversion": Estimand(
        metric=Conversion("bought"),
        places={Conversion("bought"): CONVERTED},
        before={Conversion("bought"): PRESENT},
        present=PRESENT,
    ),
    "seats alone": Estimand(
        metric=Conversion("bought"),
        places={Conversion("bought"): CONVERTED},
        beside={"seats": SEATS},
    ),
    "retention": Estimand(
        metric=BACK,
        places={BACK: CONVERTED},
        before={BACK: PRESENT},
        present=PRESENT,
    ),
    "ratio": Estimand(
        metric=Ratio("price", numerator=SPENT, denominator=ORDERS),
        places={SPENT: X, ORDERS: Y},
        before={SPENT: PAST_X, ORDERS: PAST_Y},
        present=PRESENT,
        divided=DIVIDED,
    ),
    "formula": Estimand(
        metric=Formula("left", expression=SPENT - 2 * ORDERS), places={SPENT: X, ORDERS: Y}
    ),
}


def drawn(
    seed: int, units: int, *, shift: float, whole: bool, divisors: float
) -> NDArray[np.float64]:
    """One row per unit, of all measures."""
    random = np.random.default_rng(seed)
    past = random.gamma(1, 3, units) * (random.random(units) < 0.6)
    x = shift + 0.5 * past + random.gamma(1, 4, units) * (random.random(units) < 0.5)
    y = (random.poisson(2, units) * (random.random(units) < divisors)).astype(float)
    if whole:
        past, x = np.rint(past), np.rint(x)
    present = past > 0
    seats = random.poisson(5, units)
    columns = [x, y, past, present * 2.0, present, seats, x < 0, y > 0, x > shift + 2]
    return np.column_stack(columns).astype(float)


def summed(rows: NDArray[np.float64], shifts: Sequence[float]) -> Sums:
    moved = rows - np.array(shifts)
    pairs = combinations_with_replacement(range(rows.shape[1]), 2)
    return Sums(
        len(rows),
        tuple(shifts),
        tuple(moved.sum(axis=0).tolist()),
        MappingProxyType({(i, j): float(moved[:, i] @ moved[:, j]) for i, j in pairs}),
    )


@st.composite
def experiments(draw: st.DrawFn) -> list[dict[str, Sums]]:
    """Cumulative sums of a few days; a variant may come late, and a day may bring nobody."""
    shift = draw(st.sampled_from([0.0, 0.0, 5.0, -3.0, 2e4]))
    whole = draw(st.booleans())
    divisors = draw(st.sampled_from([0.0, 0.01, 0.7]))
    days = draw(st.integers(1, 5))
    sizes = st.sampled_from([0, 1, 2, 60, 150, 400, 3_000])
    so_far: dict[str, Sums] = {}
    looks = []
    for day in range(days):
        for place, variant in enumerate(VARIANTS):
            units = max(draw(sizes), 2 if day == days - 1 else 0)
            if units:
                lift = draw(st.sampled_from([0.0, 0.2, 1.0])) * place
                seed = draw(st.integers(0, 2**32))
                rows = drawn(seed, units, shift=shift + lift, whole=whole, divisors=divisors)
                new = summed(rows, [shift + place * 0.25, *[0.5] * 7, 0.0])
                so_far[variant] = so_far[variant] + new if variant in so_far else new
        looks.append(dict(so_far))
    return looks


PLANS = {
    "sequential": AnalysisPlan(),
    "of two sizes": AnalysisPlan(),
    "welch": AnalysisPlan(method="welch", correction="holm"),
    "of a size": AnalysisPlan(method="welch", sample_size=1_000),
}


@pytest.mark.parametrize("name", ESTIMANDS)
@pytest.mark.parametrize("plan", PLANS.values(), ids=list(PLANS))
@settings(max_examples=10)
@given(looks=experiments())
def test_all_looks_at_once_say_what_each_look_says(
    name: str, plan: AnalysisPlan, looks: list[dict[str, Sums]]
) -> None:
    estimand = ESTIMANDS[name]
    planned = design(estimand.metric, variants=VARIANTS)
    first = datetime(2026, 5, 1, tzinfo=UTC)
    ends = [first + timedelta(days=day) for day in range(len(looks))]
    if plan is PLANS["of two sizes"]:
        plan = evolve(plan, taus={estimand.metric.name: {0.05: 0.6, 0.4: 0.4}})
    found = evaluate(looks[-1], [estimand], planned, plan)
    (result,) = over_time(found, [estimand], ends=ends, looks=looks, plan=plan)
    assert result.over_time is not None
    for number, sums in enumerate(looks):
        nothing = Sums.none(next(iter(looks[-1].values())).shifts)
        exact = arms_of({v: sums.get(v, nothing) for v in VARIANTS}, estimand, plan=plan)
        assert_near(result.over_time.control[number], exact.control.moments)
        for arm in exact.treatments:
            series = result.over_time.treatments[arm.variant]
            assert_near(series.arms[number], arm.moments)
    for variant in VARIANTS[1:]:
        series = result.over_time.treatments[variant]
        lows, highs, smallest = [-np.inf], [np.inf], 1.0
        for number, comparison in enumerate(series.comparisons):
            estimate = series.estimates[number]
            assert (estimate is None) == (comparison is None)
            if comparison is not None and estimate is not None:
                assert_same(estimate, comparison.estimate)
                lows.append(comparison.interval.low)
                highs.append(comparison.interval.high)
                smallest = min(smallest, comparison.p_value)
            assert series.running_p[number] == pytest.approx(smallest, rel=1e-7, abs=1e-12)
            running = series.running_interval[number]
            if running is not None:
                assert (running.low, running.high) == pytest.approx(
                    (max(lows), min(highs)), rel=1e-7
                )


def assert_near(moments: Moments, exact: Moments) -> None:
    assert moments.n == exact.n
    assert moments.mean == pytest.approx(exact.mean, rel=1e-9, abs=1e-9)
    assert moments.variance == pytest.approx(exact.variance, rel=1e-7, abs=1e-9)


def assert_same(estimate: Estimate, exact: Estimate) -> None:
    assert estimate.difference == pytest.approx(exact.difference, rel=1e-7, abs=1e-9)
    assert estimate.p_value == pytest.approx(exact.p_value, rel=1e-6, abs=1e-12)
    assert_interval(estimate.interval, exact.interval)
    assert (estimate.lift is None) == (exact.lift is None)
    if estimate.lift is not None:
        assert estimate.lift == pytest.approx(exact.lift, rel=1e-7, abs=1e-9)
    assert (estimate.lift_interval is None) == (exact.lift_interval is None)
    if estimate.lift_interval is not None and exact.lift_interval is not None:
        assert_interval(estimate.lift_interval, exact.lift_interval)


def assert_interval(found: Interval, exact: Interval) -> None:
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), rel=1e-6, abs=1e-8)
