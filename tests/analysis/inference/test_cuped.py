"""CUPED with any number of covariates."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from abkit.analysis.inference.cuped import adjust, fitted, imbalance, weights
from abkit.analysis.statistics.aggregates import Moments
from abkit.analysis.statistics.estimands import Covariates


def moments(values: NDArray[np.float64]) -> Moments:
    return Moments(len(values), float(values.mean()), float(values.var(ddof=1)))


def covariates(metric: NDArray[np.float64], *before: NDArray[np.float64]) -> Covariates:
    """From one value a unit."""
    matrix = np.cov(np.stack([*before, metric]))
    return Covariates(
        means=tuple(float(values.mean()) for values in before),
        with_metric=tuple(matrix[-1, :-1].tolist()),
        among=tuple(tuple(row) for row in matrix[:-1, :-1].tolist()),
    )


def single(mean: float, variance: float, covariance: float) -> Covariates:
    """Of one covariate."""
    return Covariates(means=(mean,), with_metric=(covariance,), among=((variance,),))


def everyone(arms: Sequence[tuple[Moments, Covariates]]) -> Covariates:
    """Of the units of all arms together, from the arms, each with one covariate."""
    n = sum(metric.n for metric, _ in arms)
    y = sum(metric.n * metric.mean for metric, _ in arms) / n
    x = sum(metric.n * before.means[0] for metric, before in arms) / n
    shared = sum(
        (metric.n - 1) * before.with_metric[0]
        + metric.n * (metric.mean - y) * (before.means[0] - x)
        for metric, before in arms
    )
    squares = sum(
        (metric.n - 1) * before.among[0][0] + metric.n * (before.means[0] - x) ** 2
        for metric, before in arms
    )
    return single(x, squares / (n - 1), shared / (n - 1))


def adjusted_arms(arms: Sequence[tuple[Moments, Covariates]]) -> list[Moments]:
    overall = everyone(arms)
    theta = weights(overall)
    return [adjust(y, x, theta=theta, overall=overall.means) for y, x in arms]


units = st.lists(
    st.tuples(st.floats(-100, 100), st.floats(-100, 100), st.sampled_from([0.0, 1.0])),
    min_size=2,
    max_size=20,
).filter(lambda rows: np.ptp([x for _, x, _ in rows]) > 1e-2)


@given(units, units)
def test_the_moments_are_those_of_the_residuals_of_all_units(
    control: list[tuple[float, ...]], treatment: list[tuple[float, ...]]
) -> None:
    """All arms share one theta, the slope of the least squares line through all units."""
    table = np.array(control + treatment)
    overall = covariates(table[:, 0], table[:, 1])
    theta = weights(overall)
    slope = float(np.polynomial.polynomial.polyfit(table[:, 1], table[:, 0], 1)[1])
    assert theta[0] == pytest.approx(slope, rel=1e-6, abs=1e-6)
    for rows in (control, treatment):
        y, x, _ = np.array(rows).T
        found = adjust(moments(y), covariates(y, x), theta=theta, overall=overall.means)
        left = y - theta[0] * (x - overall.means[0])
        assert found.n == len(rows)
        assert found.mean == pytest.approx(left.mean(), rel=1e-6, abs=1e-6)
        assert found.variance == pytest.approx(left.var(ddof=1), rel=1e-6, abs=1e-5)


def test_two_covariates_have_the_slopes_of_a_least_squares_fit() -> None:
    random = np.random.default_rng(4)
    present = random.integers(0, 2, 5_000).astype(float)
    before = present * random.gamma(2, 3, 5_000)
    after = 0.7 * before - 2 * present + random.normal(0, 2, 5_000)
    design = np.stack([np.ones(5_000), before, present], axis=1)
    slopes = np.linalg.lstsq(design, after, rcond=None)[0][1:]
    of_all = covariates(after, before, present)
    theta = weights(of_all)
    assert theta == pytest.approx(slopes.tolist(), rel=1e-9)
    found = adjust(moments(after), of_all, theta=theta, overall=of_all.means)
    assert found.variance == pytest.approx((after - design[:, 1:] @ slopes).var(ddof=1), rel=1e-9)


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6, 0.9])
def test_the_variance_falls_by_the_squared_correlation(correlation: float) -> None:
    random = np.random.default_rng(1)
    before = random.normal(0, 1, 50_000)
    after = correlation * before + sqrt(1 - correlation**2) * random.normal(0, 1, 50_000)
    of_all = covariates(after, before)
    plain = moments(after)
    found = adjust(plain, of_all, theta=weights(of_all), overall=of_all.means)
    assert found.variance / plain.variance == pytest.approx(1 - correlation**2, abs=0.01)


def test_a_covariate_that_says_what_another_one_says_is_left_out() -> None:
    """Who did nothing before has no revenue before; of conversions, both are one and the same."""
    random = np.random.default_rng(2)
    converted = random.integers(0, 2, 1_000).astype(float)
    after = random.normal(converted, 1)
    alone = weights(covariates(after, converted))
    assert weights(covariates(after, converted, converted)) == (alone[0], 0.0)
    assert weights(covariates(after, converted, 3 - 2 * converted)) == (alone[0], 0.0)


def test_a_covariate_that_does_not_vary_is_left_out() -> None:
    constant = Covariates(means=(1.0, 2.0), with_metric=(0.0, 3.0), among=((0.0, 0.0), (0.0, 6.0)))
    assert weights(constant) == (0.0, 0.5)
    plain = Moments(9, 1.0, 2.0)
    nothing = single(1.0, 0.0, 0.0)
    assert weights(nothing) == (0.0,)
    assert adjust(plain, nothing, theta=(0.0,), overall=(1.0,)) == plain


def test_a_covariate_counts_as_fitted_by_what_it_says_of_the_units_not_by_its_weight() -> None:
    """Where another one explains the metric, it may have a weight of 0 or of 1e-17, as rounding has it."""
    random = np.random.default_rng(4)
    explains, other = random.integers(0, 9, 100).astype(float), random.normal(size=100)
    assert fitted(covariates(3 * explains, explains, other)) == (True, True)
    assert fitted(covariates(0 * explains, explains, other)) == (True, True)
    assert fitted(covariates(other, explains, 2 - explains)) == (True, False)
    assert fitted(covariates(other, 0 * explains, explains)) == (False, True)
    assert fitted(single(1.0, 0.0, 0.0)) == (False,)


def test_the_variance_never_falls_below_zero() -> None:
    """Theta is that of all arms; in one of them the fit may be perfect, and rounding below it."""
    perfect = single(0.0, 1.0, 1.0)
    found = adjust(Moments(9, 1.0, 1.0 - 1e-12), perfect, theta=(1.0,), overall=(0.0,))
    assert found.variance == 0.0


@pytest.mark.parametrize(
    ("first", "second", "apart"),
    [
        (single(1.0, 4.0, 0.0), single(1.5, 4.0, 0.0), 0.5 / sqrt(4 / 100 + 4 / 400)),
        (single(1.5, 4.0, 0.0), single(1.0, 4.0, 0.0), 0.5 / sqrt(4 / 100 + 4 / 400)),
        (single(1.0, 0.0, 0.0), single(1.0, 0.0, 0.0), 0.0),
    ],
)
def test_imbalance_is_in_standard_errors(
    first: Covariates, second: Covariates, apart: float
) -> None:
    assert imbalance(first, 100, second, 400) == pytest.approx(apart)
    assert imbalance(first, 1, second, 400) == 0.0
