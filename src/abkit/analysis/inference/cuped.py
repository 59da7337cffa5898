"""CUPED: less variance, by what the units did before the experiment."""

from collections.abc import Sequence
from math import sqrt

from attrs import frozen

from abkit.analysis.aggregates import Moments
from abkit.errors import AnalysisError


@frozen
class PairedMoments:
    """The units of one variant, summed up for a metric and a covariate.

    Attributes:
        metric: The moments of the metric.
        covariate: The moments of the covariate over the same units: the same metric before the first
            exposure is best. The treatment must not be able to change it.
        covariance: Of the two between the units, unbiased (n - 1).
    """

    metric: Moments
    covariate: Moments
    covariance: float

    def __attrs_post_init__(self) -> None:
        if self.metric.n != self.covariate.n or self.covariance != self.covariance:
            message = (
                "A metric and its covariate must be of the same units, "
                f"not n={self.metric.n} and n={self.covariate.n}, covariance={self.covariance}"
            )
            raise AnalysisError(message)


def theta(arms: Sequence[PairedMoments]) -> float:
    """The weight of the covariate: cov(Y, X) / var(X) over the units of all arms together.

    Deng, Xu, Kohavi and Walker (2013, "Improving the sensitivity of online controlled experiments by
    utilizing pre-experiment data", WSDM). 0 where the covariate does not vary.
    """
    units = sum(arm.metric.n for arm in arms)
    if units < 2:
        return 0.0
    covariate_mean = _overall(arms)
    metric_mean = sum(arm.metric.n * arm.metric.mean for arm in arms) / units
    products = squares = 0.0
    for arm in arms:
        apart = arm.covariate.mean - covariate_mean
        products += (arm.metric.n - 1) * arm.covariance if arm.metric.n else 0.0
        products += arm.metric.n * apart * (arm.metric.mean - metric_mean)
        squares += (arm.metric.n - 1) * arm.covariate.variance if arm.metric.n else 0.0
        squares += arm.metric.n * apart * apart
    return products / squares if squares > 0 else 0.0


def adjust(arms: Sequence[PairedMoments]) -> tuple[Moments, ...]:
    """The moments of Y - theta (X - mean of X over all arms), in the same order.

    All arms share theta and the mean of X, so the differences stay unbiased; their variance falls
    by the squared correlation of Y and X.
    """
    weight, overall = theta(arms), _overall(arms)
    return tuple(_adjusted(arm, weight, overall) for arm in arms)


def correlation(arm: PairedMoments) -> float:
    """Of metric and covariate between the units of one arm; 0 where one of them does not vary."""
    spread = sqrt(arm.metric.variance) * sqrt(arm.covariate.variance)
    return max(-1.0, min(1.0, arm.covariance / spread)) if spread > 0 else 0.0


def _adjusted(arm: PairedMoments, weight: float, overall: float) -> Moments:
    mean = arm.metric.mean - weight * (arm.covariate.mean - overall)
    variance = (
        arm.metric.variance - 2 * weight * arm.covariance + weight * weight * arm.covariate.variance
    )
    return Moments(arm.metric.n, mean, max(0.0, variance))


def _overall(arms: Sequence[PairedMoments]) -> float:
    """The covariate's mean over the units of all arms."""
    units = sum(arm.covariate.n for arm in arms)
    return sum(arm.covariate.n * arm.covariate.mean for arm in arms) / units if units else 0.0
