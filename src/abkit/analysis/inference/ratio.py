"""Metrics that are a ratio of two sums, such as orders per session, with the user as the unit."""

from abkit.analysis.aggregates import Moments
from abkit.errors import AnalysisError


def ratio(numerator: Moments, denominator: Moments, *, covariance: float) -> Moments:
    """The moments of a ratio of means, by which it can be compared like any mean.

    The delta method of Deng, Knoblich and Lu (2018, "Applying the delta method in metric analytics",
    KDD): R = m_y / m_x and s² = (s_y² - 2 R s_xy + R² s_x²) / m_x², across the randomized units.

    Args:
        numerator: Of y over the units.
        denominator: Of x over the same units; its mean is not 0.
        covariance: Of y and x between the units, with the same divisor as the variances.

    Raises:
        AnalysisError: The denominator's mean is 0, or the two are not of the same units.
    """
    if numerator.n != denominator.n or denominator.mean == 0:
        message = (
            "A ratio needs two metrics of the same units and a denominator whose mean is not 0, "
            f"not n={numerator.n} and n={denominator.n}, denominator mean={denominator.mean}"
        )
        raise AnalysisError(message)
    means = numerator.mean, denominator.mean
    covariances = (numerator.variance, covariance), (covariance, denominator.variance)
    variance = ratio_covariance(means, means, covariances=covariances)
    return Moments(numerator.n, numerator.mean / denominator.mean, max(0.0, variance))


def ratio_covariance(
    first: tuple[float, float],
    second: tuple[float, float],
    *,
    covariances: tuple[tuple[float, float], tuple[float, float]],
) -> float:
    """Between two ratios, per unit; of a ratio with itself its variance, as `ratio` has it.

    By the same delta method, the covariance of (y - R x) / m_x and (y' - R' x') / m_x': between a
    ratio and the same ratio before the experiment, it is what CUPED needs. Taken at the means of all
    arms, it is what theta is made of.

    Args:
        first: m_y and m_x, the means of numerator and denominator around which is linearized; any
            numbers, but the denominator's is not 0.
        second: m_y' and m_x', of the second ratio.
        covariances: Between the units: ((y y', y x'), (x y', x x')).

    Raises:
        AnalysisError: A denominator's mean is 0.
    """
    if first[1] == 0 or second[1] == 0:
        message = (
            f"A ratio needs a denominator whose mean is not 0, not the means {first} and {second}"
        )
        raise AnalysisError(message)
    one, other = first[0] / first[1], second[0] / second[1]
    (both_y, y_x), (x_y, both_x) = covariances
    return (both_y - other * y_x - one * x_y + one * other * both_x) / (first[1] * second[1])
