"""The sequential test: look as often as you like, stop when you like (mSPRT)."""

from math import exp, inf, log, log1p, sqrt

from abkit.analysis.aggregates import Moments
from abkit.analysis.inference.comparison import Comparison
from abkit.analysis.inference.decision import (
    Alternative,
    Decision,
    check_alpha,
    check_alternative,
    compare,
    undecided,
)
from abkit.analysis.inference.variance import VarianceRule, at_least_pooled
from abkit.errors import AnalysisError
from abkit.extras import extra

METHOD = "sequential"

DEFAULT_GOAL = 0.1
"""The relative change that is looked for where the metric states no goal: 10%.

A tau too small costs far more than one too large: the mean time to detect a change of delta is 3.58
times that of a fixed design for tau = delta / 10, and 1.50 times for tau = 10 delta. So where nothing is
known, tau leans to the large side.
"""


def sequential(
    control: Moments,
    treatment: Moments,
    *,
    tau: float,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
    variance_rule: VarianceRule = at_least_pooled,
) -> Comparison:
    """Compare two means by the mixture sequential probability ratio test.

    Johari, Koomen, Pekelis and Walsh (2017, "Peeking at A/B tests", KDD), with the normal mixture
    N(0, tau²) over the true difference. Where there is no difference, the probability that
    p <= alpha at any look, ever, is at most alpha, once the means are nearly normal. The p-value is
    that of this look; the smallest so far is valid too, and so is the intersection of the intervals
    so far.

    Args:
        control: The control's moments.
        treatment: The variant's moments.
        tau: The size of the difference that is looked for, in the metric's unit. Fix it before the
            first look, or take `default_tau` of the control's mean so far, which settles. A tau that
            follows the difference is not valid.
        alpha: The accepted probability of a false alarm over all looks, above 0 and at most 0.5.
        alternative: "greater" or "less" mixes over one side only (`one_sided_mixture`), and leaves
            the interval's other end infinite.
        variance_rule: The variances of the two means. The default keeps the level of skewed and of
            rare metrics on unequal splits, where Welch's own, `separate`, does not.

    Returns:
        The comparison; its details are tau, the log likelihood ratio and the standard error. Fewer
        than two units in an arm, or no variance in either, decide nothing: p = 1.

    Raises:
        AnalysisError: `alpha`, `tau` or `alternative` cannot be used.
        MissingExtraError: The test is one-sided, and scipy is not installed.
    """
    check_alpha(alpha)
    check_alternative(alternative)
    _check_tau(tau)
    if control.n < 2 or treatment.n < 2:
        return undecided(METHOD, control, treatment, alpha=alpha, details={"tau": tau})
    variances = variance_rule(control, treatment)
    variance = variances.difference
    if not variance > 0:
        return undecided(METHOD, control, treatment, alpha=alpha, details={"tau": tau})
    difference = treatment.mean - control.mean
    if alternative == "two-sided":
        ratio = log_likelihood_ratio(difference, variance=variance, tau=tau)
        reach = half_width(variance, tau=tau, alpha=alpha)
    else:
        with extra("analysis"):
            from abkit.analysis.inference.one_sided_mixture import (
                half_width as one_sided_half_width,
            )
            from abkit.analysis.inference.one_sided_mixture import (
                log_likelihood_ratio as one_sided_log_likelihood_ratio,
            )
        wanted = difference if alternative == "greater" else -difference
        ratio = one_sided_log_likelihood_ratio(wanted, variance=variance, tau=tau)
        reach = one_sided_half_width(variance, tau=tau, alpha=alpha)
    decision = Decision(
        variances=variances,
        critical=reach / sqrt(variance),
        p_value=exp(-max(0.0, ratio)),
        alpha=alpha,
        alternative=alternative,
        details={"tau": tau, "log_likelihood_ratio": ratio},
    )
    return compare(METHOD, control, treatment, decision=decision)


