"""The one-sided sequential test: whether a change is above 0, looked at as often as you like."""

from collections.abc import Sequence
from math import exp, fsum, inf, log, log1p, sqrt
from sys import float_info
from typing import NamedTuple

from scipy.special import log_ndtr

from abkit.analysis.inference.decision import check_alpha
from abkit.errors import AnalysisError
from abkit.experiments.declaring.tau import Tau, checked_tau


def log_likelihood_ratio(difference: float, *, variance: float, tau: Tau) -> float:
    """The log of the evidence for a difference above 0; p is exp of minus it, and at most 1.

    ln(Λ) = ½ ln(4 V / (V + tau²)) + tau² d² / (2 V (V + tau²)) + ln Φ(d tau / sqrt(V (V + tau²))): the
    half-normal mixture of Howard et al. (2021, "Time-uniform, nonparametric, nonasymptotic confidence
    sequences", Ann. Stat. 49(2)), V / tau² being rho / v there. For a difference below 0, negate it.

    Args:
        difference: d, treatment mean minus control mean.
        variance: V, the sampling variance of d, above 0.
        tau: The mixture's standard deviation, in the unit of d, fixed before the first look; or
            several with their weights. `tau_for_sample_size` at twice the alpha gives one.

    Raises:
        AnalysisError: `variance` or `tau` is not above 0.
    """
    parts = _parts(variance, tau)
    return _evidence(difference / sqrt(variance), parts)


def half_width(variance: float, *, tau: Tau, alpha: float) -> float:
    """How far the always-valid lower bound lies below the difference: where Λ = 1 / alpha.

    Args:
        variance: V, the sampling variance of the difference, above 0.
        tau: As for `log_likelihood_ratio`.
        alpha: The accepted probability that the bound is ever above the true difference.

    Raises:
        AnalysisError: `alpha`, `variance` or `tau` cannot be used.
    """
    check_alpha(alpha)
    parts = _parts(variance, tau)
    # The two-sided bound of the same alpha lies further out.
    low, high = 0.0, min(part.two_sided(alpha) for part in parts)
    for _ in range(200):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (middle, high) if _evidence(middle, parts) < -log(alpha) else (low, middle)
    return sqrt(variance) * high


class _Part(NamedTuple):
    """One half-normal distribution of the mixture: its weight, and tau² / V."""

    weight: float
    gain: float

    def evidence(self, standardized: float) -> float:
        """The log of its weighted likelihood ratio at d / sqrt(V)."""
        share = self.gain / (1 + self.gain)
        likelihood = log(2) + 0.5 * (standardized * standardized * share - log1p(self.gain))
        return log(self.weight) + likelihood + float(log_ndtr(standardized * sqrt(share)))

    def two_sided(self, alpha: float) -> float:
        """The d / sqrt(V) at which the two-sided mixture of this weight reaches 1 / alpha."""
        gain = self.gain
        return sqrt((1 + gain) / gain * (log1p(gain) - 2 * log(alpha * self.weight)))


def _evidence(standardized: float, parts: Sequence[_Part]) -> float:
    logs = [part.evidence(standardized) for part in parts]
    largest = max(logs)
    return largest + log(fsum(exp(each - largest) for each in logs))


def _parts(variance: float, tau: Tau) -> list[_Part]:
    mixture = checked_tau(tau)
    possible = 0 < variance < inf
    gains = [min(size / variance * size, float_info.max) if possible else 0.0 for size in mixture]
    if not all(gains):
        message = (
            "A one-sided mixture needs a variance and a tau above 0, "
            f"not variance={variance!r} and tau={tau!r}"
        )
        raise AnalysisError(message)
    return [_Part(weight, gain) for weight, gain in zip(mixture.values(), gains, strict=True)]
