"""What is believed of the ratio of two means, such as a lift."""

from math import copysign, hypot, inf, sqrt

from attrs import frozen
from scipy.special import owens_t

from abkit.analysis.inference.comparison import Interval
from abkit.analysis.inference.credible import equal_tails
from abkit.analysis.inference.variance import separate
from abkit.analysis.statistics.aggregates import Moments

_LEAST = 1e-150
"""A mean that does not vary is believed to this share of the other one's standard error."""


@frozen(kw_only=True)
class RatioPosterior:
    """Of the ratio of two means, each of which is believed to be normal.

    The control's mean may be below 0 too, as seldom as that is.

    Attributes:
        ratio: The treatment's mean found, in the control's.
        control: The control's mean found, in its standard errors; above 0.
        spread: The standard error of the treatment's mean, in that of the control's; above 0.
    """

    ratio: float
    control: float
    spread: float

    @classmethod
    def of(cls, control: Moments, treatment: Moments) -> "RatioPosterior":
        """From the moments of control and treatment; the control's mean is above 0, and varies."""
        variances = separate(control, treatment)
        return cls(
            ratio=treatment.mean / control.mean,
            control=control.mean / sqrt(variances.control),
            spread=max(_LEAST, sqrt(variances.treatment / variances.control)),
        )

    def below(self, value: float) -> float:
        """The probability that the ratio is below a value.

        Hinkley (1969, "On the ratio of two correlated normal random variables", Biometrika 56(3)): that
        T - value C and C have different signs, by the function of Owen (1956, Ann. Math. Stat. 27(4)).
        """
        error = hypot(self.spread, value)  # of T - value C, in the control's standard errors
        apart = self.control * (self.ratio - value) / error
        correlation, rest = -value / error, self.spread / error
        first = _slope(self.control - correlation * apart, apart * rest)
        second = _slope(apart - correlation * self.control, self.control * rest)
        found = 2 * float(owens_t(apart, first) + owens_t(self.control, second))
        return found if apart >= 0 else 1 + found

    def interval(self, alpha: float) -> Interval:
        """The interval that leaves alpha / 2 on each side."""
        reach = (self.spread + abs(self.ratio)) / self.control
        low, high = self.ratio - reach, self.ratio + reach
        while self.below(low) > alpha / 4:
            low = self.ratio - 2 * (self.ratio - low)
        while self.below(high) < 1 - alpha / 4:
            high = self.ratio + 2 * (high - self.ratio)
        return equal_tails(lambda value: 1 - self.below(value), alpha, (low, high))


def _slope(rise: float, run: float) -> float:
    """Of a line; infinite where it is upright."""
    return rise / run if run else copysign(inf, rise)
