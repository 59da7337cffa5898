"""The arms of a metric at all looks at once: what `arms` says of one look, as arrays.

Metrics within phases, and quantiles, are not among them: `arms_of` has those, look by look.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import TypeAlias

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray

from abkit.analysis.findings.metric_result import MINIMUM_CONTRIBUTORS, MINIMUM_UNITS
from abkit.analysis.inference.cuped import FEWEST_PER_WEIGHT, SAME
from abkit.analysis.statistics.estimands import Estimand
from abkit.analysis.statistics.look_sums import Everyone, LookSums, Means, Numbers
from abkit.experiments.declaring.expressions import Operand
from abkit.experiments.declaring.metrics import (
    ActiveDays,
    Distinct,
    Formula,
    Funnel,
    Metric,
    Ratio,
    Retention,
    Total,
)

_Slopes: TypeAlias = Mapping[int, Numbers | float]


@frozen(kw_only=True, eq=False)
class LookArms:
    """The arms of one metric, look by look: arrays of shape (variants, looks), the control first.

    Attributes:
        units: The units.
        mean: As of `Moments`, adjusted.
        variance: Likewise.
        unadjusted: Mean and variance before the adjustment.
        waits: Whether an arm is below the gates of `missing`; that all units of both arms have one value is
            not among them.
    """

    units: Numbers
    mean: Numbers
    variance: Numbers
    unadjusted: tuple[Numbers, Numbers]
    waits: NDArray[np.bool_]


def look_arms(sums: LookSums, estimand: Estimand) -> LookArms:
    """The arms of a metric, as `arms` has them, but for the last digits.

    Args:
        sums: Of all variants, the control first.
        estimand: The metric; no quantile.
    """
    with np.errstate(all="ignore"):
        units = reduce(np.minimum, map(sums.units, estimand.places.values()))
        mean, variance = _moments(sums, estimand, units)
        problem = (units > 0) & ~(np.isfinite(mean) & np.isfinite(variance))
        nothing = problem | (units == 0)
        mean, variance = np.where(nothing, 0.0, mean), np.where(nothing, 0.0, variance)
        found = LookArms(
            units=units,
            mean=mean,
            variance=variance,
            unadjusted=(mean, variance),
            waits=problem | (units < MINIMUM_UNITS),
        )
        if isinstance(estimand.metric, Retention):
            estimand = estimand.without_past
        if estimand.is_adjusted:
            found = _adjusted(found, sums, estimand, comparable=np.asarray(~problem.any(axis=0)))
        return evolve(found, waits=found.waits | _few_contributors(found, sums, estimand))


def _moments(sums: LookSums, estimand: Estimand, units: Numbers) -> tuple[Numbers, Numbers]:
    if estimand.metric.binary:
        (place,) = estimand.places.values()
        rate = np.rint(sums.mean(place) * units) / np.maximum(units, 1)
        return rate, rate * (1 - rate)
    value, slopes = _expanded(estimand.metric, sums, estimand.places)
    variance = np.maximum(0.0, _covariance(sums, slopes, slopes))
    if estimand.is_formula:
        around = _slopes_around(estimand, sums)
        other = _covariance(sums, around, around)
        variance = np.where(np.isfinite(other), np.maximum(variance, other), variance)
    return value, variance


def _expanded(metric: Metric, sums: Means, places: Mapping[Metric, int]) -> tuple[Numbers, _Slopes]:
    """As of an `Estimand`: the metric's value, and its slope by each measure; not finite without one."""
    if not isinstance(metric, Ratio | Formula):
        (place,) = places.values()
        return sums.mean(place), {place: 1.0}
    means = _means(sums, places)
    value, slopes = metric.expression.evaluate(means)  # type: ignore[arg-type]  # arrays do it too
    return value, {place: slopes[part] for part, place in places.items()}  # type: ignore[return-value]


def _slopes_around(estimand: Estimand, sums: LookSums) -> _Slopes:
    """As of an `Estimand`: the slopes of a formula where it has the value of all arms together."""
    metric, places = estimand.metric, estimand.places
    value, slopes = _expanded(metric, sums.everyone, places)
    if not isinstance(metric, Ratio | Formula) or not metric.expression.is_quotient:
        return slopes
    means = _means(sums, places)
    by_part = metric.expression.quotient_slopes(means, value=value)  # type: ignore[arg-type]
    return {place: by_part[part] for part, place in places.items()}


def _means(sums: Means, places: Mapping[Metric, int]) -> dict[Operand, Numbers]:
    return {part: sums.mean(place) for part, place in places.items()}


def _covariance(sums: Means, first: _Slopes, second: _Slopes) -> Numbers:
    """Of two weighted sums of measures, between the units."""
    found = sum(a * b * sums.covariance(i, j) for i, a in first.items() for j, b in second.items())
    return np.asarray(found)


