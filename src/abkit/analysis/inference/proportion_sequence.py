"""A confidence sequence of a proportion: valid at every look, with any number of units."""

from collections.abc import Callable
from math import inf, log, log1p

from scipy.special import betaln, xlog1py, xlogy

from abkit.analysis.inference.comparison import Interval
from abkit.analysis.inference.decision import check_alpha
from abkit.errors import AnalysisError

LEAST_CONCENTRATION = 1e-3
"""For plans of so few units that the formula for the concentration has no value above 0."""


def proportion_sequence(
    successes: int, units: int, *, concentration: float, alpha: float = 0.05
) -> Interval:
    """The interval of a proportion at any one of any number of looks; exact, not asymptotic.

    All proportions whose beta-binomial mixture ratio is below 1 / alpha: Howard, Ramdas, McAuliffe and
    Sekhon (2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences", Ann. Stat. 49(2)).
    The probability that it ever misses the true proportion is at most alpha.

    Args:
        successes: The units that converted so far.
        units: All units so far, above 0.
        concentration: How near the mixture keeps to the tested proportion, above 0:
            `concentration_for_sample_size`. Fix it before the first look.
        alpha: One minus the confidence, of all looks together.

    Raises:
        AnalysisError: An argument is not what it should be.
    """
    check_alpha(alpha)
    if not (0 <= successes <= units and units > 0):
        message = f"A proportion needs 0 <= successes <= units, not {successes!r} of {units!r}"
        raise AnalysisError(message)
    threshold = -log(alpha)

    def above_low(proportion: float) -> bool:
        evidence = log_mixture_ratio(successes, units, at=proportion, concentration=concentration)
        return evidence < threshold

    def below_high(other: float) -> bool:
        # The mirrored question, so that proportions near 1 keep their digits.
        failures = units - successes
        evidence = log_mixture_ratio(failures, units, at=other, concentration=concentration)
        return evidence < threshold

    rate = successes / units
    return Interval(_lowest(above_low, rate), 1 - _lowest(below_high, (units - successes) / units))


def log_mixture_ratio(successes: int, units: int, *, at: float, concentration: float) -> float:
    """The log of the evidence against a proportion; an anytime-valid p is exp of minus it.

    ln B(c p + k, c (1 - p) + n - k) - ln B(c p, c (1 - p)) - k ln p - (n - k) ln(1 - p): a mixture
    over Beta(c p, c (1 - p)), whose mean is the tested p. It is the sequential test of a sample
    ratio for two variants.

    Args:
        successes: k, the units that converted so far.
        units: n, all units so far.
        at: p, the proportion that is tested, above 0 and below 1.
        concentration: c, above 0.

    Raises:
        AnalysisError: `at` or the concentration cannot be used.
    """
    if not (0 < at < 1 and 0 < concentration < inf):
        message = (
            "A proportion is tested above 0 and below 1, with a concentration above 0, "
            f"not at={at!r} and concentration={concentration!r}"
        )
        raise AnalysisError(message)
    prior, other = concentration * at, concentration * (1 - at)
    failures = units - successes
    mixture = betaln(prior + successes, other + failures) - betaln(prior, other)
    return float(mixture - xlogy(successes, at) - xlog1py(failures, -at))


def concentration_for_sample_size(sample_size: int, *, alpha: float = 0.05) -> float:
    """The concentration whose sequence is narrowest when so many units have been seen.

    N / (2 ln(1/alpha) + ln(1 + 2 ln(1/alpha))) - 1: Howard et al. (2021), the optimum of the normal
    mixture. A plan of very few units gets `LEAST_CONCENTRATION`.

    Raises:
        AnalysisError: `alpha` or the size cannot be used.
    """
    check_alpha(alpha)
    if not 0 < sample_size < inf:
        message = f"sample_size must be above 0, not {sample_size!r}"
        raise AnalysisError(message)
    evidence = -2 * log(alpha)
    return max(LEAST_CONCENTRATION, sample_size / (evidence + log1p(evidence)) - 1)


def _lowest(accepted: Callable[[float], bool], rate: float) -> float:
    """The lower end, between 0 and the rate that was found; bisection on a logarithmic scale."""
    low, high = 1e-300, rate
    if rate <= low or accepted(low):
        return 0.0
    while high - low > 1e-15 * high:
        middle = (low * high) ** 0.5 if low < high / 2 else (low + high) / 2
        if not low < middle < high:
            break
        low, high = (low, middle) if accepted(middle) else (middle, high)
    return high
