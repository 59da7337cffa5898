"""The Bayesian test: the chance that a variant beats the control, or all others."""

from collections.abc import Callable, Sequence
from math import exp, expm1, hypot, log, sqrt
from types import MappingProxyType
from typing import Protocol

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv, ndtr, ndtri

from abkit.analysis.inference.comparison import Comparison, Interval
from abkit.analysis.inference.credible import About, equal_tails
from abkit.analysis.inference.decision import Decision, agreeing, check_alpha, compare, undecided
from abkit.analysis.inference.ratio_posterior import RatioPosterior
from abkit.analysis.inference.relative import lift
from abkit.analysis.inference.variance import separate
from abkit.analysis.statistics.aggregates import Moments
from abkit.errors import AnalysisError

METHOD = "bayesian"


def _rule(nodes: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The trapezoid rule on normal scores: the levels of its nodes, and their weights."""
    scores = np.linspace(-8.5, 8.5, nodes)
    masses = np.exp(-scores * scores / 2)
    return ndtr(scores), masses / masses.sum()


_FINE, _COARSE = _rule(201), _rule(61)
"""The coarse rule is as exact, to 1e-10 of the probability, where both beliefs are nearly normal."""

_NEARLY_NORMAL = 25
"""So many conversions, and as many others, make a belief of a rate so."""


class Posterior(Protocol):
    """What is believed of a mean after the data."""

    def below(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probability that the mean is below each value."""

    def quantile(self, level: NDArray[np.float64]) -> NDArray[np.float64]:
        """The value that the mean is below with each probability."""


@frozen
class RatePosterior:
    """Beta(1 + conversions, 1 + other units): of a conversion rate, all rates being alike before.

    Attributes:
        converted: 1 + the units that converted.
        others: 1 + the units that did not.
    """

    converted: float
    others: float

    @classmethod
    def of(cls, moments: Moments) -> "RatePosterior":
        """From the moments of a conversion metric."""
        conversions = round(moments.n * moments.mean)
        if not 0 <= conversions <= moments.n:
            message = f"A conversion rate must be between 0 and 1, not {moments.mean}"
            raise AnalysisError(message)
        return cls(1 + conversions, 1 + moments.n - conversions)

    @property
    def mean(self) -> float:
        """The expected rate: 1/3 after a single unit, which did not convert."""
        return self.converted / (self.converted + self.others)

    @property
    def deviation(self) -> float:
        """The standard deviation of the belief."""
        return sqrt(self.mean * (1 - self.mean) / (self.converted + self.others + 1))

    def below(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probability that the rate is below each value."""
        return np.asarray(betainc(self.converted, self.others, np.clip(value, 0, 1)))

    def quantile(self, level: NDArray[np.float64]) -> NDArray[np.float64]:
        """The value that the rate is below with each probability."""
        return np.asarray(betaincinv(self.converted, self.others, level))


@frozen
class MeanPosterior:
    """Normal: of a mean, all means being alike before.

    Attributes:
        mean: The mean found.
        deviation: Its standard error, above 0.
    """

    mean: float
    deviation: float

    @classmethod
    def of(cls, moments: Moments) -> "MeanPosterior":
        """From the moments of any metric."""
        if moments.n < 2 or not moments.variance > 0:
            message = (
                "A mean's posterior needs two units or more and a variance above 0, "
                f"not n={moments.n}, variance={moments.variance}"
            )
            raise AnalysisError(message)
        return cls(moments.mean, sqrt(moments.variance / moments.n))

    def below(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probability that the mean is below each value."""
        return np.asarray(ndtr((value - self.mean) / self.deviation))

    def quantile(self, level: NDArray[np.float64]) -> NDArray[np.float64]:
        """The value that the mean is below with each probability."""
        return np.asarray(self.mean + self.deviation * ndtri(level))


def bayesian_rates(control: Moments, treatment: Moments, *, alpha: float = 0.05) -> Comparison:
    """Compare two conversion rates, each Beta(1, 1) before the data.

    Args:
        control: The control's moments, of a conversion metric.
        treatment: The variant's moments, of the same.
        alpha: One minus the credibility; 0.05 asks for a chance of 97.5% or 2.5%.

    Returns:
        The comparison: the difference and the lift are those of the posterior means, the intervals
        are credible ones with alpha / 2 on each side. p is twice the chance of the less likely
        sign, so that p <= alpha when the chance to beat the control is at least 1 - alpha/2 or at
        most alpha/2. The details are that chance and the two posterior means.

    Raises:
        AnalysisError: `alpha` cannot be used, or a rate is not between 0 and 1.
    """
    check_alpha(alpha)
    before, after = RatePosterior.of(control), RatePosterior.of(treatment)
    above = chance_above(after, before)
    chance = above(1.0, 0.0)
    p_value = min(1.0, 2 * min(chance, 1 - chance))
    difference = equal_tails(
        lambda shift: above(1.0, shift),
        alpha,
        (-1.0, 1.0),
        about=About(after.mean - before.mean, hypot(after.deviation, before.deviation)),
    )
    sizes = equal_tails(
        lambda size: above(exp(size), 0.0),
        alpha,
        (-40.0, 40.0),
        about=About(
            log(after.mean / before.mean),
            hypot(after.deviation / after.mean, before.deviation / before.mean),
        ),
    )
    ratio = Interval(expm1(sizes.low), expm1(sizes.high))
    has_lift = lift(control, treatment) is not None
    return Comparison(
        method=METHOD,
        control=control,
        treatment=treatment,
        difference=after.mean - before.mean,
        interval=agreeing(difference, p_value=p_value, alpha=alpha),
        lift=after.mean / before.mean - 1 if has_lift else None,
        lift_interval=agreeing(ratio, p_value=p_value, alpha=alpha) if has_lift else None,
        p_value=p_value,
        alpha=alpha,
        details=MappingProxyType(
            {
                "chance_to_beat_control": chance,
                "control_posterior_mean": before.mean,
                "treatment_posterior_mean": after.mean,
            }
        ),
    )


def bayesian_means(control: Moments, treatment: Moments, *, alpha: float = 0.05) -> Comparison:
    """Compare two means, all means being alike before the data: normal posteriors.

    Args:
        control: The control's moments.
        treatment: The variant's moments.
        alpha: One minus the credibility; 0.05 asks for a chance of 97.5% or 2.5%.

    Returns:
        The comparison, as for `bayesian_rates`; the lift is that of the means found, its interval that
        of `RatioPosterior`. Fewer than two units in an arm, or no variance in either, decide nothing:
        the chance is 1/2.

    Raises:
        AnalysisError: `alpha` cannot be used.
    """
    check_alpha(alpha)
    known = control.n >= 2 and treatment.n >= 2
    if not known or not separate(control, treatment).difference > 0:
        details = {"chance_to_beat_control": 0.5}
        return undecided(METHOD, control, treatment, alpha=alpha, details=details)
    variances = separate(control, treatment)
    score = (treatment.mean - control.mean) / sqrt(variances.difference)
    decision = Decision(
        variances=variances,
        critical=-float(ndtri(alpha / 2)),
        p_value=min(1.0, 2 * float(ndtr(-abs(score)))),
        alpha=alpha,
        details={"chance_to_beat_control": float(ndtr(score))},
    )
    found = compare(METHOD, control, treatment, decision=decision)
    if found.lift is None or not variances.control > 0:
        return found
    ratio = RatioPosterior.of(control, treatment).interval(alpha)
    relative = Interval(ratio.low - 1, ratio.high - 1)
    return evolve(found, lift_interval=agreeing(relative, p_value=decision.p_value, alpha=alpha))


def chances_to_be_highest(posteriors: Sequence[Posterior]) -> tuple[float, ...]:
    """The chance of each variant to have the highest mean of all, in the same order."""
    grid = np.sort(np.concatenate([posterior.quantile(_FINE[0]) for posterior in posteriors]))
    below = np.stack([posterior.below(grid) for posterior in posteriors])
    return _chances_of_all_others(below)


def chances_to_be_lowest(posteriors: Sequence[Posterior]) -> tuple[float, ...]:
    """The chance of each variant to have the lowest mean of all, in the same order."""
    grid = np.sort(np.concatenate([posterior.quantile(_FINE[0]) for posterior in posteriors]))
    above = 1 - np.stack([posterior.below(grid) for posterior in posteriors])
    return _chances_of_all_others(above[:, ::-1])


def _chances_of_all_others(rising: NDArray[np.float64]) -> tuple[float, ...]:
    """For each row, the integral of the product of the other rows over it, the trapezoid rule."""
    chances = []
    for row in range(len(rising)):
        others = np.delete(rising, row, axis=0).prod(axis=0)
        chances.append(float(np.diff(rising[row]) @ (others[1:] + others[:-1]) / 2))
    total = sum(chances)
    return tuple(chance / total for chance in chances)


def chance_above(after: RatePosterior, before: RatePosterior) -> Callable[[float, float], float]:
    """The probability that the rate after is above factor times the rate before plus shift.

    By the trapezoid rule on normal scores of the narrower of the two, on whose scale the other's
    distribution is smooth.
    """
    counts = (after.converted, after.others, before.converted, before.others)
    levels, masses = _COARSE if min(counts) >= _NEARLY_NORMAL else _FINE
    if before.deviation <= after.deviation:
        rates = before.quantile(levels)
        return lambda factor, shift: _chance(
            float(masses @ (1 - after.below(factor * rates + shift)))
        )
    rates = after.quantile(levels)
    return lambda factor, shift: _chance(float(masses @ before.below((rates - shift) / factor)))


def _chance(sum_of_masses: float) -> float:
    """A probability, which rounding may have moved beyond 1."""
    return min(1.0, sum_of_masses)
