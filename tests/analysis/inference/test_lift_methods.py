from collections.abc import Callable
from math import inf, sqrt
from typing import Any

import attrs
import numpy as np
import pytest

from abkit.analysis.aggregates import Moments
from abkit.analysis.inference.lift_methods import (
    Lift,
    Means,
    adjusted_linear_delta,
    known_control,
    linear_delta,
    log_ratio,
)
from abkit.analysis.inference.variance import MeanVariances, separate
from abkit.analysis.inference.welch import welch
from abkit.errors import AnalysisError

CONTROL, TREATMENT = Moments.from_successes(5000, 500), Moments.from_successes(5000, 600)
RATES = Means(control=0.10, treatment=0.12, variances=separate(CONTROL, TREATMENT))
METHODS = [linear_delta, log_ratio, known_control]


def test_reference_interval_of_the_linear_delta_method() -> None:
    """0.10 against 0.12 of 5,000 each; abkit's own, Fieller's, is [.07320, .34351]."""
    found = linear_delta(RATES)
    ends = found.interval.low, found.interval.high
    assert ends == pytest.approx((0.06557, 0.33443), abs=5e-6)


def test_the_linear_delta_method_has_the_spread_between_experiments() -> None:
    random = np.random.default_rng(6)
    rates = random.binomial(5000, [[0.10], [0.12]], (2, 20_000)) / 5000
    assert linear_delta(RATES).standard_error == pytest.approx(
        (rates[1] / rates[0]).std(), rel=0.03
    )
    logarithms = np.log(rates[1] / rates[0])
    assert log_ratio(RATES).standard_error == pytest.approx(logarithms.std(), rel=0.03)


def test_it_may_contradict_the_difference_which_abkits_own_does_not() -> None:
    arms = (
        Moments.from_sums(3407, 1396.87, 52377.9767),
        Moments.from_sums(3461, 2422.7, 134698.29),
    )
    own = welch(*arms)
    theirs = linear_delta(
        Means(control=arms[0].mean, treatment=arms[1].mean, variances=separate(*arms))
    )
    assert own.significant
    assert own.lift_interval is not None
    assert own.lift_interval.low > 0 > theirs.interval.low


def test_a_known_control_has_the_p_value_of_the_difference() -> None:
    found = known_control(RATES)
    difference = 0.02 / sqrt(RATES.variances.difference)
    assert found.lift / found.standard_error == pytest.approx(difference)
    assert found.standard_error < linear_delta(RATES).standard_error


def test_without_adjustment_the_adjusted_method_is_the_linear_one() -> None:
    found = adjusted_linear_delta(RATES, plain=RATES, covariance=RATES.variances.control)
    expected = linear_delta(RATES)
    assert found.standard_error == pytest.approx(expected.standard_error)
    assert found.p_value == pytest.approx(expected.p_value)
    assert found.interval.low == pytest.approx(expected.interval.low)


def test_the_log_ratio_never_falls_below_minus_one() -> None:
    rare = Means(control=0.10, treatment=1e-4, variances=MeanVariances(1e-5, 1e-4))
    assert log_ratio(rare).interval.low >= -1
    assert log_ratio(rare, alternative="less").interval.low == -1
    assert linear_delta(rare).interval.low >= -1.5


@pytest.mark.parametrize("method", METHODS)
def test_a_one_sided_interval_has_the_end_of_twice_the_alpha(method: Callable[..., Lift]) -> None:
    both = method(RATES, alpha=0.1)
    greater, less = (method(RATES, alternative=each) for each in ("greater", "less"))
    assert greater.interval.low == pytest.approx(both.interval.low)
    assert greater.interval.high == inf
    assert less.interval.high == pytest.approx(both.interval.high)
    assert greater.p_value + less.p_value == pytest.approx(1)
    assert both.p_value == pytest.approx(2 * min(greater.p_value, less.p_value))


@pytest.mark.parametrize("method", METHODS)
def test_fewer_degrees_of_freedom_have_a_wider_interval(method: Callable[..., Lift]) -> None:
    few, many = method(attrs.evolve(RATES, freedom=5)), method(RATES)
    assert few.interval.low < many.interval.low
    assert few.p_value > many.p_value


@pytest.mark.parametrize("method", METHODS)
def test_two_negative_means_have_the_lift_of_their_sizes(method: Callable[..., Lift]) -> None:
    negative = attrs.evolve(RATES, control=-0.10, treatment=-0.12)
    assert method(negative).lift == pytest.approx(0.2)


@pytest.mark.parametrize(
    "changes",
    [
        {"control": 0.0},
        {"control": inf},
        {"treatment": float("nan")},
        {"variances": MeanVariances(0.0, 0.0)},
        {"variances": MeanVariances(-1.0, 2.0)},
        {"freedom": 0.0},
    ],
)
def test_means_without_a_lift_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(AnalysisError, match="A lift needs a control mean that is not 0"):
        attrs.evolve(RATES, **changes)


def test_the_log_ratio_of_two_signs_is_refused() -> None:
    with pytest.raises(AnalysisError, match="the same sign"):
        log_ratio(attrs.evolve(RATES, treatment=-0.12))


def test_an_impossible_covariance_is_refused() -> None:
    with pytest.raises(AnalysisError, match="too large beside the variances"):
        adjusted_linear_delta(RATES, plain=RATES, covariance=-1.0)


@pytest.mark.parametrize("method", METHODS)
def test_impossible_levels_and_alternatives_are_refused(method: Callable[..., Lift]) -> None:
    with pytest.raises(AnalysisError, match="alpha must be above 0"):
        method(RATES, alpha=0.0)
    with pytest.raises(AnalysisError, match="alternative must be one of"):
        method(RATES, alternative="both")
