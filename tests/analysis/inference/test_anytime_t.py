from math import exp, inf, log, sqrt

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from abkit.analysis.aggregates import Moments
from abkit.analysis.inference.anytime_t import (
    Coefficient,
    Look,
    anytime_t,
    coefficient,
    critical_value,
    difference_of_means,
    log_bayes_factor,
    running,
)
from abkit.analysis.inference.comparison import Interval
from abkit.analysis.inference.sequential import half_width, log_likelihood_ratio
from abkit.errors import AnalysisError

SOME = Coefficient(estimate=0.3, standard_error=0.1, freedom=50, information=40)


def products(rows: NDArray[np.float64]) -> list[list[float]]:
    found: list[list[float]] = (rows.T @ rows).tolist()
    return found


@given(
    st.floats(0.01, 0.5), st.floats(1, 1e7), st.floats(1e-3, 1e8), st.sampled_from([False, True])
)
def test_the_statistic_at_the_critical_value_has_the_p_value_alpha(
    alpha: float, freedom: float, ratio: float, known: bool
) -> None:
    freedom = inf if known else freedom
    critical = critical_value(alpha, freedom=freedom, ratio=ratio)
    if critical == inf:
        largest = log_bayes_factor(1e200, freedom=freedom, ratio=ratio)
        assert largest <= -log(alpha) + 1e-6
    else:
        evidence = log_bayes_factor(critical**2, freedom=freedom, ratio=ratio)
        assert evidence == pytest.approx(-log(alpha), rel=1e-5)


def test_avlms_radius_of_a_known_variance() -> None:
    """n = 10,000, g = 1, alpha .05."""
    assert critical_value(0.05, freedom=inf, ratio=10_000) == pytest.approx(3.899157, abs=5e-7)


@given(st.floats(0.001, 5), st.floats(0.01, 10), st.floats(-3, 3))
def test_with_a_known_variance_it_is_the_msprt(error: float, tau: float, estimate: float) -> None:
    known = Coefficient(
        estimate=estimate, standard_error=error, freedom=inf, information=1 / error**2
    )
    found = anytime_t(known, phi=1 / tau**2)
    likelihood = log_likelihood_ratio(estimate, variance=error**2, tau=tau)
    assert found.p_value == pytest.approx(exp(-max(0.0, likelihood)), rel=1e-6, abs=1e-300)
    reach = half_width(error**2, tau=tau, alpha=0.05)
    assert found.interval.high - estimate == pytest.approx(reach, rel=1e-6, abs=1e-9)


def test_many_units_are_as_a_known_variance() -> None:
    t = log_bayes_factor(9.0, freedom=1e9, ratio=100)
    assert t == pytest.approx(log_bayes_factor(9.0, freedom=inf, ratio=100), rel=1e-6)


def test_several_coefficients_are_mixed_over_zellners_prior() -> None:
    """The Bayes factor of Liang et al. (2008, JASA 103(481)), eq. 6, with g' = n, n - 1 - p = nu."""
    units, columns, r_squared, g = 60, 3, 0.35, 25.0
    freedom = units - 1 - columns
    f = r_squared / columns / ((1 - r_squared) / freedom)
    expected = (freedom / 2) * log(1 + g) - (units - 1) / 2 * log(1 + g * (1 - r_squared))
    found = log_bayes_factor(f, freedom=freedom, ratio=g, restrictions=columns)
    assert found == pytest.approx(expected)


@given(st.floats(-5, 5), st.floats(0.01, 2), st.floats(2, 1e4), st.floats(0.1, 1e5))
def test_the_interval_excludes_0_exactly_when_p_is_at_most_alpha(
    estimate: float, error: float, freedom: float, information: float
) -> None:
    found = anytime_t(
        Coefficient(
            estimate=estimate, standard_error=error, freedom=freedom, information=information
        )
    )
    assert (found.p_value <= 0.05) == (not found.interval.low <= 0 <= found.interval.high)


def test_coefficients_are_those_of_least_squares() -> None:
    random = np.random.default_rng(3)
    design = np.column_stack([np.ones(80), random.normal(5, 2, 80), random.integers(0, 2, 80)])
    outcome = design @ [1.0, 0.5, -0.3] + random.normal(size=80)
    estimates, residual, *_ = np.linalg.lstsq(design, outcome, rcond=None)
    inverse = np.linalg.inv(design.T @ design)
    sums = products(np.column_stack([design, outcome]))
    for place in range(3):
        found = coefficient(sums, units=80, of=place)
        assert found is not None
        assert found.estimate == pytest.approx(estimates[place])
        error = sqrt(residual[0] / 77 * inverse[place, place])
        assert found.standard_error == pytest.approx(error)
        assert found.freedom == 77
        spread = sqrt(residual[0] / 77)
        assert found.information == pytest.approx((spread / error) ** 2)


