"""The lift as others report it, to reproduce their numbers; abkit's own interval is `lift_interval`.

abkit's is Fieller's, because it is the test of the difference itself, turned round: it excludes 0
exactly when that test rejects. None of these does: of one data set, the linear delta method has
p = 0.06 where the difference has p = 0.02.
"""

from math import expm1, inf, isfinite, log, sqrt

from attrs import frozen

from abkit.analysis.inference import student
from abkit.analysis.inference.comparison import Interval
from abkit.analysis.inference.decision import Alternative, check_alpha, check_alternative
from abkit.analysis.inference.variance import MeanVariances
from abkit.errors import AnalysisError


@frozen(kw_only=True)
class Means:
    """The means of two arms and how certain they are; numbers of any sign.

    Attributes:
        control: The control's mean, not 0.
        treatment: The variant's mean.
        variances: The sampling variances of the two means, above 0 together.
        freedom: The degrees of freedom, as `welch.degrees_of_freedom` counts them; infinite for
            the normal distribution.
    """

    control: float
    treatment: float
    variances: MeanVariances
    freedom: float = inf

    def __attrs_post_init__(self) -> None:
        possible = (
            isfinite(self.control)
            and self.control != 0
            and isfinite(self.treatment)
            and self.variances.control >= 0
            and self.variances.treatment >= 0
            and 0 < self.variances.difference < inf
            and self.freedom > 0
        )
        if not possible:
            message = (
                "A lift needs a control mean that is not 0, variances >= 0 that are not both 0 and "
                f"freedom above 0, not {self}"
            )
            raise AnalysisError(message)


@frozen(kw_only=True)
class Lift:
    """A lift and what is known of it.

    Attributes:
        lift: The difference divided by the control's mean: 0.02 is 2% more.
        standard_error: Of the lift; by `log_ratio` of its logarithm.
        p_value: Of no lift.
        interval: Of the lift.
    """

    lift: float
    standard_error: float
    p_value: float
    interval: Interval


def linear_delta(
    means: Means, *, alpha: float = 0.05, alternative: Alternative = "two-sided"
) -> Lift:
    """By the linear delta method, as GrowthBook and Eppo report it.

    se² = v_t / m_c² + v_c m_t² / m_c⁴: Deng, Knoblich and Lu (2018, "Applying the delta method in
    metric analytics", KDD). It misses the true lift too often while the control's mean is uncertain.

    Args:
        means: Of the two arms.
        alpha: One minus the confidence.
        alternative: "greater" or "less" leaves the interval's other end infinite.

    Raises:
        AnalysisError: `alpha` or `alternative` cannot be used.
    """
    variances = means.variances
    slope = means.treatment / means.control
    variance = variances.treatment + slope * slope * variances.control
    return _tested(slope - 1, sqrt(variance) / abs(means.control), means, alpha, alternative)


def adjusted_linear_delta(
    adjusted: Means,
    *,
    plain: Means,
    covariance: float,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> Lift:
    """By the linear delta method, of a difference adjusted by CUPED over the plain control mean.

    With the plain lift r: se² = (v_d + 2 r cov + r² v_c) / m_c², as GrowthBook reports it.

    Args:
        adjusted: The means that CUPED adjusted: their difference, its variance v_d and the
            degrees of freedom.
        plain: The means that it did not adjust: m_c, and r by both.
        covariance: Of the control's adjusted mean with its plain one: that between the units,
            s_y² - theta s_xy, divided by their number.
        alpha: One minus the confidence.
        alternative: "greater" or "less" leaves the interval's other end infinite.

    Raises:
        AnalysisError: `alpha` or `alternative` cannot be used, or the covariance is impossible.
    """
    slope = plain.treatment / plain.control - 1
    variance = (
        adjusted.variances.difference
        + 2 * slope * covariance
        + slope * slope * plain.variances.control
    )
    if not variance > 0:
        message = f"A covariance of {covariance!r} is too large beside the variances of the means"
        raise AnalysisError(message)
    found = (adjusted.treatment - adjusted.control) / plain.control
    return _tested(found, sqrt(variance) / abs(plain.control), adjusted, alpha, alternative)


def log_ratio(means: Means, *, alpha: float = 0.05, alternative: Alternative = "two-sided") -> Lift:
    """By the delta method on ln(m_t / m_c), as tea-tasting reports it; never below -100%.

    se² = v_t / m_t² + v_c / m_c², of the logarithm: Katz et al. (1978, Biometrics 34(3)) for
    proportions. It needs means of one sign.

    Args:
        means: Of the two arms. tea-tasting counts the degrees of freedom of the logarithms' variances,
            v_c / m_c² and v_t / m_t².
        alpha: One minus the confidence.
        alternative: "greater" or "less" leaves the interval's other end infinite (below: at -1).

    Raises:
        AnalysisError: `alpha` or `alternative` cannot be used, or the means differ in sign.
    """
    _check(alpha, alternative)
    ratio = means.treatment / means.control
    if not ratio > 0:
        message = (
            "The logarithm of a ratio needs two means of the same sign, "
            f"not {means.control} and {means.treatment}"
        )
        raise AnalysisError(message)
    own = means.variances.treatment / means.treatment / means.treatment
    standard_error = sqrt(own + means.variances.control / means.control / means.control)
    size = log(ratio)
    logarithms = student.interval(
        size,
        standard_error=standard_error,
        freedom=means.freedom,
        alpha=alpha,
        alternative=alternative,
    )
    return Lift(
        lift=ratio - 1,
        standard_error=standard_error,
        p_value=student.p_value(
            size / standard_error, freedom=means.freedom, alternative=alternative
        ),
        interval=Interval(expm1(logarithms.low), expm1(logarithms.high)),
    )


def known_control(
    means: Means, *, alpha: float = 0.05, alternative: Alternative = "two-sided"
) -> Lift:
    """The difference's interval divided by the control's mean, as Spotify's confidence reports it.

    It takes the control's mean as known without error, and so is too narrow for a lift above 0.

    Args:
        means: Of the two arms.
        alpha: One minus the confidence.
        alternative: "greater" or "less" leaves the interval's other end infinite.

    Raises:
        AnalysisError: `alpha` or `alternative` cannot be used.
    """
    standard_error = sqrt(means.variances.difference) / abs(means.control)
    found = (means.treatment - means.control) / means.control
    return _tested(found, standard_error, means, alpha, alternative)


def _tested(
    found: float, standard_error: float, means: Means, alpha: float, alternative: Alternative
) -> Lift:
    _check(alpha, alternative)
    freedom = means.freedom
    return Lift(
        lift=found,
        standard_error=standard_error,
        p_value=student.p_value(found / standard_error, freedom=freedom, alternative=alternative),
        interval=student.interval(
            found,
            standard_error=standard_error,
            freedom=freedom,
            alpha=alpha,
            alternative=alternative,
        ),
    )


def _check(alpha: float, alternative: Alternative) -> None:
    check_alpha(alpha)
    check_alternative(alternative)
