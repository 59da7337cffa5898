"""Arms compared within phases, of many simulated experiments at once: `standardizing`, in arrays."""

from collections.abc import Sequence
from functools import partial
from typing import TypeAlias

import numpy as np
from attrs import evolve

from .many_sums import Floats, ManySums
from .simulated import ManyMoments, Measured, adjusted, slopes

Pair: TypeAlias = tuple[ManySums, ManySums]


def within_phases(phases: Sequence[Pair], measured: Measured) -> tuple[ManyMoments, ManyMoments]:
    """The moments of control and treatment, each phase of which weighs as it does among all units.

    Args:
        phases: Control and treatment in each phase.
        measured: What kind of metric it is; of conversions `means`.
    """
    sizes = [control.n + treatment.n for control, treatment in phases]
    shares = [size / sum(sizes[1:], sizes[0]) for size in sizes]
    spread = [_pooled(*pair) for pair in phases]
    arms = [[pair[arm] for pair in phases] for arm in (0, 1)]
    own = [_standardized(arm, shares, [of.covariances for of in arm]) for arm in arms]
    alike = [_standardized(arm, shares, spread) for arm in arms]
    if measured is adjusted:
        measured = partial(adjusted, theta=slopes(own[0] + own[1]))
    found, others = measured(own[0], own[1]), measured(alike[0], alike[1])
    control, treatment = (
        evolve(of, alike=other.variance) for of, other in zip(found, others, strict=True)
    )
    return control, treatment


def _pooled(control: ManySums, treatment: ManySums) -> Floats:
    first, second = (of.n[..., None, None] - 1 for of in (control, treatment))
    together = first * control.covariances + second * treatment.covariances
    return np.asarray(together / (first + second))


def _weights(arm: Sequence[ManySums], shares: Sequence[Floats]) -> list[Floats]:
    return [share * share / of.n for share, of in zip(shares, arm, strict=True)]


def _standardized(
    arm: Sequence[ManySums], shares: Sequence[Floats], spread: Sequence[Floats]
) -> ManySums:
    n = sum((of.n for of in arm[1:]), arm[0].n)
    mean = _added([share[..., None] * of.means for share, of in zip(shares, arm, strict=True)])
    each = zip(_weights(arm, shares), spread, strict=True)
    covariance = n[..., None, None] * _added(
        [of[..., None, None] * each_of for of, each_of in each]
    )
    totals = n[..., None] * mean
    outer = totals[..., :, None] * totals[..., None, :] / n[..., None, None]
    return ManySums(n=n, totals=totals, products=covariance * (n[..., None, None] - 1) + outer)


def _added(parts: Sequence[Floats]) -> Floats:
    return np.asarray(sum(parts[1:], parts[0]))
