"""The anytime-valid t- and F-test of a linear model: look as often as you like."""

from collections.abc import Sequence
from itertools import accumulate
from math import exp, expm1, inf, isfinite, log, log1p, sqrt

import numpy as np
from attrs import frozen

from abkit.analysis.aggregates import Moments
from abkit.analysis.inference.comparison import Interval
from abkit.analysis.inference.decision import agreeing, check_alpha
from abkit.analysis.inference.variance import pooled_difference
from abkit.errors import AnalysisError

SINGULAR = 1e12
"""Columns of a condition number above this one say, to the digits of a float, the same."""


@frozen(kw_only=True)
class Coefficient:
    """One coefficient of a linear model, as least squares found it.

    Attributes:
        estimate: In the outcome's unit per unit of the column.
        standard_error: Of the estimate, above 0.
        freedom: The units less the model's columns, above 0; infinite if the residuals' variance
            is known, which makes it a z-test.
        information: z² = (s / standard error)², s being the residuals' standard deviation: the
            squared length of the column after the other columns have been taken out of it; above 0.
    """

    estimate: float
    standard_error: float
    freedom: float
    information: float

    def __attrs_post_init__(self) -> None:
        possible = (
            isfinite(self.estimate)
            and 0 < self.standard_error < inf
            and self.freedom > 0
            and 0 < self.information < inf
        )
        if not possible:
            message = (
                "A coefficient needs a finite estimate, and a standard_error, freedom and "
                f"information above 0, not {self}"
            )
            raise AnalysisError(message)


@frozen
class Look:
    """What was found at one look.

    Attributes:
        p_value: Of a coefficient of 0.
        interval: Of the coefficient; it excludes 0 exactly when p <= alpha.
    """

    p_value: float
    interval: Interval


def anytime_t(coefficient: Coefficient, *, phi: float = 1.0, alpha: float = 0.05) -> Look:
    """Test a coefficient at any one of any number of looks.

    Lindon, Ham, Tingley and Bojinov (2022, "Anytime-valid inference in linear models and
    regression-adjusted inference", arXiv 2210.08589): the t-test whose coefficient, in residual
    standard deviations, is mixed over N(0, 1 / phi). Where it is 0, the probability that p <= alpha
    at any look, ever, is at most alpha, at any sample size if the residuals are normal.

    Args:
        coefficient: As found so far.
        phi: The mixture's precision, above 0: about one over the square of the coefficient that is
            looked for, in residual standard deviations. Fix it before the first look.
        alpha: The accepted probability of a false alarm over all looks.

    Raises:
        AnalysisError: `phi` or `alpha` cannot be used.
    """
    check_alpha(alpha)
    ratio = coefficient.information / phi if phi > 0 else -1.0
    statistic = coefficient.estimate / coefficient.standard_error
    evidence = log_bayes_factor(statistic * statistic, freedom=coefficient.freedom, ratio=ratio)
    p_value = exp(-max(0.0, evidence))
    reach = coefficient.standard_error * critical_value(
        alpha, freedom=coefficient.freedom, ratio=ratio
    )
    found = Interval(coefficient.estimate - reach, coefficient.estimate + reach)
    return Look(p_value, agreeing(found, p_value=p_value, alpha=alpha))


def log_bayes_factor(
    statistic: float, *, freedom: float, ratio: float, restrictions: int = 1
) -> float:
    """The log of the evidence against coefficients of 0; p is exp of minus it, and at most 1.

    ½ (d ln r + (nu + d) (ln(1 + d F / nu) - ln(1 + r d F / nu))) with r = 1 / (1 + ratio): Lindon et al.
    (2022); for several coefficients with Zellner's g-prior, whose ratio is n / g.

    Args:
        statistic: F, which is t² for one coefficient; at least 0.
        freedom: nu, of the residuals, above 0; infinite for a known variance.
        ratio: The information of the data in terms of the mixture's, above 0: z² / phi.
        restrictions: d, the number of coefficients that are tested together.

    Raises:
        AnalysisError: An argument is not what it should be.
    """
    _check_test(freedom, ratio)
    if not (0 <= statistic < inf and restrictions >= 1):
        message = (
            "An F statistic must be finite and at least 0, of 1 restriction or more, "
            f"not {statistic!r} of {restrictions!r}; for one coefficient it is t squared"
        )
        raise AnalysisError(message)
    explained, shrinkage = restrictions * statistic, 1 / (1 + ratio)
    if freedom == inf:
        return 0.5 * (explained * (ratio / (1 + ratio)) - restrictions * log1p(ratio))
    gain = log1p(explained / freedom) - log1p(shrinkage * explained / freedom)
    return 0.5 * ((freedom + restrictions) * gain - restrictions * log1p(ratio))


