"""The check that the units of the arms were alike before their exposure."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType

import numpy as np
import pytest
from numpy.typing import NDArray

from abkit.analysis.findings.arms import arms
from abkit.analysis.findings.before import BeforeExposure, BeforeState, before_exposure
from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.estimands import Estimand
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Conversion, Metric, Ratio, Retention, Sum, Total

from .samples import alone, design, sums

CUPED = AnalysisPlan(cuped=timedelta(days=14))
ORDERS = Total("orders")


def units(
    random: np.random.Generator, n: int, *, before: float = 2.0
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """After, before, and whether anything was done before."""
    past = random.poisson(before, n).astype(float)
    return past + random.poisson(1.0, n), past, (past > 0).astype(float)


def adjusting(metric: Metric) -> Estimand:
    return Estimand(
        metric=metric,
        places=MappingProxyType({metric: 0}),
        before=MappingProxyType({metric: 1}),
        present=2,
    )


def checked(
    of: Mapping[str, Sums],
    *metrics: Metric,
    plan: AnalysisPlan = CUPED,
    strata: Sequence[Mapping[str, Sums]] = (),
) -> tuple[BeforeExposure, ...]:
    metrics = metrics or (ORDERS,)
    return before_exposure(
        of,
        [adjusting(metric) for metric in metrics],
        design(*metrics, variants=[*of]),
        plan,
        strata=strata,
    )


@pytest.mark.parametrize("method", ["sequential", "welch", "bayesian"])
def test_units_that_were_alike_are_told_from_those_that_were_not(method: str) -> None:
    random = np.random.default_rng(1)
    of = {v: sums(*units(random, 4000, before=b)) for v, b in (("0", 2), ("1", 2), ("2", 2.3))}
    found = checked(of, plan=AnalysisPlan(method=method))
    assert [(each.variant, each.state) for each in found] == [
        ("1", BeforeState.ALIKE),
        ("2", BeforeState.DIFFERS),
    ]
    alike, differs = (each.comparison for each in found)
    assert alike is not None
    assert differs is not None
    assert alike.interval.low < 0 < alike.interval.high
    assert differs.interval.low > 0
    assert differs.difference == pytest.approx(0.3, abs=0.1)


def test_the_largest_difference_is_the_balance_that_cuped_tells() -> None:
    random = np.random.default_rng(2)
    of = {v: sums(*units(random, n)) for v, n in (("0", 3000), ("1", 3000), ("2", 3000))}
    apart = []
    for each in checked(of, plan=AnalysisPlan(method="welch")):
        assert each.comparison is not None
        apart.append(abs(each.comparison.difference) / each.comparison.details["standard_error"])
    adjustment = arms(of, adjusting(ORDERS), plan=CUPED).adjustment
    assert adjustment is not None
    assert max(apart) == pytest.approx(adjustment.balance)


def test_p_values_are_corrected_for_metrics_and_variants() -> None:
    random = np.random.default_rng(3)
    of = {v: sums(*units(random, 2000)) for v in ("0", "1", "2")}
    (first, *_), (one, _) = checked(of, ORDERS, Conversion("bought")), checked(of)
    assert first.p_value is not None
    assert one.p_value is not None
    assert first.p_value == pytest.approx(min(1.0, 2 * one.p_value))
    assert first.comparison is not None
    assert one.comparison is not None
    assert (first.comparison.alpha, one.comparison.alpha) == (0.0025, 0.005)


def test_of_few_units_nothing_is_known() -> None:
    random = np.random.default_rng(4)
    (found,) = checked({"0": sums(*units(random, 90)), "1": sums(*units(random, 200))})
    assert (found.state, found.comparison, found.p_value) == (BeforeState.UNKNOWN, None, None)
    assert found.missing == ("10 more units in variant 0",)


def test_where_nobody_did_anything_before_nothing_is_known() -> None:
    nothing = np.zeros(500)
    (found,) = checked({v: sums(nothing, nothing, nothing) for v in "01"})
    assert found.missing == ("some variation: all units of both arms have one value",)


def test_a_few_units_that_did_something_before_are_too_few() -> None:
    rare = np.concatenate([np.ones(20), np.zeros(980)])
    (found,) = checked({v: sums(rare, rare, rare) for v in "01"}, Conversion("bought"))
    assert found.state is BeforeState.UNKNOWN
    assert "20 of 25 in effect" in found.missing[0]


def test_metrics_without_a_past_are_not_compared() -> None:
    random = np.random.default_rng(5)
    of = {v: sums(*units(random, 500)) for v in "01"}
    retained = Retention("back", start="a", returning="b", n=1)
    assert checked(of, retained) == ()
    assert before_exposure(of, [alone(ORDERS)], design(ORDERS), CUPED) == ()


def test_a_ratio_is_compared_as_a_ratio() -> None:
    random = np.random.default_rng(6)
    spent, visits = Sum("spent", property="price"), Total("visits")
    metric = Ratio("per visit", numerator=spent, denominator=visits)
    estimand = Estimand(
        metric=metric,
        places=MappingProxyType({spent: 0, visits: 1}),
        before=MappingProxyType({spent: 2, visits: 3}),
        present=4,
    )

    def arm(price: float) -> Sums:
        often = random.poisson(4, 3000).astype(np.float64)
        return sums(often, often, often * price, often, np.ones(3000))

    of = {"0": arm(10.0), "1": arm(10.0)}
    (found,) = before_exposure(of, [estimand], design(metric), CUPED)
    assert found.comparison is None or found.comparison.difference == pytest.approx(0)


def test_phases_are_compared_within() -> None:
    """On the second day the weights are the other way round, and units are twice as busy before."""
    random = np.random.default_rng(7)
    sizes = [({"0": 4000, "1": 500}, 1.0), ({"0": 500, "1": 4000}, 2.0)]
    strata = [
        {v: sums(*units(random, n, before=busy)) for v, n in day.items()} for day, busy in sizes
    ]
    of = {v: strata[0][v] + strata[1][v] for v in ("0", "1")}
    (plain,), (within,) = checked(of), checked(of, strata=strata)
    assert (plain.state, within.state) == (BeforeState.DIFFERS, BeforeState.ALIKE)


def test_looking_often_finds_no_difference_where_there_is_none() -> None:
    random, alarms = np.random.default_rng(8), 0
    for _ in range(40):
        of = {v: sums(*units(random, 100)) for v in "01"}
        for _ in range(12):
            of = {v: each + sums(*units(random, 100)) for v, each in of.items()}
            alarms += checked(of)[0].state is BeforeState.DIFFERS
    assert not alarms


def test_before_a_planned_size_is_reached_the_test_is_one_of_many() -> None:
    random = np.random.default_rng(9)
    of = {v: sums(*units(random, 1000)) for v in "01"}
    methods = []
    for size in (None, 2000, 2001):
        (found,) = checked(of, plan=AnalysisPlan(method="welch", sample_size=size))
        assert found.comparison is not None
        methods.append(found.comparison.method)
    assert methods == ["welch", "welch", "sequential"]
