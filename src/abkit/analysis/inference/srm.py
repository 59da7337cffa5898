"""Sample ratio mismatch: do the arms have the sizes that their weights promise?"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from math import exp, fsum, inf, lgamma, log
from types import MappingProxyType

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from scipy.special import chdtrc

from abkit.errors import AnalysisError

ALPHA = 0.01
"""The accepted probability of a false alarm: a mismatch stops a launch, so it is kept rare."""

CONCENTRATIONS = (10.0, 100.0, 1_000.0, 10_000.0)
"""How near the true shares are to the design, if they differ: from anywhere to a few of a hundred.

One concentration alone is blind to the others' mismatches: 10,000 needs 530 units to see 80:20 in the
place of 50:50, these four together 42."""


class SampleRatioMethod(StrEnum):
    """How the data are looked at: again and again, or once."""

    SEQUENTIAL = "sequential"
    CHI_SQUARE = "chi-square"


@frozen(kw_only=True)
class SampleRatio:
    """The sizes of the arms beside those that the weights promise.

    Attributes:
        counts: The units found in each variant.
        weights: Each variant's share of the design; they sum to 1.
        expected: The units that the design promises each variant, given the total.
        chi_square_p: Of the design, if the data are looked at once.
        sequential_p: Of the design, at this look of any number of looks.
        largest_deviation: The largest relative deviation of a count from the expected one: 0.01 is
            1%. Infinite where units were found in a variant of weight 0.
        method: The p-value that decides.
        alpha: The level of the alarm.
        known: Whether the design is known; else the weights are equal ones, and there is no alarm.
        phases: How many phases with other weights each were tested together; the weights and the expected
            units are then those of all phases.
    """

    counts: Mapping[str, int]
    weights: Mapping[str, float]
    expected: Mapping[str, float]
    chi_square_p: float
    sequential_p: float
    largest_deviation: float
    method: SampleRatioMethod
    alpha: float
    known: bool = True
    phases: int = 1

    @property
    def p_value(self) -> float:
        """The p-value that decides."""
        if self.method is SampleRatioMethod.CHI_SQUARE:
            return self.chi_square_p
        return self.sequential_p

    @property
    def alarm(self) -> bool:
        """Whether the arms' sizes contradict the design: find the cause before any other result."""
        return self.known and self.p_value <= self.alpha

    @property
    def finding(self) -> str:
        """The same in words."""
        if not self.known:
            return "not known"
        return "mismatch" if self.alarm else "as designed"


def sample_ratio(
    counts: Mapping[str, int],
    weights: Mapping[str, float],
    *,
    method: SampleRatioMethod = SampleRatioMethod.SEQUENTIAL,
    alpha: float = ALPHA,
) -> SampleRatio:
    """Check the sizes of the arms against the weights of the design.

    Args:
        counts: The units found in each variant; a variant without units may be absent.
        weights: Each variant's weight in the design, at least 0; only their ratios matter.
        method: SEQUENTIAL for what may be looked at again; CHI_SQUARE for one look that was planned.
        alpha: The level of the alarm.

    Raises:
        AnalysisError: A variant has no weight, or counts and weights are not what they should be.
    """
    unknown = [variant for variant in counts if variant not in weights]
    if unknown:
        message = (
            f"No weight for {', '.join(map(repr, unknown))}: "
            f"the design has {', '.join(map(repr, weights))}. Check the column of the variants."
        )
        raise AnalysisError(message)
    found = {variant: counts.get(variant, 0) for variant in weights}
    observed, shares = _design(list(found.values()), list(weights.values()))
    expected = observed.sum() * shares
    return SampleRatio(
        counts=MappingProxyType(found),
        weights=MappingProxyType(dict(zip(weights, shares.tolist(), strict=True))),
        expected=MappingProxyType(dict(zip(weights, expected.tolist(), strict=True))),
        chi_square_p=chi_square(observed.tolist(), shares.tolist()),
        sequential_p=sequential_srm(observed.tolist(), shares.tolist()),
        largest_deviation=_largest_deviation(observed, expected),
        method=SampleRatioMethod(method),
        alpha=alpha,
    )


def chi_square(counts: Sequence[float], weights: Sequence[float]) -> float:
    """Pearson's (1900) chi-square p-value of the design, for data that are looked at once.

    Args:
        counts: The units found, by variant.
        weights: The design's weights, in the same order; only their ratios matter.

    Raises:
        AnalysisError: Counts and weights are not what they should be.
    """
    statistic, freedom = pearson(counts, weights)
    return float(chdtrc(freedom, statistic)) if freedom else 1.0


