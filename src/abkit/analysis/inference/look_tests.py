"""The tests of many looks at once: what `sequential` and `welch` say of one look, as arrays.

An interval may contradict its p-value in the last digit, which those of one look never do.
"""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from abkit.analysis.inference.relative import NEAR_ZERO
from abkit.experiments.declaring.tau import Tau, checked_tau

Numbers: TypeAlias = NDArray[np.float64]


@frozen(kw_only=True, eq=False)
class LookMoments:
    """The units of arms at several looks, as `Moments` has them of one; arrays that broadcast."""

    n: Numbers
    mean: Numbers
    variance: Numbers


@frozen(kw_only=True, eq=False)
class LookTests:
    """What was found at each look, as a `Comparison` has it.

    Attributes:
        difference: Treatment mean minus control mean.
        reach: Half the width of its interval.
        lift: The difference divided by the control's mean; not a number where that is undefined.
        lift_low: The lower end of its interval; not a number where there is none.
        lift_high: The upper end.
        p_value: Of no difference.
    """

    difference: Numbers
    reach: Numbers
    lift: Numbers
    lift_low: Numbers
    lift_high: Numbers
    p_value: Numbers


def look_sequential(
    control: LookMoments, treatment: LookMoments, *, tau: Tau, alpha: Numbers
) -> LookTests:
    """As `sequential`, two-sided, with the rule `at_least_pooled`.

    Args:
        control: The control's moments.
        treatment: The variant's moments, each of at least two units.
        tau: What is looked for.
        alpha: The accepted probability of a false alarm.
    """
    with np.errstate(all="ignore"):
        variances = _at_least_pooled(control, treatment)
        variance = np.add(*variances)
        difference = treatment.mean - control.mean
        mixture = checked_tau(tau)
        ratio = _evidence(difference * difference / variance, variance, mixture)
        critical = _critical(variance, mixture, alpha=alpha)
        return _tests(
            control,
            treatment,
            variances,
            critical=critical,
            p_value=np.exp(-np.maximum(0.0, ratio)),
        )


def look_welch(control: LookMoments, treatment: LookMoments, *, alpha: Numbers) -> LookTests:
    """As `welch`, two-sided, with the rule `at_least_pooled`.

    Args:
        control: The control's moments.
        treatment: The variant's moments, each of at least two units.
        alpha: The accepted probability of a false alarm.
    """
    with np.errstate(all="ignore"):
        variances = _at_least_pooled(control, treatment)
        variance = np.add(*variances)
        statistic = (treatment.mean - control.mean) / np.sqrt(variance)
        share = variances[0] / variance
        freedom = 1 / (share**2 / (control.n - 1) + (1 - share) ** 2 / (treatment.n - 1))
        return _tests(
            control,
            treatment,
            variances,
            critical=-stdtrit(freedom, alpha / 2),
            p_value=np.minimum(1.0, 2 * stdtr(freedom, -np.abs(statistic))),
        )


def _at_least_pooled(control: LookMoments, treatment: LookMoments) -> tuple[Numbers, Numbers]:
    """As `at_least_pooled`: the sampling variances of the two means."""
    own, other = control.variance / control.n, treatment.variance / treatment.n
    weight = (control.n - 1) / (control.n + treatment.n - 2)
    spread = weight * control.variance + (1 - weight) * treatment.variance
    pooled = spread * (1 / control.n + 1 / treatment.n)
    excess = np.maximum(0.0, pooled - (own + other))
    return (
        own + np.where(treatment.n > control.n, excess, 0.0),
        other + np.where(treatment.n < control.n, excess, 0.0),
    )


def _tests(
    control: LookMoments,
    treatment: LookMoments,
    variances: tuple[Numbers, Numbers],
    *,
    critical: Numbers,
    p_value: Numbers,
) -> LookTests:
    """As `compare`, with the interval of the lift of `lift_interval`."""
    difference = treatment.mean - control.mean
    spread = np.add(*variances)
    undecided = ~(spread > 0)
    critical = np.where(undecided, np.inf, critical)
    undefined = control.mean <= NEAR_ZERO * np.sqrt(control.variance / control.n)
    ratio = np.where(undefined, np.nan, treatment.mean / control.mean)
    control_spread, treatment_spread = (of / control.mean / control.mean for of in variances)
    uncertainty = critical * critical * control_spread
    rest = np.where(uncertainty < 1, 1 - uncertainty, np.nan)
    reach = critical * np.sqrt(treatment_spread * rest + control_spread * ratio * ratio)
    return LookTests(
        difference=difference,
        reach=np.where(undecided, np.inf, critical * np.sqrt(spread)),
        lift=ratio - 1,
        lift_low=(ratio - reach) / rest - 1,
        lift_high=(ratio + reach) / rest - 1,
        p_value=np.where(undecided, 1.0, p_value),
    )


def _evidence(standardized: Numbers, variance: Numbers, mixture: Mapping[float, float]) -> Numbers:
    """The log of the likelihood ratio of all parts of the mixture, at a d² / V."""
    logs = [
        np.log(weight) + 0.5 * (standardized * share - growth)
        for weight, (share, growth) in _parts(variance, mixture)
    ]
    return np.asarray(np.logaddexp.reduce(logs))


def _parts(
    variance: Numbers, mixture: Mapping[float, float]
) -> list[tuple[float, tuple[Numbers, Numbers]]]:
    """Of each part its weight, tau² / (V + tau²), and ln((V + tau²) / V)."""
    return [
        (weight, (1 / (1 + variance / tau / tau), np.log1p(tau / variance * tau)))
        for tau, weight in mixture.items()
    ]


def _critical(variance: Numbers, mixture: Mapping[float, float], *, alpha: Numbers) -> Numbers:
    """The |d| / sqrt(V) at which all parts together have the evidence that is asked for.

    By Newton's method from the least at which one part alone has it: the evidence is convex, so from above
    it never falls short.
    """
    parts, wanted = _parts(variance, mixture), np.log(1 / alpha)
    alone = [(2 * (wanted - np.log(weight)) + growth) / share for weight, (share, growth) in parts]
    at: Numbers = np.sqrt(np.minimum.reduce(alone))
    if len(parts) == 1:
        return at
    shares = np.array([share for _, (share, _) in parts])
    for _ in range(_STEPS):
        logs = np.array(
            [np.log(weight) + 0.5 * (at * at * share - growth) for weight, (share, growth) in parts]
        )
        found = np.logaddexp.reduce(logs)
        slope = at * (shares * np.exp(logs - found)).sum(axis=0)
        closer = at - (found - wanted) / slope
        nearer = closer < at
        if not nearer.any():
            break
        at = np.where(nearer, closer, at)
    return at


_STEPS = 100
"""More than Newton's method takes: each step doubles the digits once it is near."""
