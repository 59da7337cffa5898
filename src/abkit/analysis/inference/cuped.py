"""CUPED: less variance, by what the units did before the experiment."""

from collections.abc import Collection, Sequence
from math import sqrt
from typing import Protocol

from attrs import frozen

from abkit.analysis.statistics.aggregates import Moments

SAME = 1e-8
"""A covariate of whose variance the others leave no larger share says what they say."""

FEWEST_PER_WEIGHT = 10
"""With fewer units for each weight, the weights are mostly those of chance."""


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
    rows, kept = _eliminated(everyone)
    return tuple(row[-1] / row[pivot] if pivot in kept else 0.0 for pivot, row in enumerate(rows))


def fitted(everyone: Covariates) -> tuple[bool, ...]:
    """Which covariates have a weight that was fitted, whatever it is: they vary, beyond what others say.

    Args:
        everyone: As for `weights`.
    """
    _, kept = _eliminated(everyone)
    return tuple(place in kept for place in range(len(everyone.means)))


def _eliminated(everyone: Covariates) -> tuple[list[list[float]], Collection[int]]:
    """The rows of the normal equations, each solved for its covariate, and which of them can be."""
    # Gauss and Jordan's elimination, in order; rows that are left with nothing are passed over.
    rows = [[*row, y] for row, y in zip(everyone.among, everyone.with_metric, strict=True)]
    kept: list[int] = []
    for pivot, row in enumerate(rows):
        if not row[pivot] > SAME * everyone.among[pivot][pivot]:
            continue
        kept.append(pivot)
        for other in rows:
            if other is not row:
                factor = other[pivot] / row[pivot]
                other[:] = [a - factor * b for a, b in zip(other, row, strict=True)]
    return rows, kept


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
    moved = sum(
        slope * (mean - of_all)
        for slope, mean, of_all in zip(theta, covariates.means, overall, strict=True)
    )
    shared = sum(
        slope * covariance for slope, covariance in zip(theta, covariates.with_metric, strict=True)
    )
    explained = sum(
        a * b * covariance
        for a, row in zip(theta, covariates.among, strict=True)
        for b, covariance in zip(theta, row, strict=True)
    )
    variance = max(0.0, metric.variance - 2 * shared + explained)
    return Moments(metric.n, metric.mean - moved, variance, metric.effective)


@frozen
class Within:
    """Covariates as they vary within the arms.

    Attributes:
        means: Of each covariate, over all arms.
        with_metric: The covariance of each with the metric, within the arms.
        among: The covariance of each with each other one, within the arms.
    """

    means: tuple[float, ...]
    with_metric: tuple[float, ...]
    among: tuple[tuple[float, ...], ...]


def within(arms: Sequence[tuple[int, Covariates]], *, means: tuple[float, ...]) -> Within:
    """The covariances within the arms, pooled: their weights are those of a regression with the treatment.

    Of the units of all arms as one, the weights take a little of the effect for that of the covariates: of K
    covariates and N units, K / N of it. Within the arms there is no effect.

    Args:
        arms: The units of each arm, and its covariates.
        means: Of each covariate, over all arms.
    """
    freedom = [max(0, n - 1) for n, _ in arms]
    total = sum(freedom) or 1
    of = [covariates for _, covariates in arms]

    def pooled(values: Sequence[float]) -> float:
        return sum(f * value for f, value in zip(freedom, values, strict=True)) / total

    size = range(len(means))
    return Within(
        means,
        tuple(pooled([each.with_metric[i] for each in of]) for i in size),
        tuple(tuple(pooled([each.among[i][j] for each in of]) for j in size) for i in size),
    )


def inflated(count: int, *, units: int, arms: int) -> float | None:
    """By what the variance of residuals is multiplied for the weights that were fitted to the same units.

    Of N units in G arms, with K weights, the sum of the squared residuals has F - K degrees of freedom, not
    F = N - G. And the weights are uncertain: that adds K / (F - 1 - K) of the variance to that of the
    difference, on average over covariates that are normal (Hotelling's T², whose mean that is). So the factor
    is F (F - 1) / ((F - K) (F - 1 - K)). It matters where there are many covariates, such as the groups of a
    property, and few units.

    Args:
        count: How many were fitted; one that turned out as 0 was fitted too.
        units: Of all arms together.
        arms: How many arms there are.

    Returns:
        None where there are fewer than `FEWEST_PER_WEIGHT` units for each weight: nothing is to be adjusted.
    """
    if not count:
        return 1.0
    if units < FEWEST_PER_WEIGHT * count + arms:
        return None
    freedom = units - arms
    return freedom * (freedom - 1) / ((freedom - count) * (freedom - 1 - count))


def imbalance(first: Covariates, first_n: int, second: Covariates, second_n: int) -> float:
    """How far two arms differed before their exposure, in standard errors of the difference.

    Of the first covariate; 0 where it does not vary.
    """
    if first_n < 2 or second_n < 2:
        return 0.0
    error = sqrt(first.among[0][0] / first_n + second.among[0][0] / second_n)
    return abs(first.means[0] - second.means[0]) / error if error > 0 else 0.0
