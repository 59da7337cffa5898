from math import exp, inf, pi, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import ndtr, ndtri

from abkit.analysis.inference.comparison import Comparison, Interval
from abkit.analysis.inference.group_sequential import (
    Spending,
    boundaries,
    crossing_probability,
    group_sequential,
    hwang_shih_decani,
    obrien_fleming,
    pocock,
    power_family,
)
from abkit.analysis.statistics.aggregates import Moments
from abkit.errors import AnalysisError

FIFTHS = [0.2, 0.4, 0.6, 0.8, 1.0]


@pytest.mark.parametrize(
    ("spending", "bounds"),
    [
        (obrien_fleming, (4.8769, 3.3570, 2.6803, 2.2898, 2.0310)),
        (pocock, (2.4380, 2.4268, 2.4102, 2.3966, 2.3860)),
        (hwang_shih_decani(-4), (3.2527, 2.9860, 2.6917, 2.3737, 2.0253)),
    ],
    ids=["O'Brien-Fleming", "Pocock", "Hwang-Shih-De Cani, gsDesign"],
)
def test_reference_bounds_of_five_looks(spending: Spending, bounds: tuple[float, ...]) -> None:
    assert boundaries(FIFTHS, spending=spending) == pytest.approx(bounds, abs=5.1e-5)


def test_what_is_spent_by_hwang_shih_decani_is_gsdesigns() -> None:
    spent = [hwang_shih_decani(-4)(share, 0.025) for share in FIFTHS]
    assert np.diff([0.0, *spent]) == pytest.approx(
        [0.0006, 0.0013, 0.0028, 0.0063, 0.0140], abs=5e-5
    )


@pytest.mark.parametrize(
    ("looks", "constant"), [(2, 2.1783), (3, 2.2895), (4, 2.3613), (5, 2.4132), (10, 2.5550)]
)
def test_pococks_constants_cross_with_five_percent(looks: int, constant: float) -> None:
    information = [(look + 1) / looks for look in range(looks)]
    crossed = crossing_probability(information, [constant] * looks)
    assert crossed == pytest.approx(0.05, abs=1e-5)


@pytest.mark.parametrize(
    ("looks", "constant"), [(2, 1.9774), (3, 2.0040), (4, 2.0243), (5, 2.0401), (10, 2.0865)]
)
def test_obrien_and_flemings_constants_cross_with_five_percent(looks: int, constant: float) -> None:
    information = [(look + 1) / looks for look in range(looks)]
    bounds = [constant / sqrt(share) for share in information]
    assert crossing_probability(information, bounds) == pytest.approx(0.05, abs=1e-5)


def test_a_single_look_is_the_ordinary_test() -> None:
    for spending in (obrien_fleming, pocock, power_family(3), hwang_shih_decani(-4)):
        assert boundaries([1.0], spending=spending) == pytest.approx((ndtri(0.975),), rel=1e-9)


shares = st.lists(st.integers(1, 50), min_size=1, max_size=8, unique=True).map(
    lambda looks: [look / 50 for look in sorted(looks)]
)


@settings(max_examples=50, deadline=None)
@given(shares, st.sampled_from([0.01, 0.05, 0.2]), st.sampled_from([pocock, power_family(2)]))
def test_the_bounds_are_crossed_with_what_has_been_spent(
    information: list[float], alpha: float, spending: Spending
) -> None:
    crossed = crossing_probability(
        information, boundaries(information, alpha=alpha, spending=spending)
    )
    assert crossed == pytest.approx(2 * spending(information[-1], alpha / 2), rel=1e-6)


@pytest.mark.parametrize("looks", [2, 5, 18, 100, 250])
def test_the_first_bound_is_that_of_the_spending_formula(looks: int) -> None:
    """The normal quantile of what one tail may have spent; at 1/18 of the information 9.437."""
    spent = 2 * ndtr(ndtri(0.0125) * sqrt(looks))
    first, *_ = boundaries([1 / looks, 1])
    assert first == pytest.approx(-ndtri(spent), rel=1e-12)


def test_the_second_of_two_early_bounds_spends_what_is_left() -> None:
    first, second = 1 / 18, 1 / 17
    bounds = boundaries([first, second])
    crossed = quad(
        lambda x: (
            exp(-x * x / (2 * first))
            / sqrt(2 * pi * first)
            * ndtr((x - bounds[1] * sqrt(second)) / sqrt(second - first))
        ),
        -bounds[0] * sqrt(first),
        bounds[0] * sqrt(first),
        points=[bounds[0] * sqrt(first) * 0.95],
        epsabs=0,
        epsrel=1e-12,
    )[0]
    left = obrien_fleming(second, 0.025) - obrien_fleming(first, 0.025)
    assert crossed == pytest.approx(left, rel=1e-9)


def test_where_less_is_spent_than_a_float_can_say_there_is_no_bound() -> None:
    assert boundaries([0.002, 1])[0] == inf


def test_many_looks_keep_the_level() -> None:
    information = [(look + 1) / 100 for look in range(100)]
    bounds = boundaries(information)
    assert bounds[0] == pytest.approx(22.383, abs=1e-3)
    assert crossing_probability(information, bounds) == pytest.approx(0.05, rel=1e-9)


