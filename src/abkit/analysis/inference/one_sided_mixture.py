"""The one-sided sequential test: whether a change is above 0, looked at as often as you like."""

from math import inf, log, log1p, sqrt

from scipy.special import log_ndtr

from abkit.analysis.inference.decision import check_alpha
from abkit.errors import AnalysisError


def log_likelihood_ratio(difference: float, *, variance: float, tau: float) -> float:
    """The log of the evidence for a difference above 0; p is exp of minus it, and at most 1.

    ln(Λ) = ½ ln(4 V / (V + tau²)) + tau² d² / (2 V (V + tau²)) + ln Φ(d tau / sqrt(V (V + tau²))): the
    half-normal mixture of Howard et al. (2021, "Time-uniform, nonparametric, nonasymptotic confidence
    sequences", Ann. Stat. 49(2)), V / tau² being rho / v there. For a difference below 0, negate it.

    Args:
        difference: d, treatment mean minus control mean.
        variance: V, the sampling variance of d, above 0.
        tau: The mixture's standard deviation, in the unit of d; fixed before the first look.
            `tau_for_sample_size` at twice the alpha gives one.

    Raises:
        AnalysisError: `variance` or `tau` is not above 0.
    """
    gain = _gain(variance, tau)
    return _evidence(difference / sqrt(variance), gain)


def half_width(variance: float, *, tau: float, alpha: float) -> float:
    """How far the always-valid lower bound lies below the difference: where Λ = 1 / alpha.

    Args:
        variance: V, the sampling variance of the difference, above 0.
        tau: As for `log_likelihood_ratio`.
        alpha: The accepted probability that the bound is ever above the true difference.

    Raises:
        AnalysisError: `alpha`, `variance` or `tau` cannot be used.
    """
    check_alpha(alpha)
    gain = _gain(variance, tau)
    # The two-sided bound of the same alpha lies further out.
    low, high = 0.0, sqrt((1 + gain) / gain * (log1p(gain) - 2 * log(alpha)))
    for _ in range(200):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (middle, high) if _evidence(middle, gain) < -log(alpha) else (low, middle)
    return sqrt(variance) * high


def closed_form(variance: float, *, tau: float, alpha: float) -> float:
    """A half width a little larger than needed, as GrowthBook reports it.

    sqrt(2 V (V + tau²) / tau² ln(1 + sqrt((V + tau²) / V) / (2 alpha))): Waudby-Smith et al. (2024,
    "Time-uniform central limit theory and asymptotic confidence sequences", Ann. Stat. 52(6)).

    Args:
        variance: As for `half_width`.
        tau: As there.
        alpha: As there.

    Raises:
        AnalysisError: `alpha`, `variance` or `tau` cannot be used.
    """
    check_alpha(alpha)
    gain = _gain(variance, tau)
    return sqrt(2 * variance * ((1 + gain) / gain) * log1p(sqrt(1 + gain) / (2 * alpha)))


def _evidence(standardized: float, gain: float) -> float:
    share = gain / (1 + gain)
    likelihood = log(2) + 0.5 * (standardized * standardized * share - log1p(gain))
    return likelihood + float(log_ndtr(standardized * sqrt(share)))


def _gain(variance: float, tau: float) -> float:
    if not (0 < variance < inf and 0 < tau < inf and tau * tau / variance > 0):
        message = (
            "A one-sided mixture needs a variance and a tau above 0, "
            f"not variance={variance!r} and tau={tau!r}"
        )
        raise AnalysisError(message)
    return tau * tau / variance
