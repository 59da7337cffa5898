"""How many units a test needs, what it can find, and how long it takes."""

from math import ceil, inf, sqrt

from attrs import frozen
from scipy.special import ndtr, ndtri

from abkit.analysis.inference.decision import check_alpha
from abkit.analysis.statistics.aggregates import Moments
from abkit.errors import AnalysisError


@frozen
class Plan:
    """The change that a test of one look is to find in a metric.

    Attributes:
        difference: The change of the mean, in the metric's unit; not 0.
        control_variance: Between the units of the control.
        treatment_variance: Between the units of the treatment, if the change is there.
        treatment_share: The treatment's share of the units of both arms, between 0 and 1.
    """

    difference: float
    control_variance: float
    treatment_variance: float
    treatment_share: float = 0.5

    def __attrs_post_init__(self) -> None:
        possible = (
            self.difference != 0
            and self.control_variance >= 0
            and self.treatment_variance >= 0
            and 0 < self.treatment_share < 1
        )
        if not possible:
            message = (
                "A plan needs a difference that is not 0, variances >= 0 and a treatment_share "
                f"between 0 and 1, not {self}"
            )
            raise AnalysisError(message)

    @property
    def unit_variance(self) -> float:
        """The variance of the difference, times the units of both arms."""
        control_share = 1 - self.treatment_share
        return (
            self.control_variance / control_share + self.treatment_variance / self.treatment_share
        )


def conversion_plan(rate: float, *, change: float, treatment_share: float = 0.5) -> Plan:
    """To find a relative change of a conversion rate.

    Args:
        rate: The control's conversion rate, above 0 and below 1.
        change: The relative change: 0.05 is 5% more conversions, -0.05 is 5% less.
        treatment_share: The treatment's share of the units of both arms.

    Raises:
        AnalysisError: The rate, or the rate after the change, is not between 0 and 1.
    """
    changed = rate * (1 + change)
    if not (0 < rate < 1 and 0 <= changed <= 1):
        message = (
            "A conversion rate must be between 0 and 1, before the change and after, "
            f"not {rate!r} and {changed!r}"
        )
        raise AnalysisError(message)
    return Plan(changed - rate, rate * (1 - rate), changed * (1 - changed), treatment_share)


def mean_plan(control: Moments, *, change: float, treatment_share: float = 0.5) -> Plan:
    """To find a relative change of a mean, the variance staying as it is.

    Args:
        control: The moments of the metric before the experiment, or of the control so far.
        change: The relative change: 0.05 is 5% more, -0.05 is 5% less.
        treatment_share: The treatment's share of the units of both arms.

    Raises:
        AnalysisError: The mean is 0, or the change is.
    """
    return Plan(change * control.mean, control.variance, control.variance, treatment_share)


def sample_size(plan: Plan, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """The units of both arms together that a two-sided test of one look needs.

    (z_{1 - alpha/2} + z_power)² (s_c² / f_c + s_t² / f_t) / d²; per arm of an even split that is the
    textbook's (z + z)² (s_c² + s_t²) / d².

    Args:
        plan: What is to be found.
        alpha: The accepted probability of a false alarm.
        power: The probability to find the change if it is there, between alpha and 1.

    Raises:
        AnalysisError: `alpha` or `power` cannot be used, or no number of units finds the change.
    """
    check_alpha(alpha)
    _check_power(power, alpha)
    quantiles = float(ndtri(1 - alpha / 2) + ndtri(power))
    root = quantiles * (sqrt(plan.unit_variance) / abs(plan.difference))
    units = root * root
    if not units < inf:
        message = (
            f"A difference of {plan.difference:g} is too small to be found beside a variance of "
            f"{plan.control_variance:g}"
        )
        raise AnalysisError(message)
    return ceil(units)


def power_of(plan: Plan, *, units: int, alpha: float = 0.05) -> float:
    """The probability that a two-sided test of one look finds the change, on either side of 0.

    Args:
        plan: What is to be found.
        units: The units of both arms together, above 0.
        alpha: The accepted probability of a false alarm.

    Raises:
        AnalysisError: `alpha` or `units` cannot be used.
    """
    check_alpha(alpha)
    if units <= 0:
        message = f"units must be above 0, not {units!r}"
        raise AnalysisError(message)
    if plan.unit_variance == 0:
        return 1.0
    shift = abs(plan.difference) / sqrt(plan.unit_variance / units)
    quantile = float(ndtri(1 - alpha / 2))
    return float(ndtr(shift - quantile) + ndtr(-shift - quantile))


def detectable_difference(
    plan: Plan, *, units: int, alpha: float = 0.05, power: float = 0.8
) -> float:
    """The smallest difference that so many units find with this power, the plan's variances given.

    Args:
        plan: The variances and the split; its difference is not used.
        units: The units of both arms together, above 0.
        alpha: The accepted probability of a false alarm.
        power: The probability to find the change if it is there, between alpha and 1.

    Raises:
        AnalysisError: `alpha`, `power` or `units` cannot be used.
    """
    check_alpha(alpha)
    _check_power(power, alpha)
    if units <= 0:
        message = f"units must be above 0, not {units!r}"
        raise AnalysisError(message)
    return float(ndtri(1 - alpha / 2) + ndtri(power)) * sqrt(plan.unit_variance / units)


def duration(units: int, *, per_day: float, so_far: int = 0) -> int:
    """The whole days until so many units have been seen; 0 if they have been.

    Args:
        units: The units that are needed, of all arms.
        per_day: New units a day, above 0, taken as constant.
        so_far: The units that have been seen.

    Raises:
        AnalysisError: No unit a day.
    """
    if not per_day > 0:
        message = f"per_day must be above 0, not {per_day!r}"
        raise AnalysisError(message)
    return max(0, ceil((units - so_far) / per_day))


def _check_power(power: float, alpha: float) -> None:
    if not alpha < power < 1:
        message = f"power must be above alpha and below 1, such as 0.8, not {power!r}"
        raise AnalysisError(message)