def critical_value(alpha: float, *, freedom: float, ratio: float) -> float:
    """The |t| at which p is `alpha`: half the interval's width in standard errors.

    sqrt(nu (1 - q) / (q - r)) with q = (r alpha²)^(1 / (nu + 1)), r = 1 / (1 + ratio): Lindon et al.
    (2022). For a known variance sqrt(ln(1 / (r alpha²)) / (1 - r)).

    Args:
        alpha: The accepted probability of a false alarm over all looks.
        freedom: As for `log_bayes_factor`.
        ratio: As for `log_bayes_factor`.

    Returns:
        Infinity while so few units cannot reject anything.

    Raises:
        AnalysisError: An argument is not what it should be.
    """
    check_alpha(alpha)
    _check_test(freedom, ratio)
    log_shrinkage = -log1p(ratio)
    needed = log_shrinkage + 2 * log(alpha)
    if freedom == inf:
        return sqrt(-needed / -expm1(log_shrinkage))
    exponent = needed / (freedom + 1)
    if exponent <= log_shrinkage:
        return inf
    spread = exp(exponent) * -expm1(log_shrinkage - exponent)
    return sqrt(freedom * (-expm1(exponent) / spread))


def running(looks: Sequence[Look]) -> tuple[Look, ...]:
    """At each look, the smallest p-value so far and the intersection of the intervals so far.

    Both are as valid as those of a single look. Where intervals contradict each other, of which the
    probability is at most alpha if the model holds, the intersection is empty: low is above high.
    """
    return tuple(accumulate(looks, _narrowed))


def coefficient(products: Sequence[Sequence[float]], *, units: int, of: int) -> Coefficient | None:
    """A coefficient by least squares, from sums that can be added up: days, segments, parts.

    Args:
        products: [X y]' [X y]: the sums of the products of all columns, the outcome being the last
            one. Where a column's mean is large beside its deviation, take a constant from it first.
        units: The rows that were summed.
        of: The place of the column whose coefficient is wanted, from 0.

    Returns:
        None while it is not determined: there are no more units than columns, some columns are
        linear combinations of others, or the model fits without any residual.

    Raises:
        AnalysisError: `products` is no square of finite numbers, or has no such column.
    """
    sums = np.asarray(products, float)
    columns = len(sums) - 1
    if sums.shape != (columns + 1, columns + 1) or not np.isfinite(sums).all():
        message = f"products must be a square matrix of finite numbers, not of shape {sums.shape}"
        raise AnalysisError(message)
    if not 0 <= of < columns:
        message = f"of must be one of the {columns} columns before the outcome, from 0, not {of}"
        raise AnalysisError(message)
    lengths = np.sqrt(np.diag(sums)[:-1])
    if units <= columns or not (lengths > 0).all():
        return None
    scaled = sums[:-1, :-1] / np.outer(lengths, lengths)
    if not np.linalg.cond(scaled) < SINGULAR:
        return None
    inverse = np.linalg.inv(scaled) / np.outer(lengths, lengths)
    estimates = inverse @ sums[:-1, -1]
    residual = float(sums[-1, -1] - estimates @ sums[:-1, -1]) / (units - columns)
    if not residual > 0:
        return None
    own = float(inverse[of, of])
    return Coefficient(
        estimate=float(estimates[of]),
        standard_error=sqrt(residual * own),
        freedom=units - columns,
        information=1 / own,
    )


def difference_of_means(control: Moments, treatment: Moments) -> Coefficient | None:
    """The coefficient of the treatment in "outcome ~ 1 + treatment": Student's pooled t.

    Args:
        control: The control's moments, the variance unbiased (n - 1).
        treatment: The variant's moments.

    Returns:
        None for fewer than two units in an arm, and where no arm varies.
    """
    if control.n < 2 or treatment.n < 2:
        return None
    variance = pooled_difference(control, treatment)
    if not variance > 0:
        return None
    return Coefficient(
        estimate=treatment.mean - control.mean,
        standard_error=sqrt(variance),
        freedom=control.n + treatment.n - 2,
        information=1 / (1 / control.n + 1 / treatment.n),
    )


def _check_test(freedom: float, ratio: float) -> None:
    if not (freedom > 0 and 0 < ratio < inf):
        message = (
            "An anytime-valid test needs phi, the degrees of freedom and the information above 0, "
            f"not freedom={freedom!r} and information / phi={ratio!r}"
        )
        raise AnalysisError(message)


def _narrowed(before: Look, now: Look) -> Look:
    low = max(before.interval.low, now.interval.low)
    high = min(before.interval.high, now.interval.high)
    return Look(min(before.p_value, now.p_value), Interval(low, high))
