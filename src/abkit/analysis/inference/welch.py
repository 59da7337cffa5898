"""Welch's t-test: for data that are looked at once, at a size that was planned."""

from math import sqrt

from abkit.analysis.inference.comparison import Comparison
from abkit.analysis.inference.decision import (
    Alternative,
    Decision,
    check_alpha,
    check_alternative,
    compare,
    undecided,
)
from abkit.analysis.inference.student import critical_value, p_value
from abkit.analysis.inference.variance import MeanVariances, VarianceRule, separate
from abkit.analysis.statistics.aggregates import Moments

METHOD = "welch"


def welch(
    control: Moments,
    treatment: Moments,
    *,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    variance_rule: VarianceRule = separate,
) -> Comparison:
    """Compare two means by Welch's t-test (Welch 1947, Biometrika 34; Satterthwaite 1946).

    Its error rates hold for one look. Who looks every day and stops at the first p <= 0.05 finds a
    difference in a third of the tests that have none; `sequential` is made for that.

    Args:
        control: The control's moments.
        treatment: The variant's moments.
        alpha: The accepted probability of a false alarm, above 0 and at most 0.5.
        alternative: "greater" or "less" tests one side: the interval's other end is infinite.
        variance_rule: The variances of the two means. The default is Welch's own; an analysis takes
            `at_least_pooled`, which keeps the level of skewed and of rare metrics on unequal splits.

    Returns:
        The comparison; its details are the t statistic, its degrees of freedom and the standard
        error. Fewer than two units in an arm, or no variance in either, decide nothing: p = 1.

    Raises:
        AnalysisError: `alpha` or `alternative` cannot be used.
    """
    check_alpha(alpha)
    check_alternative(alternative)
    if control.n < 2 or treatment.n < 2:
        return undecided(METHOD, control, treatment, alpha=alpha)
    variances = variance_rule(control, treatment)
    if not variances.difference > 0:
        return undecided(METHOD, control, treatment, alpha=alpha)
    statistic = (treatment.mean - control.mean) / sqrt(variances.difference)
    freedom = degrees_of_freedom(variances, control.effective_units, treatment.effective_units)
    decision = Decision(
        variances=variances,
        critical=critical_value(alpha, freedom=freedom, alternative=alternative),
        p_value=p_value(statistic, freedom=freedom, alternative=alternative),
        alpha=alpha,
        alternative=alternative,
        details={"statistic": statistic, "degrees_of_freedom": freedom},
    )
    return compare(METHOD, control, treatment, decision=decision)


def degrees_of_freedom(variances: MeanVariances, control_n: float, treatment_n: float) -> float:
    """Of the sum of two variances of means: Satterthwaite (1946, Biometrics Bulletin 2)."""
    share = variances.control / variances.difference
    return 1 / (share * share / (control_n - 1) + (1 - share) ** 2 / (treatment_n - 1))
