"""What a test is to find: a change of a mean, beside the variances of two arms."""

from math import ceil, inf, sqrt

from attrs import frozen

from abkit.analysis.statistics.aggregates import Moments
from abkit.errors import AnalysisError


@frozen
class Effect:
    """The change that a test is to find in a metric.

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
                "An effect needs a difference that is not 0, variances >= 0 and a treatment_share "
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

    @property
    def tested_variance(self) -> float:
        """What an analysis takes for `unit_variance`: never less than the pooled one.

        It is larger where the larger arm varies more; see `abkit.analysis.inference.variance`.
        """
        control_share = 1 - self.treatment_share
        pooled = (
            control_share * self.control_variance + self.treatment_share * self.treatment_variance
        )
        return max(self.unit_variance, pooled / (control_share * self.treatment_share))

    @property
    def caution(self) -> float:
        """The standard error that an analysis takes, in the true ones; 1 or a little more."""
        if not self.unit_variance > 0:
            return 1.0
        return sqrt(self.tested_variance / self.unit_variance)

    @property
    def units_of_one(self) -> float:
        """The units of both arms whose standard error is as large as the difference.

        Raises:
            AnalysisError: No number of units finds the difference.
        """
        root = sqrt(self.unit_variance) / abs(self.difference)
        units = root * root
        if not units < inf:
            message = (
                f"A difference of {self.difference:g} is too small to be found beside a variance of "
                f"{self.control_variance:g}"
            )
            raise AnalysisError(message)
        return units


def conversion_effect(rate: float, *, change: float, treatment_share: float = 0.5) -> Effect:
    """A relative change of a conversion rate.

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
    return Effect(changed - rate, rate * (1 - rate), changed * (1 - changed), treatment_share)


def mean_effect(control: Moments, *, change: float, treatment_share: float = 0.5) -> Effect:
    """A relative change of a mean, the variance staying as it is.

    Args:
        control: The moments of the metric before the experiment, or of the control so far.
        change: The relative change of the mean: 0.05 moves it up by 5% of its size.
        treatment_share: The treatment's share of the units of both arms.

    Raises:
        AnalysisError: The mean is 0, or the change is.
    """
    return Effect(change * control.mean, control.variance, control.variance, treatment_share)


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


def check_power(power: float, alpha: float) -> None:
    """Refuse a power that no plan can have.

    Raises:
        AnalysisError: It is not above alpha and below 1.
    """
    if not alpha < power < 1:
        message = f"power must be above alpha and below 1, such as 0.8, not {power!r}"
        raise AnalysisError(message)
