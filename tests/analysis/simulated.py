"""What the sequential test says of many simulated experiments at many looks, in arrays.

The same numbers as `evaluate` finds, which `test_simulated` holds it to: so levels and power can be
measured on thousands of experiments in the time that a hundred take one by one. A first axis of runs
and a second one of looks, throughout.
"""

from collections.abc import Callable
from math import log
from typing import TypeAlias

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray
from scipy.special import log_ndtr

from abkit.analysis.findings.metric_result import MINIMUM_CONTRIBUTORS, MINIMUM_UNITS
from abkit.analysis.inference.sequential import GOAL_WEIGHT

from .many_sums import Floats, ManySums

ENOUGH = log(1 / 0.05)
"""The evidence (log of the likelihood ratio) of p = 5%."""


@frozen(kw_only=True)
class ManyMoments:
    """One arm of one metric.

    Attributes:
        n: The units at each look.
        mean: The metric's mean.
        variance: Its variance between the units; p(1 - p) of conversions.
        contributing: What the gate of 25 counts; None where there is no such number.
        plain_mean: The mean before CUPED, of which the goal is a share.
        alike: The variance if in each phase both arms spread alike; None of one phase.
    """

    n: Floats
    mean: Floats
    variance: Floats
    contributing: Floats | None = None
    plain_mean: Floats | None = None
    alike: Floats | None = None


Measured: TypeAlias = Callable[[ManySums, ManySums], tuple[ManyMoments, ManyMoments]]
"""From the sums of control and treatment to their moments: what kind of metric it is."""


def rates(control: ManySums, treatment: ManySums) -> tuple[ManyMoments, ManyMoments]:
    """A conversion: the first measure is 0 or 1."""
    first, second = (
        ManyMoments(
            n=of.n,
            mean=(share := of.means[..., 0]),
            variance=share * (1 - share),
            contributing=of.totals[..., 0],
        )
        for of in (control, treatment)
    )
    return first, second


def means(control: ManySums, treatment: ManySums) -> tuple[ManyMoments, ManyMoments]:
    """A mean whose values may be below 0, so that no gate counts what makes it up."""
    first, second = (
        ManyMoments(n=of.n, mean=of.means[..., 0], variance=_floored(of.covariances[..., 0, 0]))
        for of in (control, treatment)
    )
    return first, second


def amounts(control: ManySums, treatment: ManySums) -> tuple[ManyMoments, ManyMoments]:
    """Amounts that are never below 0: the effective number of units that make them up counts."""
    first, second = (
        evolve(arm, contributing=arm.n * arm.mean**2 / _square_mean(arm))
        for arm in means(control, treatment)
    )
    return first, second


def _square_mean(arm: ManyMoments) -> Floats:
    found = (arm.n - 1) / arm.n * arm.variance + arm.mean**2
    return np.where(found > 0, found, np.inf)


def ratios(control: ManySums, treatment: ManySums) -> tuple[ManyMoments, ManyMoments]:
    """The first measure's mean divided by the second's, by the delta method.

    Expanded around the arm's own ratio and around that of both arms; the larger variance counts.
    """
    of_both = _quotient((control + treatment).means)
    first, second = (
        ManyMoments(
            n=of.n,
            mean=(own := _quotient(of.means)),
            variance=np.maximum(_around(of, own), _around(of, of_both)),
        )
        for of in (control, treatment)
    )
    return first, second


def _around(of: ManySums, ratio: Floats) -> Floats:
    spread = of.covariances
    left = spread[..., 0, 0] - 2 * ratio * spread[..., 0, 1] + ratio**2 * spread[..., 1, 1]
    return _floored(left) * _quotient(of.means, top=1.0) ** 2


def _quotient(means: Floats, *, top: float | None = None) -> Floats:
    """The first mean by the second; not a number where that is 0."""
    none = np.full(means.shape[:-1], np.nan)
    above = means[..., 0] if top is None else top
    return np.asarray(np.divide(above, means[..., 1], out=none, where=means[..., 1] != 0))


def adjusted(
    control: ManySums, treatment: ManySums, *, theta: Floats | None = None
) -> tuple[ManyMoments, ManyMoments]:
    """CUPED: the first measure, less what the others, from before the exposure, say of it."""
    both = control + treatment
    theta = slopes(both) if theta is None else theta
    first, second = (
        ManyMoments(
            n=of.n,
            mean=of.means[..., 0] - _moved(theta, of.means[..., 1:], both.means[..., 1:]),
            variance=_floored(_left(of.covariances, theta)),
            plain_mean=of.means[..., 0],
        )
        for of in (control, treatment)
    )
    return first, second


def slopes(both: ManySums) -> Floats:
    """CUPED's theta: of the first measure by the others."""
    spread = both.covariances
    return np.asarray(np.linalg.solve(spread[..., 1:, 1:], spread[..., 1:, :1])[..., 0], float)


def _left(spread: Floats, theta: Floats) -> Floats:
    shared = (theta * spread[..., 0, 1:]).sum(axis=-1)
    explained = np.einsum("...i,...ij,...j->...", theta, spread[..., 1:, 1:], theta)
    return np.asarray(spread[..., 0, 0] - 2 * shared + explained)


def _moved(theta: Floats, means: Floats, of_all: Floats) -> Floats:
    return np.asarray((theta * (means - of_all)).sum(axis=-1))