@frozen(kw_only=True, eq=False)
class _Covariates:
    """As `Covariates`, of all arms or of everyone."""

    means: Sequence[Numbers]
    with_metric: Sequence[Numbers]
    among: Sequence[Sequence[Numbers]]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where all of them are numbers."""
        rows = [*self.means, *self.with_metric, *(each for row in self.among for each in row)]
        return reduce(np.logical_and, map(np.isfinite, rows))


def _covariates(sums: Means, estimand: Estimand, everyone: Everyone) -> _Covariates:
    means: list[Numbers] = []
    slopes: list[_Slopes] = []
    if estimand.before and estimand.present is not None:
        means = [
            _expanded(estimand.metric, sums, estimand.before)[0],
            sums.mean(estimand.present),
        ]
        slopes = [
            _expanded(estimand.metric, everyone, estimand.before)[1],
            {estimand.present: 1.0},
        ]
    _, of_metric = _expanded(estimand.metric, sums, estimand.places)
    slopes += [{place: 1.0} for place in estimand.beside.values()]
    return _Covariates(
        means=[*means, *map(sums.mean, estimand.beside.values())],
        with_metric=[_covariance(sums, of_metric, of) for of in slopes],
        among=[[_covariance(sums, a, b) for b in slopes] for a in slopes],
    )


def _adjusted(
    found: LookArms, sums: LookSums, estimand: Estimand, *, comparable: NDArray[np.bool_]
) -> LookArms:
    """As `arms` adjusts: CUPED, and other covariates."""
    everyone, there = sums.everyone, found.units > 0
    overall = _covariates(everyone, estimand, everyone)
    own = _covariates(sums, estimand, everyone)
    regressed = overall
    if estimand.beside:
        regressed = _within(own, found.units, means=overall.means)
    theta, fitted = _weights(regressed)
    count = len(theta) - len(estimand.beside)
    inflation = _inflated(fitted[count:], units=everyone.n, arms=there.sum(axis=0))
    used = comparable & overall.known & (own.known | ~there).all(axis=0)
    used &= np.isfinite(inflation) & reduce(np.logical_or, fitted)
    plain = found.variance
    if estimand.metric.binary:
        plain = np.where(found.units < 2, plain, plain * found.units / (found.units - 1))
    moved = sum(
        slope * (mean - of_all)
        for slope, mean, of_all in zip(theta, own.means, overall.means, strict=True)
    )
    shared = sum(slope * of for slope, of in zip(theta, own.with_metric, strict=True))
    explained = sum(
        a * b * of
        for a, row in zip(theta, own.among, strict=True)
        for b, of in zip(theta, row, strict=True)
    )
    left = inflation * np.maximum(0.0, plain - 2 * shared + explained)
    changed = used & there
    return evolve(
        found,
        mean=np.where(changed, found.mean - moved, found.mean),
        variance=np.where(changed, left, found.variance),
    )


def _within(own: _Covariates, units: Numbers, *, means: Sequence[Numbers]) -> _Covariates:
    """As `within`."""
    freedom = np.maximum(0.0, units - 1)
    total = np.maximum(freedom.sum(axis=0), 1)

    def pooled(values: Numbers) -> Numbers:
        return np.asarray(np.where(units > 0, freedom * values, 0.0).sum(axis=0) / total)

    return _Covariates(
        means=means,
        with_metric=[pooled(of) for of in own.with_metric],
        among=[[pooled(of) for of in row] for row in own.among],
    )


def _weights(everyone: _Covariates) -> tuple[list[Numbers], list[NDArray[np.bool_]]]:
    """As `weights` and `fitted`, each at its look."""
    rows = [[*row, y] for row, y in zip(everyone.among, everyone.with_metric, strict=True)]
    kept: list[NDArray[np.bool_]] = []
    for pivot, row in enumerate(rows):
        keep = np.asarray(row[pivot] > SAME * everyone.among[pivot][pivot])
        kept.append(keep)
        for other in rows:
            if other is not row:
                factor = np.where(keep, other[pivot] / row[pivot], 0.0)
                other[:] = [
                    np.where(keep, a - factor * b, a) for a, b in zip(other, row, strict=True)
                ]
    theta = [
        np.where(keep, row[-1] / row[pivot], 0.0)
        for pivot, (row, keep) in enumerate(zip(rows, kept, strict=True))
    ]
    return theta, kept


def _inflated(fitted: Sequence[NDArray[np.bool_]], *, units: Numbers, arms: Numbers) -> Numbers:
    """As `inflated`; not a number where nothing is to be adjusted."""
    count = np.zeros_like(units) + sum(each * 1.0 for each in fitted)
    freedom = units - arms
    factor = freedom * (freedom - 1) / ((freedom - count) * (freedom - 1 - count))
    few = units < FEWEST_PER_WEIGHT * count + arms
    return np.where(count == 0, 1.0, np.where(few, np.nan, factor))


def _few_contributors(found: LookArms, sums: LookSums, estimand: Estimand) -> NDArray[np.bool_]:
    """Where too few units make up an arm's mean: as `missing`."""
    if estimand.metric.binary:
        (place,) = estimand.places.values()
        return np.asarray(np.rint(sums.mean(place) * found.units) < MINIMUM_CONTRIBUTORS)
    if estimand.divided is not None:
        return np.rint(sums.mean(estimand.divided) * sums.units(estimand.divided)) < (
            MINIMUM_CONTRIBUTORS
        )
    mean, variance = found.unadjusted
    n = found.units
    squares = (n - 1) * variance + n * mean * mean
    contributing = np.where(squares > 0, (n * mean) ** 2 / squares, 0.0)
    return _of_no_negatives(sums, estimand) & (contributing < MINIMUM_CONTRIBUTORS) & (n > 0)


def _of_no_negatives(sums: LookSums, estimand: Estimand) -> NDArray[np.bool_]:
    """Where no unit has a value below 0, as far as that is known."""
    if isinstance(estimand.metric, Total | Funnel | Distinct | ActiveDays):
        return np.full(sums.n.shape, fill_value=True)
    if estimand.negative is None:
        return np.full(sums.n.shape, fill_value=False)
    return np.asarray(np.rint(sums.mean(estimand.negative) * sums.units(estimand.negative)) == 0)
