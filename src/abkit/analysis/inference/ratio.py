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
    value = numerator.mean / denominator.mean
    spread = numerator.variance - 2 * value * covariance + value * value * denominator.variance
    return Moments(numerator.n, value, max(0.0, spread) / denominator.mean**2)
