"""The sequential test: look as often as you like, stop when you like (mSPRT)."""

from collections.abc import Mapping, Sequence
from math import exp, fsum, inf, log, log1p, sqrt
from types import MappingProxyType
from typing import NamedTuple

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
from abkit.analysis.statistics.aggregates import Moments
from abkit.errors import AnalysisError
from abkit.experiments.declaring.tau import Tau, checked_tau
from abkit.extras import extra

METHOD = "sequential"

GOAL_WEIGHT = 0.6
"""Of the goal beside the standard error: a goal that is the true change costs at most 5% more time than
if it alone were looked for (7% if finding it takes a year), and one that is far too small at most 40% more
than the best tau."""


def sequential(
    control: Moments,
    treatment: Moments,
    *,
    tau: Tau,
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
        tau: The size of the difference that is looked for, in the metric's unit; or several sizes with
            their weights, `{0.004: 0.6, 0.02: 0.4}`, which add up to 1: the mixture is then one of
            several normal ones. Fix it before the first look, or make it of the control's mean so far,
            which settles (`goal_tau`), or of the standard error of the first look. A tau that follows
            the difference is not valid.
        alpha: The accepted probability of a false alarm over all looks, above 0 and at most 0.5.
        alternative: "greater" or "less" mixes over one side only (`one_sided_mixture`), and leaves
            the interval's other end infinite.
        variance_rule: The variances of the two means. The default keeps the level of skewed and of
            rare metrics on unequal splits, where Welch's own, `separate`, does not.

    Returns:
        The comparison; its details are the standard error, the log likelihood ratio, and tau if it
        is one number. Fewer than two units in an arm, or no variance in either, decide nothing: p = 1.

    Raises:
        AnalysisError: `alpha`, `tau` or `alternative` cannot be used.
        MissingExtraError: The test is one-sided, and scipy is not installed.
    """
    check_alpha(alpha)
    check_alternative(alternative)
    mixture = checked_tau(tau)
    named = {"tau": tau} if isinstance(tau, int | float) else {}
    if control.n < 2 or treatment.n < 2:
        return undecided(METHOD, control, treatment, alpha=alpha, details=named)
    variances = variance_rule(control, treatment)
    variance = variances.difference
    if not variance > 0:
        return undecided(METHOD, control, treatment, alpha=alpha, details=named)
    difference = treatment.mean - control.mean
    if alternative == "two-sided":
        parts = _parts(variance, mixture)
        ratio = _evidence(parts, difference * difference / variance)
        reach = _half_width(variance, parts, alpha=alpha)
    else:
        with extra("analysis"):
            from abkit.analysis.inference.one_sided_mixture import (
                half_width as one_sided_half_width,
            )
            from abkit.analysis.inference.one_sided_mixture import (
                log_likelihood_ratio as one_sided_log_likelihood_ratio,
            )
        wanted = difference if alternative == "greater" else -difference
        ratio = one_sided_log_likelihood_ratio(wanted, variance=variance, tau=mixture)
        reach = one_sided_half_width(variance, tau=mixture, alpha=alpha)
    decision = Decision(
        variances=variances,
        critical=reach / sqrt(variance),
        p_value=exp(-max(0.0, ratio)),
        alpha=alpha,
        alternative=alternative,
        details={**named, "log_likelihood_ratio": ratio},
    )
    return compare(METHOD, control, treatment, decision=decision)


def log_likelihood_ratio(difference: float, *, variance: float, tau: Tau) -> float:
    """The log of the mixture likelihood ratio against no difference; p is exp of minus it.

    ln(Λ) = ½ ln(V / (V + tau²)) + tau² d² / (2 V (V + tau²)): Johari et al. (2017), written for
    arms of any two sizes. The two-sided normal mixture of Howard et al. (2021, "Time-uniform,
    nonparametric, nonasymptotic confidence sequences", Ann. Stat. 49(2)) is the same: V / tau² is
    rho / v there. Of several taus, Λ is the weighted mean of theirs.

    Args:
        difference: d, treatment mean minus control mean.
        variance: V, the sampling variance of d, above 0.
        tau: The mixture's standard deviation, in the unit of d; or several with their weights.
    """
    return _evidence(_parts(variance, checked_tau(tau)), difference * difference / variance)


def half_width(variance: float, *, tau: Tau, alpha: float) -> float:
    """Half the width of the always-valid interval of the difference: the |d| at which Λ = 1/alpha.

    Of one tau it is sqrt(V (V + tau²) / tau² (2 ln(1/alpha) + ln((V + tau²) / V))).

    Args:
        variance: V, the sampling variance of the difference, above 0.
        tau: As for `log_likelihood_ratio`.
        alpha: The accepted probability that the interval ever misses.

    Returns:
        Infinity if tau is so small that its square is 0.
    """
    return _half_width(variance, _parts(variance, checked_tau(tau)), alpha=alpha)


class _Part(NamedTuple):
    """One normal distribution of the mixture, beside the variance of the difference.

    Attributes:
        log_weight: The log of its weight.
        share: tau² / (V + tau²).
        log_growth: ln((V + tau²) / V).
    """

    log_weight: float
    share: float
    log_growth: float

    def evidence(self, standardized: float) -> float:
        """The log of its weighted likelihood ratio.

        Args:
            standardized: d² / V.
        """
        return self.log_weight + 0.5 * (standardized * self.share - self.log_growth)

    def reaches(self, evidence: float) -> float:
        """The d² / V at which it alone has so much evidence."""
        if not self.share:
            return inf
        return (2 * (evidence - self.log_weight) + self.log_growth) / self.share


def _parts(variance: float, mixture: Mapping[float, float]) -> list[_Part]:
    return [
        _Part(log(weight), 1 / (1 + variance / tau / tau), _log_growth(variance, tau))
        if variance / tau / tau < inf
        else _Part(log(weight), 0.0, 0.0)
        for tau, weight in mixture.items()
    ]


def _log_growth(variance: float, tau: float) -> float:
    gain = tau / variance * tau
    return log1p(gain) if gain < inf else 2 * log(tau) - log(variance)


def _evidence(parts: Sequence[_Part], standardized: float) -> float:
    """The log of the likelihood ratio of all parts, at a d² / V."""
    return _log_mean([part.evidence(standardized) for part in parts])


def _half_width(variance: float, parts: Sequence[_Part], *, alpha: float) -> float:
    least = min(part.reaches(log(1 / alpha)) for part in parts)
    if len(parts) == 1 or least == inf:
        return sqrt(variance * least)
    return sqrt(variance) * _root(parts, log(1 / alpha), start=sqrt(least))


def _log_mean(logs: Sequence[float]) -> float:
    """The log of the sum of exponentials."""
    largest = max(logs)
    if len(logs) == 1:
        return largest
    return largest + log(fsum(exp(each - largest) for each in logs))


def _root(parts: Sequence[_Part], evidence: float, *, start: float) -> float:
    """The |d| / sqrt(V) at which all parts together have so much evidence.

    By Newton's method: the evidence is convex, so from above it never falls short.

    Args:
        parts: Of the mixture.
        evidence: The log of the likelihood ratio.
        start: Where one part alone has it.
    """
    at = start
    for _ in range(100):
        logs = [part.evidence(at * at) for part in parts]
        found = _log_mean(logs)
        slope = at * fsum(
            part.share * exp(each - found) for part, each in zip(parts, logs, strict=True)
        )
        closer = at - (found - evidence) / slope
        if not closer < at:
            break
        at = closer
    return at


def goal_tau(control_mean: float, goal: float) -> float:
    """The tau that looks for the goal: goal times the control's mean, without its sign.

    The test is quickest for differences of about tau; a tau 4 times too large costs about 10% more
    units, one 4 times too small about 60% more. A control's mean of 0 has no relative change: the
    goal then counts as an absolute change, in the metric's unit.

    Args:
        control_mean: The control's mean, from the plan or of all data so far. That of the first day
            would be far too small where units act days after their exposure.
        goal: The relative change worth having, above 0: 0.02 is 2%.

    Raises:
        AnalysisError: The goal or the mean is not a number that a tau could be made of.
    """
    tau = goal * abs(control_mean) if control_mean else goal
    if not 0 < tau < inf:
        message = (
            f"tau needs a goal above 0 and a finite control mean, "
            f"not goal={goal!r} and control_mean={control_mean!r}"
        )
        raise AnalysisError(message)
    return tau


def goal_mixture(wanted: float, first_look: float) -> Tau:
    """What is looked for where a goal is declared: the goal, and what can be found at the first look.

    Args:
        wanted: The tau of the goal: `goal_tau`.
        first_look: The standard error of the difference at the first look, in the same unit.
    """
    if wanted == first_look:
        return wanted
    return MappingProxyType({wanted: GOAL_WEIGHT, first_look: 1 - GOAL_WEIGHT})


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
