import numpy as np
import pytest

from abkit.analysis.aggregates import Moments
from abkit.analysis.inference.ratio import ratio, ratio_covariance
from abkit.errors import AnalysisError


def test_it_is_the_mean_and_the_variance_of_the_linearized_units() -> None:
    """Each unit as (y - R x) / mean(x): as many numbers as units, with an ordinary variance."""
    random = np.random.default_rng(3)
    sessions = 1.0 + random.poisson(2, 500)
    orders = random.binomial(sessions.astype(int), 0.3).astype(float)
    found = ratio(
        Moments(500, orders.mean(), orders.var(ddof=1)),
        Moments(500, sessions.mean(), sessions.var(ddof=1)),
        covariance=float(np.cov(orders, sessions)[0, 1]),
    )
    linearized = (orders - found.mean * sessions) / sessions.mean()
    assert found.mean == pytest.approx(orders.sum() / sessions.sum())
    assert found.variance == pytest.approx(linearized.var(ddof=1), rel=1e-9)


def test_its_variance_is_that_between_experiments() -> None:
    """4,000 experiments of 400 users; that of a mean of single orders would be far too small."""
    random = np.random.default_rng(4)
    sessions = 1 + random.poisson(3, (4000, 400))
    inclination = random.beta(2, 5, (4000, 400))
    orders = random.binomial(sessions, inclination)
    found = orders.sum(axis=1) / sessions.sum(axis=1)
    y, x = orders[0].astype(float), sessions[0].astype(float)
    one = ratio(
        Moments(400, y.mean(), y.var(ddof=1)),
        Moments(400, x.mean(), x.var(ddof=1)),
        covariance=float(np.cov(y, x)[0, 1]),
    )
    assert one.variance / 400 == pytest.approx(found.var(), rel=0.15)


def test_a_constant_denominator_of_one_changes_nothing() -> None:
    metric = Moments(50, 3.0, 2.0)
    assert ratio(metric, Moments(50, 1.0, 0.0), covariance=0.0) == metric


@pytest.mark.parametrize("denominator", [Moments(10, 0.0, 1.0), Moments(11, 1.0, 1.0)])
def test_what_cannot_be_divided_is_refused(denominator: Moments) -> None:
    with pytest.raises(AnalysisError, match="the same units and a denominator whose mean is not 0"):
        ratio(Moments(10, 1.0, 1.0), denominator, covariance=0.0)


def test_the_covariance_of_two_ratios_is_that_of_their_linearized_units() -> None:
    random = np.random.default_rng(7)
    y, x, y_2, x_2 = random.normal(5, 1, (4, 300)) + random.normal(0, 1, 300)
    found = ratio_covariance(
        (y.mean(), x.mean()),
        (y_2.mean(), x_2.mean()),
        covariances=(
            (np.cov(y, y_2)[0, 1], np.cov(y, x_2)[0, 1]),
            (np.cov(x, y_2)[0, 1], np.cov(x, x_2)[0, 1]),
        ),
    )
    one = (y - y.mean() / x.mean() * x) / x.mean()
    other = (y_2 - y_2.mean() / x_2.mean() * x_2) / x_2.mean()
    assert found == pytest.approx(np.cov(one, other)[0, 1])


def test_a_covariance_of_ratios_without_a_denominator_is_refused() -> None:
    with pytest.raises(AnalysisError, match="a denominator whose mean is not 0"):
        ratio_covariance((1.0, 2.0), (1.0, 0.0), covariances=((1.0, 0.0), (0.0, 1.0)))
