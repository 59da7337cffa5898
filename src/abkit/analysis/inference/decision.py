"""From what a test found to a Comparison whose numbers never contradict each other."""

from collections.abc import Mapping
from math import inf, nextafter, sqrt
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

from attrs import field, frozen

from abkit.analysis.inference.comparison import Comparison, Interval
from abkit.analysis.inference.relative import lift, lift_interval
from abkit.analysis.inference.variance import MeanVariances
from abkit.analysis.statistics.aggregates import Moments
from abkit.errors import AnalysisError

Alternative: TypeAlias = Literal["two-sided", "greater", "less"]
"""What is tested against no difference; "greater": the treatment's mean is above the control's."""


@frozen(kw_only=True)
class Decision:
    """What a test found.

    Attributes:
        variances: Of the two means, above 0 together.
        critical: The half width of the difference's interval in its standard errors; may be
            infinite.
        p_value: Of no difference.
        alpha: The accepted probability of a false alarm.
        alternative: What is tested against no difference.
        details: What the method used besides.
    """

    variances: MeanVariances
    critical: float
    p_value: float
    alpha: float
    alternative: Alternative = "two-sided"
    details: Mapping[str, float] = field(factory=dict)


def compare(method: str, control: Moments, treatment: Moments, *, decision: Decision) -> Comparison:
    """The comparison that follows from a decision."""
    difference = treatment.mean - control.mean
    standard_error = sqrt(decision.variances.difference)
    reach = decision.critical * standard_error
    relative = lift_interval(
        control, treatment, variances=decision.variances, critical=decision.critical
    )
    return Comparison(
        method=method,
        control=control,
        treatment=treatment,
        difference=difference,
        interval=_final(Interval(difference - reach, difference + reach), decision),
        lift=lift(control, treatment),
        lift_interval=None if relative is None else _final(relative, decision),
        p_value=decision.p_value,
        alpha=decision.alpha,
        details=MappingProxyType({"standard_error": standard_error, **decision.details}),
    )


def undecided(
    method: str,
    control: Moments,
    treatment: Moments,
    *,
    alpha: float,
    details: Mapping[str, float] = MappingProxyType({}),
) -> Comparison:
    """The comparison of data that say nothing of their own uncertainty: everything is possible.

    That is so with fewer than two units in an arm, and where no arm varies at all: five conversions
    of five against none of five are no proof, though their estimated variances are 0.
    """
    return Comparison(
        method=method,
        control=control,
        treatment=treatment,
        difference=treatment.mean - control.mean,
        interval=Interval(-inf, inf),
        lift=lift(control, treatment),
        lift_interval=None,
        p_value=1.0,
        alpha=alpha,
        details=MappingProxyType(dict(details)),
    )


def check_alpha(alpha: float) -> None:
    """Refuse a level of which no test can be made.

    Raises:
        AnalysisError: It is not above 0 and at most 0.5.
    """
    if not 0 < alpha <= 0.5:
        message = (
            f"alpha must be above 0 and at most 0.5, such as 0.05 for 95% confidence, not {alpha!r}"
        )
        raise AnalysisError(message)


def check_alternative(alternative: Alternative) -> None:
    """Refuse an alternative that does not exist.

    Raises:
        AnalysisError: It is none of those of `Alternative`.
    """
    if alternative not in get_args(Alternative):
        known = ", ".join(map(repr, get_args(Alternative)))
        message = f"alternative must be one of {known}, not {alternative!r}"
        raise AnalysisError(message)


def agreeing(interval: Interval, *, p_value: float, alpha: float) -> Interval:
    """The interval, of one mind with the p-value to the last bit.

    By the mathematics it excludes 0 exactly when p <= alpha; the two are computed by different
    functions, whose rounding may differ where p is all but alpha.
    """
    low, high = interval.low, interval.high
    if p_value > alpha:
        return Interval(min(low, 0.0), max(high, 0.0))
    if low <= 0 <= high:
        if -low <= high:
            low = nextafter(0.0, inf)
        else:
            high = nextafter(0.0, -inf)
    return Interval(low, high)


def _final(interval: Interval, decision: Decision) -> Interval:
    low = -inf if decision.alternative == "less" else interval.low
    high = inf if decision.alternative == "greater" else interval.high
    return agreeing(Interval(low, high), p_value=decision.p_value, alpha=decision.alpha)
