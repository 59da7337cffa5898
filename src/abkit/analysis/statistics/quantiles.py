"""What a quantile of an arm is, and how sure: pure.

The actions of a unit depend on each other. So the share of values below the quantile is a ratio over the
units, values below by values, with the variance of a ratio (the delta method); and the quantiles at that
share, so many standard errors up and down, are the interval of the quantile: Deng, Knoblich and Lu (2018,
"Applying the delta method in metric analytics", KDD), section 4. Half its length in these standard errors is
the quantile's own.
"""

from collections.abc import Mapping
from math import sqrt

from attrs import frozen

from abkit.analysis.amounts import amount
from abkit.errors import AnalysisError
from abkit.experiments.declaring.metric import Metric

MINIMUM_VALUES = 100
"""Of fewer values in an arm, no quantile is compared."""

MINIMUM_BEYOND = 5
"""With fewer values above the quantile, or below it, its standard error is that of a few values."""

MINIMUM_UNITS_IN_EFFECT = 25
"""With fewer, a unit draws the quantile to its own one, beside which it does not vary."""

MOST_EQUAL = 0.5
"""With more of all values equal where the quantile is, it only tells their share."""

REACH = 1.959964
"""So many standard errors of the share the interval goes up and down: one of 95%, whatever the confidence."""


@frozen(kw_only=True)
class Beside:
    """The neighbouring values between which some share of all values ends.

    Attributes:
        below: The lower one.
        below_middle: How many half values there are up to the middle of its equal ones.
        above: The upper one.
        above_middle: Likewise.
    """

    below: float
    below_middle: float
    above: float
    above_middle: float

    def value(self, middle: float) -> float:
        """The value between them up to which there are so many half values."""
        gap = self.above_middle - self.below_middle
        if not gap > 0:
            return self.below
        part = min(1.0, max(0.0, (middle - self.below_middle) / gap))
        return self.below + part * (self.above - self.below)


@frozen(kw_only=True)
class QuantileSums:
    """What is known of a quantile of the values of one arm.

    Attributes:
        values: How many values there are.
        value: The quantile of them.
        error: Its standard error.
        in_effect: How many units make them up: (sum n)² / sum n², n being a unit's values (Kish 1965,
            "Survey Sampling").
        beyond: How many values are above the quantile or below it, where these are fewer.
        equal: The value that stands where the quantile is.
        share_of_equal: Its share of all values.
    """

    values: int
    value: float = 0.0
    error: float = 0.0
    in_effect: float = 0.0
    beyond: float = 0.0
    equal: float = 0.0
    share_of_equal: float = 0.0

    @property
    def plain(self) -> float:
        """The quantile where nothing is compared: the value that most are equal to, if most are."""
        return self.equal if self.share_of_equal > MOST_EQUAL else self.value

    @property
    def lacking(self) -> str:
        """What is missing before it is compared, such as "12 more values"; empty if nothing is."""
        if self.values < MINIMUM_VALUES:
            return f"{amount(MINIMUM_VALUES - self.values, 'more value')} for a quantile"
        if self.in_effect < MINIMUM_UNITS_IN_EFFECT:
            found = f"{int(self.in_effect + 1e-9)} of {MINIMUM_UNITS_IN_EFFECT} in effect"
            return f"more units that make up the values ({found})"
        if self.share_of_equal > MOST_EQUAL:
            share = f"{self.share_of_equal:.0%} of all values are {self.equal:g}"
            return f"another q, as {share} and so is the quantile"
        if self.beyond < MINIMUM_BEYOND or not self.error > 0:
            return "more values beyond the quantile"
        return ""


def error_of_share(*, units: int, values: float, apart: float, squared_apart: float) -> float:
    """The standard error of the share of values below the quantile: of a ratio, by the delta method.

    Args:
        units: Of the arm, also those without a value.
        values: Of all units.
        apart: The sum over the units of their values below the quantile less q times their values.
        squared_apart: The sum of the squares of the same.
    """
    if units < 2 or not values:
        return 0.0
    between = max(0.0, (squared_apart - apart * apart / units) / (units - 1))
    return sqrt(units * between) / values


def outer_shares(share: float, *, error: float, first: float, last: float) -> tuple[float, float]:
    """The shares so many standard errors up and down, as far as there are values to tell.

    Args:
        share: That of the quantile.
        error: Its standard error.
        first: The share in the middle of the smallest values.
        last: That in the middle of the largest ones.
    """
    return max(first, share - REACH * error), min(last, share + REACH * error)


def error_of_quantile(
    *, error: float, shares: tuple[float, float], values: tuple[float, float]
) -> float:
    """The standard error of a quantile, from the interval of its share.

    Half the length of the outer interval in standard errors; where the values end before it does, in the
    same proportion.

    Args:
        error: Of the share.
        shares: The outer ones, lower and upper.
        values: The quantiles at these.
    """
    length = shares[1] - shares[0]
    return error * (values[1] - values[0]) / length if length > 0 else 0.0


def checked(found: Mapping[Metric, QuantileSums], metric: Metric) -> QuantileSums:
    """What is known of a quantile, if it can be compared.

    Raises:
        AnalysisError: It cannot; the message says what is missing.
    """
    known = found.get(metric)
    if known is None:
        message = "a quantile of all these units together, which is not known"
        raise AnalysisError(message)
    if known.lacking:
        raise AnalysisError(known.lacking)
    return known
