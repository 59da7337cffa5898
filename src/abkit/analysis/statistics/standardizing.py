"""Arms compared within phases: the phases of each arm weighed as those of all units. Pure.

While an experiment runs, its weights may change, and so may what is measured. Then the arms are made of
the phases in different parts, and the difference of their plain means is that of the phases too: it can
even have the other sign (Simpson 1951, J. R. Stat. Soc. B 13(2)). Within a phase, where all units have the
same propensities, there is no such difference (Rosenbaum and Rubin 1983, Biometrika 70(1)). So the mean of
an arm is made of its means of the phases, with the same weights for every arm: direct standardization.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from types import MappingProxyType

from abkit.analysis.statistics.aggregates import Sums

FEWEST = 2
"""Fewer units of an arm in a phase have no variance: the phase says nothing of its comparison."""

Strata = Sequence[Mapping[str, Sums]]
"""For each phase, the sums by variant."""


def compared(strata: Strata, control: str, treatment: str) -> tuple[int, ...]:
    """The numbers of the phases that say something of two arms: in which both have `FEWEST` units."""
    return tuple(
        number
        for number, phase in enumerate(strata)
        if min(_units(phase, control), _units(phase, treatment)) >= FEWEST
    )


def standardized(strata: Strata, variants: Sequence[str]) -> dict[str, Sums]:
    """The sums of each arm as if its units were spread over the phases as those of all arms.

    mean = sum over phases of W m, covariance of the mean = sum of W² C / n, where W is the share of the
    phase among the units of all arms, and m, C and n are the arm's means, covariances and units in it.
    The number of units stays what it is; so the covariance between them is n of the arm times that. Of
    one phase, they are its own sums.

    Args:
        strata: The phases, one or more, in each of which each of the variants has `FEWEST` units.
        variants: The arms.
    """
    if len(strata) == 1:
        return {variant: strata[0][variant] for variant in variants}
    sizes = [sum(of.n for of in phase.values()) for phase in strata]
    shares = [size / sum(sizes) for size in sizes]
    spread = [_pooled_covariances([phase[v] for v in variants]) for phase in strata]
    return {v: _standardized([phase[v] for phase in strata], shares, spread) for v in variants}


def pooled(strata: Strata, variant: str) -> Sums:
    """The plain sums of an arm over all phases."""
    return reduce(add, (phase[variant] for phase in strata if variant in phase))


_Covariances = Mapping[tuple[int, int], float]


def _pooled_covariances(arms: Sequence[Sums]) -> _Covariances:
    """Between the units of a phase, as if all arms spread alike: weighed by n - 1."""
    freedom = sum(of.n - 1 for of in arms)
    return {
        (i, j): sum((of.n - 1) * of.covariance(i, j) for of in arms) / freedom
        for i, j in arms[0].products
    }


def _standardized(
    phases: Sequence[Sums], shares: Sequence[float], spread: Sequence[_Covariances]
) -> Sums:
    units = sum(of.n for of in phases)
    shifts, pairs = phases[0].shifts, phases[0].products
    means = tuple(
        sum(share * of.mean(i) for share, of in zip(shares, phases, strict=True))
        for i in range(len(shifts))
    )
    weights = [share * share / of.n for share, of in zip(shares, phases, strict=True)]
    own = [{(i, j): of.covariance(i, j) for i, j in pairs} for of in phases]
    products, alike = (
        {
            pair: (units - 1)
            * units
            * sum(weight * of[pair] for weight, of in zip(weights, covariances, strict=True))
            for pair in pairs
        }
        for covariances in (own, spread)
    )
    nothing = (0.0,) * len(means)
    return Sums(
        units,
        means,
        nothing,
        MappingProxyType(products),
        effective=1 / sum(weights),
        alike=MappingProxyType(alike),
    )


def _units(phase: Mapping[str, Sums], variant: str) -> int:
    return phase[variant].n if variant in phase else 0
