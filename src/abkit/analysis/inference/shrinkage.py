"""What is believed of a lift after the data: winners look better than they are, and are drawn back."""

from collections.abc import Sequence
from math import exp, fsum, inf, log, sqrt
from statistics import NormalDist

from attrs import frozen

from abkit.analysis.inference.comparison import Comparison, Interval
from abkit.errors import AnalysisError

FEWEST = 5
"""Of fewer past results no prior is made: their spread says next to nothing."""

_STEPS = 60


@frozen(kw_only=True)
class Prior:
    """A normal distribution of the true lifts of changes like this one, before the data.

    Attributes:
        mean: Their mean; 0.02 is 2%.
        deviation: Their standard deviation, above 0, in the same unit.
    """

    mean: float = 0.0
    deviation: float


@frozen(kw_only=True)
class MeasuredLift:
    """A lift, and how uncertain it is.

    Attributes:
        lift: The difference divided by the control's mean.
        own: The standard error that comes from the variant's own units, in the unit of the lift.
        shared: The standard error that comes from the control's units; variants that are compared with one
            control have this error in common.
    """

    lift: float
    own: float
    shared: float

    @classmethod
    def of(cls, comparison: Comparison) -> "MeasuredLift | None":
        """That of a comparison; None where the lift is undefined.

        The errors are those of the first-order expansion of the quotient of the two means.
        """
        if comparison.lift is None:
            return None
        control, treatment = comparison.control, comparison.treatment
        return cls(
            lift=comparison.lift,
            own=sqrt(treatment.variance / treatment.n) / control.mean,
            shared=(1 + comparison.lift) * sqrt(control.variance / control.n) / control.mean,
        )

    @property
    def standard_error(self) -> float:
        """Of the lift, both errors together."""
        return sqrt(self.own * self.own + self.shared * self.shared)


@frozen(kw_only=True)
class ShrunkLift:
    """What is believed of a lift after the data: normal.

    Attributes:
        mean: The expected lift.
        own: The standard deviation, once the error of the control is known.
        shared: How much higher the lift is believed to be for each standard deviation that the control's
            mean was measured too high; all variants beside one control have this deviation in common.
    """

    mean: float
    own: float
    shared: float

    @property
    def deviation(self) -> float:
        """The standard deviation of the belief."""
        return sqrt(self.own * self.own + self.shared * self.shared)

    def interval(self, alpha: float) -> Interval:
        """The credible interval, with alpha / 2 on each side."""
        reach = NormalDist().inv_cdf(1 - alpha / 2) * self.deviation
        return Interval(self.mean - reach, self.mean + reach)


def shrunk(measured: Sequence[MeasuredLift], prior: Prior) -> tuple[ShrunkLift, ...]:
    """What is believed of the lifts of variants beside one control.

    The true lifts are independent draws of the prior; the measured ones are y_i = lift_i + own error -
    shared error. Given the shared error each is the weighted mean of normal distributions, with the weight
    B_i = t² / (t² + own_i²) of what was measured (Lindley and Smith 1972, "Bayes estimates for the linear
    model", J. R. Stat. Soc. B 34(1)); and the shared error is normal too, given all y_i. Of one variant the
    mean is the well-known B y + (1 - B) m, with both errors in B.

    Args:
        measured: The lifts, all beside one control.
        prior: What is believed of each before the data.
    """
    before = prior.deviation * prior.deviation
    spreads = [before + each.own * each.own for each in measured]
    precision = 1 + fsum(
        each.shared * each.shared / spread for each, spread in zip(measured, spreads, strict=True)
    )
    # In standard deviations of the control's mean: how much too high it was measured.
    error = (
        -fsum(
            each.shared * (each.lift - prior.mean) / spread
            for each, spread in zip(measured, spreads, strict=True)
        )
        / precision
    )
    return tuple(
        ShrunkLift(
            mean=prior.mean + before / spread * (each.lift + each.shared * error - prior.mean),
            own=sqrt(before / spread) * each.own,
            shared=before / spread * each.shared / sqrt(precision),
        )
        for each, spread in zip(measured, spreads, strict=True)
    )


def prior_of(lifts: Sequence[float], standard_errors: Sequence[float]) -> Prior:
    """The prior that past results tell: empirical Bayes, a normal distribution of true lifts.

    The measured lifts are normal around m with the variances t² + s_i² (Morris 1983, "Parametric empirical
    Bayes inference: theory and applications", J. Am. Stat. Assoc. 78(381)). t maximizes their restricted
    marginal likelihood times t: the penalty of Chung, Rabe-Hesketh, Dorie, Gelman and Liu (2013, "A
    nondegenerate penalized likelihood estimator for variance parameters in multilevel models",
    Psychometrika 78(4)), without which t is often 0 of a few results, and nothing new could be believed. The
    uncertainty of m is added to the prior's variance.

    Args:
        lifts: Measured in past experiments.
        standard_errors: Of these lifts, above 0.

    Raises:
        AnalysisError: There are fewer than `FEWEST`, or a number cannot be.
    """
    if len(lifts) < FEWEST or not all(0 < error < inf for error in standard_errors):
        message = (
            f"A prior needs {FEWEST} past lifts or more, with standard errors above 0, not "
            f"{len(lifts)} with {list(standard_errors)!r}"
        )
        raise AnalysisError(message)
    variances = [error * error for error in standard_errors]
    largest = log(max(map(abs, lifts)) + max(standard_errors)) + log(2)
    smallest = log(min(standard_errors)) - log(1000)
    step = (largest - smallest) / _STEPS
    best = max(
        (smallest + step * number for number in range(_STEPS + 1)),
        key=lambda at: _penalized(exp(at), lifts, variances),
    )
    deviation = exp(_peak(best - step, best + step, lifts, variances))
    mean, precision = _mean(deviation, lifts, variances)
    return Prior(mean=mean, deviation=sqrt(deviation * deviation + 1 / precision))


def _mean(
    deviation: float, lifts: Sequence[float], variances: Sequence[float]
) -> tuple[float, float]:
    """The weighted mean of the lifts, and its precision."""
    weights = [1 / (deviation * deviation + variance) for variance in variances]
    precision = fsum(weights)
    return fsum(w * x for w, x in zip(weights, lifts, strict=True)) / precision, precision


def _penalized(deviation: float, lifts: Sequence[float], variances: Sequence[float]) -> float:
    """The log of the restricted likelihood of a standard deviation of the true lifts, times that."""
    mean, precision = _mean(deviation, lifts, variances)
    total = log(deviation) - log(precision) / 2
    for lift, variance in zip(lifts, variances, strict=True):
        spread = deviation * deviation + variance
        total -= (log(spread) + (lift - mean) ** 2 / spread) / 2
    return total


def _peak(low: float, high: float, lifts: Sequence[float], variances: Sequence[float]) -> float:
    """Where the penalized likelihood is highest, by the golden section of the logarithm."""
    golden = (sqrt(5) - 1) / 2
    for _ in range(25):
        lower, upper = high - golden * (high - low), low + golden * (high - low)
        if _penalized(exp(lower), lifts, variances) >= _penalized(exp(upper), lifts, variances):
            high = upper
        else:
            low = lower
    return (low + high) / 2
