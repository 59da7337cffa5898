"""The size of a Bayesian test: until the chance to beat the control is large enough, mostly."""

from math import ceil, sqrt

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from scipy.special import ndtri

from abkit.analysis.inference.bayesian import RatePosterior, chance_above
from abkit.analysis.inference.decision import check_alpha
from abkit.analysis.inference.power.effect import Effect, check_power
from abkit.analysis.inference.power.needed import Needed

_SIMULATIONS = 200_000
_SEED = 20_170_813

_ROUNDS = 3
"""Of simulations: each begins where the last one ended, the first one where the formula for means does."""

_SPREAD = 6.0
"""Standard deviations of the control's conversions on both sides, within which the bound is computed."""


@frozen(kw_only=True)
class BayesianTest:
    """How the Bayesian test is made: looked at once.

    Attributes:
        alpha: One minus the confidence: the variant wins with a chance of 1 - alpha / 2 or more to be on
            the wanted side of the control.
        rate: The control's conversion rate, whose posterior is a beta distribution; None: the metric is
            a mean, whose posterior is normal.
    """

    alpha: float = 0.05
    rate: float | None = None


def bayesian_size(effect: Effect, *, test: BayesianTest, power: float = 0.8) -> Needed:
    """The units with which the chance to beat the control is large enough with a probability of `power`.

    Of means, by the formula of a test of one look, which the chance of a normal posterior is. Of rates,
    by simulation: 200,000 experiments of binomial conversions with a fixed seed, three times over, each
    judged by its two beta posteriors.

    Args:
        effect: What is to be found.
        test: How the test is made.
        power: The probability to find it.

    Raises:
        AnalysisError: `alpha` or `power` cannot be used, or no number of units finds the effect.
    """
    check_alpha(test.alpha)
    check_power(power, test.alpha)
    wanted = float(ndtri(power))
    drift = wanted - float(ndtri(test.alpha / 2))
    if test.rate is None:
        return Needed(units=ceil(drift * drift * effect.units_of_one))
    random = np.random.default_rng(_SEED)
    error = 0.0
    for _ in range(_ROUNDS):
        units = drift * drift * effect.units_of_one
        arms = _Arms.of(effect, test.rate, units)
        won = arms.wins(random, alpha=test.alpha)
        reached = min(max(won, 1 / _SIMULATIONS), 1 - 1 / _SIMULATIONS)
        score = float(ndtri(reached))
        density = np.exp(-score * score / 2) / sqrt(2 * np.pi)
        drift = max(drift / 2, drift + wanted - score)
        error = sqrt(reached * (1 - reached) / _SIMULATIONS) / density
    return Needed(units=ceil(drift * drift * effect.units_of_one), error=2 * error / drift)


@frozen(kw_only=True)
class _Arms:
    """The arm of which more should convert, and the other one.

    Attributes:
        lower_n: The units of the arm whose rate should be the lower one.
        lower_rate: Its true rate.
        upper_n: The units of the other arm.
        upper_rate: Its true rate.
    """

    lower_n: int
    lower_rate: float
    upper_n: int
    upper_rate: float

    @classmethod
    def of(cls, effect: Effect, rate: float, units: float) -> "_Arms":
        treated = max(1, round(units * effect.treatment_share))
        control = max(1, round(units * (1 - effect.treatment_share)))
        changed = min(1.0, max(0.0, rate + effect.difference))
        if effect.difference > 0:
            return cls(lower_n=control, lower_rate=rate, upper_n=treated, upper_rate=changed)
        return cls(lower_n=treated, lower_rate=changed, upper_n=control, upper_rate=rate)

    def wins(self, random: np.random.Generator, *, alpha: float) -> float:
        """The share of simulated experiments in which the chance to be above is 1 - alpha / 2 or more."""
        lower = random.binomial(self.lower_n, self.lower_rate, _SIMULATIONS)
        upper = random.binomial(self.upper_n, self.upper_rate, _SIMULATIONS)
        mean = self.lower_n * self.lower_rate
        reach = _SPREAD * sqrt(mean * (1 - self.lower_rate)) + 1
        # How many conversions suffice is all but linear in the other arm's.
        at = np.linspace(max(0.0, mean - reach), min(self.lower_n, mean + reach), 9)
        bounds = np.array([self._enough(float(x), alpha) for x in at])
        return float(np.mean(upper >= _interpolated(lower, at, bounds)))

    def _enough(self, conversions: float, alpha: float) -> float:
        """The conversions of the upper arm from which on the chance is large enough, by bisection."""
        lower = RatePosterior(1 + conversions, 1 + self.lower_n - conversions)
        low, high = 0.0, float(self.upper_n)
        while high - low > 0.01:
            middle = (low + high) / 2
            upper = RatePosterior(1 + middle, 1 + self.upper_n - middle)
            enough = chance_above(upper, lower)(1.0, 0.0) >= 1 - alpha / 2
            low, high = (low, middle) if enough else (middle, high)
        return high


def _interpolated(
    values: NDArray[np.int64], at: NDArray[np.float64], bounds: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.asarray(np.interp(values, at, bounds))
