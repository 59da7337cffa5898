"""CUPED from sums: which metrics are adjusted, by how much, and what is told of it."""

from datetime import timedelta
from math import sqrt
from types import MappingProxyType

import numpy as np
import pytest
from attrs import evolve
from numpy.typing import NDArray

from abkit.analysis.findings.arms import Arms, arms
from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.estimands import Estimand
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import (
    Conversion,
    Mean,
    Metric,
    Ratio,
    Retention,
    Sum,
    Total,
)

from .samples import alone, sums

CUPED = AnalysisPlan(cuped=timedelta(days=14))
SPENT = Mean("spent")
CORRELATION = 0.8


def units(random: np.random.Generator, n: int, lift: float) -> NDArray[np.float64]:
    """After, before, and whether anything was done before."""
    present = (random.random(n) < 0.7).astype(float)
    before = present * random.normal(10, 3, n)
    noise = sqrt(1 / CORRELATION**2 - 1) * before.std() * random.normal(0, 1, n)
    return np.stack([before + noise + lift, before, present])


def adjusting(metric: Metric) -> Estimand:
    return Estimand(
        metric=metric,
        places=MappingProxyType({metric: 0}),
        before=MappingProxyType({metric: 1}),
        present=2,
    )


def sample(lift: float = 0.5, n: int = 20_000) -> dict[str, Sums]:
    random = np.random.default_rng(3)
    return {"0": sums(*units(random, n, 0.0)), "1": sums(*units(random, n, lift))}


def test_the_variance_falls_by_the_squared_correlation() -> None:
    found = arms(sample(), adjusting(SPENT), plan=CUPED)
    assert found.adjustment is not None
    assert found.adjustment.variance_reduction == pytest.approx(CORRELATION**2, abs=0.01)
    assert found.adjustment.theta == pytest.approx(1.0, abs=0.02)
    assert found.adjustment.days == 14
    assert found.adjustment.balance < 3
    plain = arms(sample(), alone(SPENT), plan=AnalysisPlan())
    assert plain.adjustment is None
    assert found.control.unadjusted == plain.control.moments
    assert found.control.moments.variance < 0.4 * plain.control.moments.variance


def test_the_adjusted_difference_is_nearer_the_truth_where_the_arms_differed_before() -> None:
    """600 units of the control, those that spent least before, are missing."""
    random = np.random.default_rng(9)
    control, treatment = units(random, 4_000, 0.0), units(random, 4_000, 0.5)
    control = control[:, np.argsort(control[1])[600:]]
    of = {"0": sums(*control), "1": sums(*treatment)}
    adjusted, plain = (arms(of, by(SPENT), plan=CUPED) for by in (adjusting, alone))

    def difference(found: Arms) -> float:
        return found.treatments[0].moments.mean - found.control.moments.mean

    assert abs(difference(adjusted) - 0.5) < 0.15 < abs(difference(plain) - 0.5)
    assert adjusted.adjustment is not None
    assert adjusted.adjustment.balance > 3


def test_shifted_sums_are_adjusted_alike() -> None:
    random = np.random.default_rng(3)
    plain, shifted = ({}, {})  # type: dict[str, Sums], dict[str, Sums]
    for variant in ("0", "1"):
        table = units(random, 500, 0.0)
        plain[variant], shifted[variant] = sums(*table), sums(*table, shift=7.0)
    one, other = (arms(of, adjusting(SPENT), plan=CUPED) for of in (plain, shifted))
    assert other.control.moments.mean == pytest.approx(one.control.moments.mean, rel=1e-9)
    assert other.control.moments.variance == pytest.approx(one.control.moments.variance, rel=1e-9)


def test_conversions_are_adjusted_as_means() -> None:
    """Who converted before, converts again: the sample variance takes the place of p (1 - p)."""
    random = np.random.default_rng(5)
    before = (random.random(2_000) < 0.5).astype(float)
    after = np.where(random.random(2_000) < 0.8, before, 1 - before)
    clicks = Conversion("clicks")
    of = {"0": sums(after[:1000], before[:1000], before[:1000])}
    of["1"] = sums(after[1000:], before[1000:], before[1000:])
    found = arms(of, adjusting(clicks), plan=CUPED)
    residual = np.cov(after, before)
    reduction = residual[0, 1] ** 2 / residual[0, 0] / residual[1, 1]
    assert found.adjustment is not None
    assert found.adjustment.variance_reduction == pytest.approx(reduction, abs=0.01)
    assert found.control.conversions == int(after[:1000].sum())
    assert found.control.unadjusted is not None
    p = found.control.unadjusted.mean
    assert found.control.unadjusted.variance == pytest.approx(p * (1 - p))


