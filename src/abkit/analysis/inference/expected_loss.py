"""The risk of each choice: what it loses, on average over what is believed, beside the best one."""

from collections.abc import Sequence
from math import exp, pi, sqrt

import numpy as np
from attrs import evolve
from numpy.typing import NDArray
from scipy.special import ndtr

from abkit.analysis.inference.shrinkage import ShrunkLift

_REACH = 8.5
"""In standard deviations: beyond it lies less than 1e-16 of a normal distribution."""

_SHARED = np.linspace(-_REACH, _REACH, 201)
_MASSES = np.exp(-_SHARED * _SHARED / 2)
_MASSES /= _MASSES.sum()
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(120)


def expected_losses(
    believed: Sequence[ShrunkLift], *, lower_is_better: bool = False
) -> tuple[float, ...]:
    """The expected loss of each choice: E[max(0, the best of the others - this one)].

    The risk of Stucchio (2015, "Bayesian A/B testing at VWO", section 6), under the beliefs of `shrunk`. The
    lift of the control is 0. It is E[the best of all] - E[this one]; of one variant the closed form of a
    normal distribution, of more the integral over the control's shared error, given which the lifts are
    independent.

    Args:
        believed: Of each variant beside the control.
        lower_is_better: Whether the metric is to fall.

    Returns:
        In the unit of the lift: that of the control first, then those of the variants in their order.
    """
    if lower_is_better:
        believed = [evolve(each, mean=-each.mean, shared=-each.shared) for each in believed]
    if len(believed) == 1:
        (only,) = believed
        return _above(only.mean, only.deviation), _above(-only.mean, only.deviation)
    best = _best_of_all(believed)
    return tuple(max(0.0, best - mean) for mean in (0.0, *(each.mean for each in believed)))


def _above(mean: float, deviation: float) -> float:
    """E[max(0, X)] of a normal X."""
    if not deviation > 0:
        return max(0.0, mean)
    score = mean / deviation
    density = exp(-score * score / 2) / sqrt(2 * pi)
    return max(0.0, deviation * density + mean * float(ndtr(score)))


def _best_of_all(believed: Sequence[ShrunkLift]) -> float:
    """E[max(0, X_1, ..., X_k)]: the integral of the chance that the best one is above x, for x from 0."""
    means, shared = (np.array([getattr(b, name) for b in believed]) for name in ("mean", "shared"))
    scale = max(each.deviation for each in believed)
    own = np.array([max(each.own, 1e-6 * scale) for each in believed])
    given = means + np.multiply.outer(_SHARED, shared)
    return float(_MASSES @ _best_given(given, own))


def _best_given(means: NDArray[np.float64], deviations: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same of independent normal distributions, for each row of means.

    Where x is so low that the best one is surely above it, the chance is 1; from there to where none is, the
    rule of Gauss and Legendre.
    """
    low = np.maximum(0.0, (means - _REACH * deviations).max(axis=1))
    high = np.maximum(low, (means + _REACH * deviations).max(axis=1))
    half = (high - low) / 2
    places = low[:, None] + half[:, None] * (1 + _NODES)
    below = ndtr((places[:, :, None] - means[:, None, :]) / deviations).prod(axis=2)
    return np.asarray(low + half * ((1 - below) @ _WEIGHTS))