def test_the_difference_of_means_is_the_coefficient_of_the_treatment() -> None:
    random = np.random.default_rng(4)
    treated = np.repeat([0.0, 1.0], [40, 25])
    outcome = 2 + 0.5 * treated + random.normal(size=65)
    sums = products(np.column_stack([np.ones(65), treated, outcome]))
    control, treatment = (
        Moments(len(arm), float(arm.mean()), float(arm.var(ddof=1)))
        for arm in (outcome[:40], outcome[40:])
    )
    found, expected = difference_of_means(control, treatment), coefficient(sums, units=65, of=1)
    assert found is not None
    assert expected is not None
    assert attrs.astuple(found) == pytest.approx(attrs.astuple(expected))


def test_it_stops_rarely_at_any_of_all_looks() -> None:
    """A thousand A/A tests of 4 to 400 units an arm, each pair of units being a look."""
    random = np.random.default_rng(5)
    n = np.arange(1, 401)
    both = random.normal(10, 3, (2, 1000, 400))
    totals, squares = both.cumsum(axis=2), (both**2).cumsum(axis=2)
    variances = (squares - totals**2 / n)[:, :, 3:] / (n[3:] - 1)
    means = (totals / n)[:, :, 3:]
    stopped = 0
    for trial in range(1000):
        for look in range(0, 397, 4):
            size = int(n[look + 3])
            found = difference_of_means(
                *(
                    Moments(size, means[arm, trial, look], variances[arm, trial, look])
                    for arm in (0, 1)
                )
            )
            assert found is not None
            if anytime_t(found, phi=10).p_value <= 0.05:
                stopped += 1
                break
    assert 5 <= stopped <= 55


def test_running_keeps_the_smallest_p_value_and_the_intersection() -> None:
    looks = [Look(0.3, Interval(-1, 5)), Look(0.01, Interval(1, 6)), Look(0.2, Interval(-2, 4))]
    assert running(looks) == (
        Look(0.3, Interval(-1, 5)),
        Look(0.01, Interval(1, 5)),
        Look(0.01, Interval(1, 4)),
    )
    assert running([]) == ()


def test_intervals_that_contradict_each_other_have_an_empty_intersection() -> None:
    low, high = Look(0.01, Interval(1, 2)), Look(0.01, Interval(3, 4))
    assert running([low, high])[-1].interval == Interval(3, 2)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([[1, 0, 2], [1, 1, 3]], "as many units as columns"),
        ([[1, 1, 2], [1, 1, 3], [1, 1, 5]], "everybody is treated"),
        ([[1, 0, 2], [1, 0, 3], [1, 0, 5]], "nobody is treated"),
        ([[1, 0, 2], [1, 1, 2], [1, 1, 2]], "the outcome does not vary"),
    ],
)
def test_a_coefficient_that_is_not_determined_is_none(rows: list[list[float]], why: str) -> None:
    sums = products(np.asarray(rows, float))
    assert coefficient(sums, units=len(rows), of=1) is None, why


def test_means_without_known_uncertainty_have_no_coefficient() -> None:
    assert difference_of_means(Moments(1, 2.0, 0.0), Moments(9, 2.0, 1.0)) is None
    assert difference_of_means(Moments(9, 2.0, 0.0), Moments(9, 3.0, 0.0)) is None


def test_a_few_units_reject_nothing() -> None:
    found = anytime_t(Coefficient(estimate=9, standard_error=0.01, freedom=1, information=1))
    assert found.interval == Interval(-inf, inf)
    assert found.p_value > 0.05


@pytest.mark.parametrize("phi", [0.0, -1.0, float("nan")])
def test_an_impossible_phi_is_refused(phi: float) -> None:
    with pytest.raises(AnalysisError, match="needs phi"):
        anytime_t(SOME, phi=phi)


@pytest.mark.parametrize(
    "changes",
    [
        {"estimate": float("nan")},
        {"standard_error": 0.0},
        {"freedom": 0},
        {"information": 0.0},
        {"information": inf},
    ],
)
def test_an_impossible_coefficient_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(AnalysisError, match="A coefficient needs"):
        attrs.evolve(SOME, **changes)


def test_impossible_statistics_and_products_are_refused() -> None:
    with pytest.raises(AnalysisError, match="for one coefficient it is t squared"):
        log_bayes_factor(-1.0, freedom=5, ratio=1)
    with pytest.raises(AnalysisError, match="square matrix"):
        coefficient([[1.0, 2.0]], units=5, of=0)
    with pytest.raises(AnalysisError, match="one of the 2 columns"):
        coefficient(np.eye(3).tolist(), units=5, of=2)
