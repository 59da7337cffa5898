"""Sample ratio mismatch over several phases, in each of which the weights were others."""

from collections.abc import Mapping, Sequence
from math import exp, inf
from types import MappingProxyType

from attrs import frozen
from scipy.special import chdtrc

from abkit.analysis.inference.srm import (
    ALPHA,
    SampleRatio,
    SampleRatioMethod,
    log_bayes_factor,
    pearson,
    sample_ratio,
)
from abkit.errors import AnalysisError


@frozen
class Sizes:
    """The units of one phase beside its design.

    Attributes:
        counts: The units found in each variant; a variant without units may be absent.
        weights: Each variant's weight while the phase lasted.
    """

    counts: Mapping[str, int]
    weights: Mapping[str, float]


def sample_ratio_of_phases(
    phases: Sequence[Sizes],
    *,
    method: SampleRatioMethod = SampleRatioMethod.SEQUENTIAL,
    alpha: float = ALPHA,
) -> SampleRatio:
    """Check the sizes of the arms against the weights of each phase, all phases together.

    The chi-square statistics and their degrees of freedom are summed up. The Bayes factors are multiplied:
    given the phases, their units are independent, so the product is one too, with a mixture for each phase,
    and the probability that it ever reaches 1 / alpha is at most alpha where the design holds.

    Args:
        phases: One or more.
        method: As for `sample_ratio`.
        alpha: As for `sample_ratio`.

    Raises:
        AnalysisError: There is no phase, or as `sample_ratio`.
    """
    if not phases:
        message = "A sample ratio of phases needs one phase or more"
        raise AnalysisError(message)
    alone = [sample_ratio(of.counts, of.weights, method=method, alpha=alpha) for of in phases]
    if len(alone) == 1:
        return alone[0]
    lists = [([*each.counts.values()], [*each.weights.values()]) for each in alone]
    statistics = [pearson(*each) for each in lists]
    freedom = sum(degrees for _, degrees in statistics)
    chi_square = sum(statistic for statistic, _ in statistics)
    evidence = sum(log_bayes_factor(*each) for each in lists)
    counts = _added([each.counts for each in alone])
    expected = _added([each.expected for each in alone])
    units = sum(counts.values())
    return SampleRatio(
        counts=MappingProxyType({variant: int(n) for variant, n in counts.items()}),
        weights=MappingProxyType(
            {v: n / units if units else 1 / len(expected) for v, n in expected.items()}
        ),
        expected=MappingProxyType(expected),
        chi_square_p=float(chdtrc(freedom, chi_square)) if freedom else 1.0,
        sequential_p=exp(-max(0.0, evidence)),
        largest_deviation=max(
            inf if each.largest_deviation == inf else _deviation(counts[v], expected[v])
            for each in alone
            for v in expected
        ),
        method=SampleRatioMethod(method),
        alpha=alpha,
        phases=len(phases),
    )


def _added(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    variants = dict.fromkeys(variant for part in parts for variant in part)
    return {variant: sum(part.get(variant, 0) for part in parts) for variant in variants}


def _deviation(count: float, expected: float) -> float:
    return abs(count - expected) / expected if expected else 0.0