def pearson(counts: Sequence[float], weights: Sequence[float]) -> tuple[float, int]:
    """Pearson's statistic and its degrees of freedom; 0 of these where nothing can be tested.

    The arguments and errors are those of `chi_square`. Infinite where units were found in a variant of
    weight 0.
    """
    observed, shares = _design(counts, weights)
    planned = shares > 0
    if observed[~planned].any():
        return inf, max(1, int(planned.sum()) - 1)
    expected = observed.sum() * shares[planned]
    freedom = int(planned.sum()) - 1
    if freedom == 0 or not expected.any():
        return 0.0, 0
    return float((np.square(observed[planned] - expected) / expected).sum()), freedom


def sequential_srm(
    counts: Sequence[float],
    weights: Sequence[float],
    *,
    concentrations: Sequence[float] = CONCENTRATIONS,
) -> float:
    """The p-value of the design at any one of any number of looks.

    One over the mean of the Bayes factors of Dirichlet(k · weights) mixtures against the design, one
    for each concentration k: Lindon and Malek (2022, "Anytime-valid inference for multinomial count
    data", NeurIPS). Each factor is an e-process, and so is their mean: where the design holds, the
    probability that the p-value is ever <= alpha is at most alpha.

    Args:
        counts: The units found so far, by variant.
        weights: The design's weights, in the same order; only their ratios matter. They must not
            have changed since the first of these units.
        concentrations: Each above 0; a larger one finds small mismatches sooner and large ones later.

    Raises:
        AnalysisError: Counts, weights or the concentrations are not what they should be.
    """
    return exp(-max(0.0, log_bayes_factor(counts, weights, concentrations=concentrations)))


def log_bayes_factor(
    counts: Sequence[float],
    weights: Sequence[float],
    *,
    concentrations: Sequence[float] = CONCENTRATIONS,
) -> float:
    """The log of the evidence against the design, of which `sequential_srm` makes its p-value.

    The arguments and errors are those of `sequential_srm`. Infinite where units were found in a variant of
    weight 0.
    """
    if not concentrations or not all(0 < each < inf for each in concentrations):
        message = f"concentrations must be numbers above 0, not {concentrations!r}"
        raise AnalysisError(message)
    observed, shares = _design(counts, weights)
    planned = shares > 0
    if observed[~planned].any():
        return inf
    observed, shares = observed[planned], shares[planned]
    # Of a few counts, plain numbers are ten times as fast as arrays.
    of, parts = observed.tolist(), shares.tolist()
    factors = [_log_bayes_factor(of, parts, each) for each in concentrations]
    largest = max(factors)
    mean = fsum(exp(each - largest) for each in factors) / len(factors)
    return largest + log(mean)


def _log_bayes_factor(
    observed: Sequence[float], shares: Sequence[float], concentration: float
) -> float:
    prior = [concentration * share for share in shares]
    found = [at + count for at, count in zip(prior, observed, strict=True)]
    by_design = fsum(count * log(share) for count, share in zip(observed, shares, strict=True))
    return _log_beta(found) - _log_beta(prior) - by_design


def _design(
    counts: Sequence[float], weights: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The counts, and the weights as shares of 1."""
    observed, shares = np.asarray(counts, float), np.asarray(weights, float)
    usable = (
        observed.shape == shares.shape
        and bool(np.isfinite(observed).all() and (observed >= 0).all())
        and bool(np.isfinite(shares).all() and (shares >= 0).all() and shares.sum() > 0)
    )
    if not usable:
        message = (
            "A sample ratio needs one count >= 0 and one weight >= 0 for each variant, "
            f"and a weight above 0; not counts={list(counts)} and weights={list(weights)}"
        )
        raise AnalysisError(message)
    return observed, shares / shares.sum()


def _log_beta(concentrations: Sequence[float]) -> float:
    """The log of the multivariate beta function."""
    return fsum(map(lgamma, concentrations)) - lgamma(fsum(concentrations))


def _largest_deviation(observed: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    if observed[expected == 0].any():
        return inf
    planned = expected > 0
    deviations = np.abs(observed[planned] - expected[planned]) / expected[planned]
    return float(deviations.max(initial=0.0))