def log_likelihood_ratio(difference: float, *, variance: float, tau: float) -> float:
    """The log of the mixture likelihood ratio against no difference; p is exp of minus it.

    ln(Λ) = ½ ln(V / (V + tau²)) + tau² d² / (2 V (V + tau²)): Johari et al. (2017), written for
    arms of any two sizes. The two-sided normal mixture of Howard et al. (2021, "Time-uniform,
    nonparametric, nonasymptotic confidence sequences", Ann. Stat. 49(2)) is the same: V / tau² is
    rho / v there.

    Args:
        difference: d, treatment mean minus control mean.
        variance: V, the sampling variance of d, above 0.
        tau: The mixture's standard deviation, in the unit of d.
    """
    gain = tau * tau / variance
    standardized = difference * difference / variance
    return 0.5 * (standardized * (gain / (1 + gain)) - log1p(gain))


def half_width(variance: float, *, tau: float, alpha: float) -> float:
    """Half the width of the always-valid interval of the difference.

    sqrt(V (V + tau²) / tau² (2 ln(1/alpha) + ln((V + tau²) / V))): the |d| at which Λ = 1/alpha.

    Args:
        variance: V, the sampling variance of the difference, above 0.
        tau: The mixture's standard deviation, in the unit of the difference.
        alpha: The accepted probability that the interval ever misses.

    Returns:
        Infinity if tau is so small that its square is 0.
    """
    gain = tau * tau / variance
    if gain == 0:
        return inf
    return sqrt(variance * ((1 + gain) / gain) * (log1p(gain) - 2 * log(alpha)))


def default_tau(control_mean: float, goal: float | None = None) -> float:
    """The tau that looks for the goal: goal times the control's mean, without its sign.

    The test is quickest for differences of about tau; a tau 4 times too large costs about 10% more
    units, one 4 times too small about 60% more. A control's mean of 0 has no relative change: the
    goal then counts as an absolute change, in the metric's unit.

    Args:
        control_mean: The control's mean, from the plan or of all data so far. That of the first day
            would be far too small where units act days after their exposure.
        goal: The relative change worth having, above 0: 0.02 is 2%. None: DEFAULT_GOAL.

    Raises:
        AnalysisError: The goal or the mean is not a number that a tau could be made of.
    """
    relative = DEFAULT_GOAL if goal is None else goal
    tau = relative * abs(control_mean) if control_mean else relative
    if not 0 < tau < inf:
        message = (
            f"tau needs a goal above 0 and a finite control mean, "
            f"not goal={goal!r} and control_mean={control_mean!r}"
        )
        raise AnalysisError(message)
    return tau


def tau_for_sample_size(
    variance: float, *, units: int, sample_size: int, alpha: float = 0.05
) -> float:
    """The tau whose interval is narrowest when a planned number of units has been seen.

    tau² = V N (2 ln(1/alpha) + ln(1 + 2 ln(1/alpha))) / N*: the tuning of Howard et al. (2021),
    and of Waudby-Smith et al. (2024, "Time-uniform central limit theory and asymptotic
    confidence sequences", Ann. Stat. 52(6)), eq. 9.

    Args:
        variance: V, the sampling variance of the difference at some look, above 0.
        units: N, the units of both arms at that look.
        sample_size: N*, the planned units of both arms.
        alpha: The level that the test will be made at.

    Raises:
        AnalysisError: An argument is not above 0.
    """
    check_alpha(alpha)
    evidence = -2 * log(alpha)
    if not (variance > 0 and units > 0 and sample_size > 0):
        message = (
            f"tau_for_sample_size needs numbers above 0, "
            f"not variance={variance!r}, units={units!r}, sample_size={sample_size!r}"
        )
        raise AnalysisError(message)
    return sqrt(variance * units * (evidence + log1p(evidence)) / sample_size)


def _check_tau(tau: float) -> None:
    if not 0 < tau < inf:
        message = (
            f"tau must be a difference above 0 in the metric's unit, not {tau!r}; "
            "default_tau(control_mean, goal) gives one"
        )
        raise AnalysisError(message)