def test_a_ratio_is_adjusted_by_the_ratio_before() -> None:
    random = np.random.default_rng(6)
    orders, visits = Sum("order", property="price"), Total("visit")
    ratio = Ratio("price per visit", numerator=orders, denominator=visits)
    estimand = Estimand(
        metric=ratio,
        places={orders: 0, visits: 1},
        before={orders: 2, visits: 3},
        present=4,
    )
    of = {}
    for variant in ("0", "1"):
        taste = random.gamma(4, 1, 5_000)
        visited, visited_before = random.poisson(3, (2, 5_000)) + 1
        bought = taste * visited + random.normal(0, 1, 5_000)
        bought_before = taste * visited_before + random.normal(0, 1, 5_000)
        present = (random.random(5_000) < 0.9).astype(float)
        of[variant] = sums(
            bought, visited, bought_before * present, visited_before * present, present
        )
    found = arms(of, estimand, plan=CUPED)
    assert found.adjustment is not None
    assert found.adjustment.variance_reduction > 0.4
    assert found.control.unadjusted is not None
    assert found.control.moments.mean == pytest.approx(found.control.unadjusted.mean, rel=0.02)


def test_retention_is_never_adjusted() -> None:
    back = Retention("back", start="a", returning="b", n=1)
    of = {"0": sums([0, 1] * 99, [0, 1] * 99, [0, 1] * 99)}
    found = arms({**of, "1": of["0"]}, adjusting(back), plan=CUPED)
    assert found.adjustment is None
    assert found.control.unadjusted is None


@pytest.mark.parametrize(
    "before", [[0.0] * 200, [3.0] * 200], ids=["nobody did anything", "all did the same"]
)
def test_without_a_past_nothing_is_adjusted(before: list[float]) -> None:
    present = [1.0 if value else 0.0 for value in before]
    of = {v: sums(np.arange(200.0), before, present) for v in ("0", "1")}
    found = arms(of, adjusting(SPENT), plan=CUPED)
    assert found.adjustment is None
    assert found.control == arms(of, adjusting(SPENT), plan=AnalysisPlan()).control


def test_a_metric_without_covariates_is_left_as_it_is() -> None:
    found = arms(sample(n=300), alone(SPENT), plan=CUPED)
    assert found.adjustment is None


def test_an_arm_without_units_is_left_out_of_the_adjustment() -> None:
    of = sample(n=500)
    with_empty = {**of, "2": Sums.none(of["0"].shifts)}
    both, three = (arms(each, adjusting(SPENT), plan=CUPED) for each in (of, with_empty))
    assert three.adjustment == both.adjustment
    assert three.treatments[1].moments.n == 0
    assert three.treatments[1].unadjusted is None


def test_a_metric_without_a_value_is_not_adjusted() -> None:
    orders, visits = Total("order"), Total("visit")
    ratio = Ratio("orders per visit", numerator=orders, denominator=visits)
    estimand = Estimand(
        metric=ratio, places={orders: 0, visits: 1}, before={orders: 0, visits: 0}, present=2
    )
    of = {v: sums(np.arange(200.0), [float(v)] * 200, [0.0, 1.0] * 100) for v in ("0", "1")}
    found = arms(of, estimand, plan=CUPED)
    assert found.adjustment is None
    assert found.control.problem
    assert not found.treatments[0].problem


def test_units_that_were_capped_are_counted() -> None:
    of = {v: sums([1.0, 2.0, 2.0, 0.0], [0.0, 1.0, 1.0, 0.0]) for v in ("0", "1")}
    found = arms(of, evolve(alone(SPENT), capped=1), plan=AnalysisPlan())
    assert (found.control.capped, found.treatments[0].capped) == (2, 2)
    assert arms(of, alone(SPENT), plan=AnalysisPlan()).control.capped is None
