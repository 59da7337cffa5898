"""CUPED: less variance, by what the units did before the experiment."""

from collections.abc import Sequence
from math import sqrt
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from abkit.analysis.aggregates import Moments

SAME = 1e-8
"""Covariates are one and the same when the least eigenvalue of their correlations is below this."""


class Covariates(Protocol):
    """What some units were before their exposure, beside a metric of theirs.

    The treatment must not be able to change it: the same metric before the first exposure is best.
    """

    @property
    def means(self) -> tuple[float, ...]:
        """Of each covariate."""
        ...

    @property
    def with_metric(self) -> tuple[float, ...]:
        """The covariance of each covariate with the metric, between the units."""
        ...

    @property
    def among(self) -> tuple[tuple[float, ...], ...]:
        """The covariance of each covariate with each other one."""
        ...


def weights(everyone: Covariates) -> tuple[float, ...]:
    """The weight of each covariate, theta: the inverse of Cov(X, X), times Cov(X, Y).

    Deng, Xu, Kohavi and Walker (2013, "Improving the sensitivity of online controlled experiments by
    utilizing pre-experiment data", WSDM), with several covariates: the slopes of a least squares fit.

    Args:
        everyone: Of the units of all arms together, for whom there is one theta.

    Returns:
        One weight each; 0 for a covariate that does not vary, or says what those before it say.
    """
    among, with_metric = np.array(everyone.among, float), np.array(everyone.with_metric, float)
    found = np.zeros(len(with_metric))
    kept = _distinct(among)
    if kept:
        found[kept] = np.linalg.solve(among[np.ix_(kept, kept)], with_metric[kept])
    return tuple(found.tolist())


def adjust(
    metric: Moments, covariates: Covariates, *, theta: Sequence[float], overall: Sequence[float]
) -> Moments:
    """The moments of Y - theta (X - mean of X over all arms), of the units of one arm.

    All arms share theta and the mean of X, so the differences stay unbiased; their variance falls
    by the squared (multiple) correlation of Y and X.

    Args:
        metric: Of Y, the variance unbiased (n - 1).
        covariates: Of the same units.
        theta: The weight of each covariate: `weights`.
        overall: The mean of each covariate over the units of all arms.
    """
    slopes = np.array(theta, float)
    moved = slopes @ (np.array(covariates.means, float) - np.array(overall, float))
    shared = slopes @ np.array(covariates.with_metric, float)
    explained = slopes @ np.array(covariates.among, float) @ slopes
    variance = metric.variance - 2 * float(shared) + float(explained)
    return Moments(metric.n, metric.mean - float(moved), max(0.0, variance))


def imbalance(first: Covariates, first_n: int, second: Covariates, second_n: int) -> float:
    """How far two arms differed before their exposure, in standard errors of the difference.

    Of the first covariate; 0 where it does not vary.
    """
    if first_n < 2 or second_n < 2:
        return 0.0
    error = sqrt(first.among[0][0] / first_n + second.among[0][0] / second_n)
    return abs(first.means[0] - second.means[0]) / error if error > 0 else 0.0


def _distinct(among: NDArray[np.float64]) -> list[int]:
    """The covariates that vary, each not determined by those before it."""
    kept: list[int] = []
    for covariate in range(len(among)):
        if not among[covariate, covariate] > 0:
            continue
        tried = [*kept, covariate]
        part = among[np.ix_(tried, tried)]
        deviations = np.sqrt(np.diag(part))
        correlations = part / np.outer(deviations, deviations)
        if np.linalg.eigvalsh(correlations)[0] > SAME:
            kept = tried
    return kept