@pytest.mark.parametrize(
    "information", [[], [0.0, 1.0], [0.5, 0.5], [0.6, 0.4], [0.5, 1.0, 1.1], [float("nan")], [inf]]
)
def test_information_that_does_not_rise_is_refused(information: list[float]) -> None:
    with pytest.raises(AnalysisError, match="must rise from above 0, and only the last may be 1"):
        boundaries(information)


@pytest.mark.parametrize("spending", [obrien_fleming, pocock])
@pytest.mark.parametrize("late", [[0.25, 0.47, 0.6, 0.95, 1.0], [0.2, 0.4, 0.6, 0.8, 1.5]])
def test_looks_that_come_late_keep_the_level_by_the_information_they_found(
    spending: Spending, late: list[float]
) -> None:
    """With the bounds of the planned shares, a last look that comes late would not."""
    assert crossing_probability(late, boundaries(late, spending=spending)) == pytest.approx(0.05)
    if late[-1] > 1:
        planned = boundaries(FIFTHS, spending=spending)
        assert crossing_probability(late, planned) > 0.051


def look(difference: float, bound: float) -> Comparison:
    """With a standard error of 0.1."""
    arms = Moments(10_000, 10.0, 50.0), Moments(10_000, 10.0 + difference, 50.0)
    return group_sequential(*arms, bound=bound, details={"look": 2})


def test_a_look_is_significant_at_its_bound() -> None:
    below, above = look(0.2339, 2.34), look(0.2341, 2.34)
    assert (below.significant, above.significant) == (False, True)
    assert above.alpha == pytest.approx(2 * ndtr(-2.34))
    assert above.p_value == pytest.approx(2 * ndtr(-2.341))
    assert above.details["look"] == 2
    assert above.details["statistic"] == pytest.approx(2.341)


@given(st.floats(-1, 1), st.floats(0.5, 8))
def test_verdict_and_intervals_of_a_look_agree(difference: float, bound: float) -> None:
    found = look(difference, bound)
    for interval in (found.interval, found.lift_interval):
        assert interval is not None
        assert (not interval.low <= 0 <= interval.high) is found.significant


def test_a_look_that_says_nothing_of_its_uncertainty_decides_nothing() -> None:
    for arms in (
        (Moments(1, 1.0, 0.0), Moments(9, 2.0, 1.0)),
        (Moments(9, 1.0, 0.0), Moments(9, 2.0, 0.0)),
    ):
        found = group_sequential(*arms, bound=2.0, details={})
        assert (found.p_value, found.interval) == (1.0, Interval(-inf, inf))


@pytest.mark.parametrize("spending", [obrien_fleming, pocock])
def test_planned_looks_keep_the_level_and_nearly_the_power_of_one_look(spending: Spending) -> None:
    """20,000 experiments of five looks; an effect that one look finds with 80% power."""
    random = np.random.default_rng(7)
    bounds = np.array(boundaries(FIFTHS, spending=spending))
    steps = random.normal(0, sqrt(0.2), (20_000, 5)).cumsum(axis=1)
    drift = 2.8016 * np.array(FIFTHS)

    def rejected(scores: NDArray[np.float64]) -> float:
        return float((np.abs(scores / np.sqrt(FIFTHS)) >= bounds).any(axis=1).mean())

    assert rejected(steps) == pytest.approx(0.05, abs=0.005)
    assert rejected(steps + drift) > (0.78 if spending is obrien_fleming else 0.7)


def test_the_interval_of_a_single_look_is_walds() -> None:
    (bound,) = boundaries([1.0])
    control, treatment = Moments.from_successes(34, 1), Moments.from_successes(34, 7)
    found = group_sequential(control, treatment, bound=bound, details={}).interval
    reach = 1.959963984540054 * sqrt((1 / 34 * 33 / 34 + 7 / 34 * 27 / 34) / 34)
    assert (found.low, found.high) == pytest.approx((6 / 34 - reach, 6 / 34 + reach), abs=1e-9)


def test_one_sided_bounds_are_gsdesigns() -> None:
    """Hwang-Shih-De Cani, gamma -4, one-sided .025: a lower bound is too far off to matter."""
    found = boundaries(FIFTHS, alpha=0.025, spending=hwang_shih_decani(-4), sides=1)
    assert found == pytest.approx((3.2527, 2.9860, 2.6917, 2.3737, 2.0253), abs=5.1e-5)


def test_one_sided_bounds_stop_with_alpha_above_them_only() -> None:
    bounds = boundaries(FIFTHS, alpha=0.2, spending=pocock, sides=1)
    random = np.random.default_rng(11)
    scores = random.normal(0, sqrt(0.2), (200_000, 5)).cumsum(axis=1) / np.sqrt(FIFTHS)
    assert (scores >= bounds).any(axis=1).mean() == pytest.approx(0.2, abs=0.003)


def test_an_impossible_number_of_sides_is_refused() -> None:
    with pytest.raises(AnalysisError, match="sides must be 1 or 2"):
        boundaries(FIFTHS, sides=3)  # type: ignore[arg-type]