def _floored(variance: Floats) -> Floats:
    return np.maximum(0.0, variance)


def passing(control: ManyMoments, treatment: ManyMoments) -> NDArray[np.bool_]:
    """Where the arms can be compared: `missing` names nothing."""
    found: NDArray[np.bool_] = np.full(control.mean.shape, fill_value=True)
    for arm in (control, treatment):
        found &= arm.n >= MINIMUM_UNITS
        if arm.contributing is not None:
            found &= arm.contributing >= MINIMUM_CONTRIBUTORS
        found &= np.isfinite(arm.variance)
    return found & ((control.variance > 0) | (treatment.variance > 0))


def at_least_pooled(control: ManyMoments, treatment: ManyMoments) -> Floats:
    """The variance of the difference: Welch's, and at least the pooled one."""
    if control.alike is not None and treatment.alike is not None:
        pooled = control.alike / control.n + treatment.alike / treatment.n
        return np.asarray(np.maximum(separate(control, treatment), pooled))
    weight = (control.n - 1) / (control.n + treatment.n - 2)
    spread = weight * control.variance + (1 - weight) * treatment.variance
    pooled = spread * (1 / control.n + 1 / treatment.n)
    return np.asarray(np.maximum(separate(control, treatment), pooled))


def separate(control: ManyMoments, treatment: ManyMoments) -> Floats:
    """The variance of the difference by Welch's rule."""
    return np.asarray(control.variance / control.n + treatment.variance / treatment.n)


def first_error(
    control: ManyMoments, treatment: ManyMoments, *, units: tuple[float, float]
) -> Floats:
    """The standard error at the first look, as each look estimates it.

    Args:
        control: The control.
        treatment: The treatment.
        units: Of both at the first look.
    """
    arms = control, treatment
    more: Floats = np.ones_like(control.mean)
    for arm, first in zip(arms, units, strict=True):
        more = np.maximum(more, MINIMUM_UNITS / first)
        if arm.contributing is not None:
            counted = np.maximum(arm.contributing, 1e-300) * first / arm.n
            more = np.maximum(more, MINIMUM_CONTRIBUTORS / counted)
    then = [
        evolve(arm, n=np.maximum(2, np.round(np.minimum(arm.n, first * more))))
        for arm, first in zip(arms, units, strict=True)
    ]
    return np.sqrt(at_least_pooled(*then))


def default_evidence(
    control: ManyMoments,
    treatment: ManyMoments,
    *,
    goal: float | None,
    units: tuple[float, float],
    last: bool = False,
    greater: bool = False,
) -> Floats:
    """The evidence of the sequential test that nobody set a tau for; 0 where nothing is compared.

    Args:
        control: The control.
        treatment: The treatment.
        goal: The relative change that is worth having; None: there is none.
        units: Of both at the first look.
        last: Whether all looks are made with the tau of the last one, as a result over time is; else
            each with its own, as somebody finds who analyzes every day.
        greater: Whether the test is one-sided, and looks for a rise.
    """
    compared = passing(control, treatment)
    variance = np.where(compared, at_least_pooled(control, treatment), 1.0)
    size = np.where(compared, first_error(control, treatment, units=units), 1.0)
    plain = control.mean if control.plain_mean is None else control.plain_mean
    wanted = None if goal is None else goal * np.abs(np.where(compared & (plain != 0), plain, 1.0))
    if last:
        size = size[:, -1:]
        wanted = None if wanted is None else wanted[:, -1:]
    difference = np.where(compared, treatment.mean - control.mean, 0.0)
    z = difference / np.sqrt(variance)
    evidence = log_evidence_of_a_rise if greater else log_evidence
    found = evidence(z, variance=variance, tau=size)
    if wanted is not None:
        of_goal = evidence(z, variance=variance, tau=wanted)
        found = np.logaddexp(log(GOAL_WEIGHT) + of_goal, log(1 - GOAL_WEIGHT) + found)
    return np.where(compared, found, 0.0)


def log_evidence(z: Floats, *, variance: Floats, tau: Floats | float) -> Floats:
    """`sequential.log_likelihood_ratio` of one tau.

    Args:
        z: The difference in its standard errors.
        variance: V, that of the difference.
        tau: Of the same shape, or a number.
    """
    gain = tau * tau / variance
    return np.asarray(0.5 * (z * z * gain / (1 + gain) - np.log1p(gain)))


def log_evidence_of_a_rise(z: Floats, *, variance: Floats, tau: Floats | float) -> Floats:
    """`one_sided_mixture.log_likelihood_ratio` of one tau."""
    gain = tau * tau / variance
    above = log_ndtr(z * np.sqrt(gain / (1 + gain)))
    return np.asarray(log_evidence(z, variance=variance, tau=tau) + log(2) + above)


def half_width(variance: Floats, *, tau: Floats | float, evidence: float = ENOUGH) -> Floats:
    """`sequential.half_width` of one tau."""
    gain = tau * tau / variance
    return np.asarray(np.sqrt(variance * (1 + gain) / gain * (2 * evidence + np.log1p(gain))))


def found_at(evidence: Floats, *, enough: float = ENOUGH) -> NDArray[np.bool_]:
    """Which runs find something at any look."""
    return np.asarray((evidence >= enough).any(axis=1))
