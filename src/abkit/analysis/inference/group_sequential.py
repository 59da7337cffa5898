"""Group sequential tests: a few planned looks, for nearly the power of a single one."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import exp, expm1, inf, log1p, sqrt
from typing import Literal, TypeAlias

import numpy as np
from scipy.special import ndtr, ndtri

from abkit.analysis.inference.comparison import Comparison
from abkit.analysis.inference.continuing import FURTHEST, Continuing
from abkit.analysis.inference.decision import Decision, check_alpha, compare, undecided
from abkit.analysis.inference.variance import VarianceRule, at_least_pooled
from abkit.analysis.statistics.aggregates import Moments
from abkit.errors import AnalysisError

METHOD = "group-sequential"

Spending: TypeAlias = Callable[[float, float], float]
"""From the information so far (0 to 1) and the tail's alpha to the alpha spent so far."""


def obrien_fleming(information: float, alpha: float) -> float:
    """Spend next to nothing early: Lan and DeMets (1983, Biometrika 70(3)), like O'Brien-Fleming.

    2 - 2 Φ(z_{1 - alpha/2} / sqrt(t)), of one tail.
    """
    return float(2 * ndtr(ndtri(alpha / 2) / sqrt(information)))


def pocock(information: float, alpha: float) -> float:
    """Spend evenly: Lan and DeMets (1983), like Pocock. alpha ln(1 + (e - 1) t)."""
    return alpha * log1p(expm1(1.0) * information)


def power_family(exponent: float) -> Spending:
    """Spend alpha t^exponent: Kim and DeMets (1987, Biometrika 74(1)); 3 is near O'Brien-Fleming."""
    return partial(_power, exponent)


def hwang_shih_decani(gamma: float) -> Spending:
    """Spend alpha (1 - e^(-gamma t)) / (1 - e^-gamma): Hwang, Shih and De Cani (1990, Stat. Med. 9).

    Negative gammas spend late; -4 is near O'Brien-Fleming, 1 near Pocock. Not 0: that is
    `power_family(1)`.
    """
    return partial(_hwang_shih_decani, gamma)


def boundaries(
    information: Sequence[float],
    *,
    alpha: float = 0.05,
    spending: Spending = obrien_fleming,
    sides: Literal[1, 2] = 2,
) -> tuple[float, ...]:
    """The |z| at which to stop at each look, for a test of level alpha over all looks.

    Each tail spends alpha / sides (Lan and DeMets 1983), by the recursion of Armitage, McPherson
    and Rowe (1969, J. R. Stat. Soc. A 132(2)).

    Args:
        information: The share of the planned units at each look: rising, above 0. Those that were
            found, not those that were planned: a look that comes late spends what is due by then, and
            the last one, which may be beyond 1, all that is left.
        alpha: The accepted probability of a false alarm over all looks.
        spending: How much of it is spent by when; fix it before the first look.
        sides: 1 for a test that stops above its bound only, not below minus its bound.

    Returns:
        One bound a look; infinite where less is spent than the probability of `FURTHEST`.

    Raises:
        AnalysisError: `information`, `alpha` or `sides` cannot be used.
    """
    check_alpha(alpha)
    _check_information(information)
    if sides not in (1, 2):
        message = f"sides must be 1 or 2, not {sides!r}"
        raise AnalysisError(message)
    bounds: list[float] = []
    continuing, before, spent = Continuing.at_start(), 0.0, 0.0
    for share in information:
        target = spending(min(share, 1.0), alpha / sides)
        bound = continuing.bound(share - before, share, target - spent)
        bounds.append(bound)
        reach = sqrt(share) * min(bound, FURTHEST)
        floor = -reach if sides == 2 else -sqrt(share) * FURTHEST
        continuing = continuing.after(share - before, floor, reach)
        before, spent = share, max(spent, target)
    return tuple(bounds)


def crossing_probability(information: Sequence[float], bounds: Sequence[float]) -> float:
    """The probability that |z| reaches its bound at any look where there is no difference.

    Args:
        information: As for `boundaries`.
        bounds: The |z| at which to stop at each look.

    Raises:
        AnalysisError: `information` cannot be used.
    """
    _check_information(information)
    continuing, before, total = Continuing.at_start(), 0.0, 0.0
    for share, bound in zip(information, bounds, strict=True):
        reach = sqrt(share) * min(bound, FURTHEST)
        total += 2 * continuing.above(share - before, reach)
        continuing, before = continuing.after(share - before, -reach, reach), share
    return total


def nominal_alphas(bounds: Sequence[float]) -> tuple[float, ...]:
    """The level of an ordinary two-sided test at each look that stops at the same bounds."""
    return tuple(float(2 * ndtr(-bound)) for bound in bounds)


def group_sequential(
    control: Moments,
    treatment: Moments,
    *,
    bound: float,
    details: Mapping[str, float],
    variance_rule: VarianceRule = at_least_pooled,
) -> Comparison:
    """Compare two means at one of the planned looks.

    Args:
        control: The control's moments.
        treatment: The variant's moments.
        bound: The |z| at which to stop at this look: one of `boundaries`.
        details: What else to report, such as the look's number.
        variance_rule: The variances of the two means. The default keeps the level of skewed and of
            rare metrics on unequal splits, where Welch's own, `separate`, does not.

    Returns:
        The comparison; alpha and p are nominal: those of an ordinary two-sided test at this bound.
        The interval reaches `bound` standard errors to both sides (a repeated confidence interval,
        Jennison and Turnbull 1989, J. R. Stat. Soc. B 51(3)): those of all looks together hold the
        true difference with the level of the bounds. Fewer than two units in an arm, or no variance
        in either, decide nothing: p = 1.
    """
    alpha = float(2 * ndtr(-bound))
    if control.n < 2 or treatment.n < 2:
        return undecided(METHOD, control, treatment, alpha=alpha, details=details)
    variances = variance_rule(control, treatment)
    if not variances.difference > 0:
        return undecided(METHOD, control, treatment, alpha=alpha, details=details)
    statistic = (treatment.mean - control.mean) / sqrt(variances.difference)
    decision = Decision(
        variances=variances,
        critical=bound,
        p_value=float(2 * ndtr(-abs(statistic))),
        alpha=alpha,
        details={"statistic": statistic, "bound": bound, **details},
    )
    return compare(METHOD, control, treatment, decision=decision)


def _power(exponent: float, information: float, alpha: float) -> float:
    return float(alpha * information**exponent)


def _hwang_shih_decani(gamma: float, information: float, alpha: float) -> float:
    return alpha * (1 - exp(-gamma * information)) / (1 - exp(-gamma))


def _check_information(information: Sequence[float]) -> None:
    steps = np.diff(np.asarray([0.0, *information]))
    early = all(share < 1 for share in information[:-1])
    if not information or not early or not bool((steps > 0).all()) or information[-1] == inf:
        message = (
            "The information of the looks must rise from above 0, and only the last may be 1 or more, "
            f"such as 0.25, 0.5, 0.75, 1; not {list(information)}"
        )
        raise AnalysisError(message)
