"""Intervals of two proportions' difference, ratio and odds ratio, for data looked at once."""

from collections.abc import Callable
from math import copysign, exp, inf, sqrt

from attrs import frozen
from scipy.special import ndtri

from abkit.analysis.inference.comparison import Interval
from abkit.analysis.inference.decision import check_alpha
from abkit.errors import AnalysisError

FURTHEST = 50.0
"""The logarithm of a ratio that is taken for infinite, and minus that of one taken for 0."""


@frozen
class Proportion:
    """The units of one variant that converted.

    Attributes:
        successes: The units that converted.
        units: All units, above 0.
    """

    successes: int
    units: int

    def __attrs_post_init__(self) -> None:
        if not (0 <= self.successes <= self.units and self.units > 0):
            message = (
                "A proportion needs units > 0 and 0 <= successes <= units, "
                f"not {self.successes!r} of {self.units!r}"
            )
            raise AnalysisError(message)

    @property
    def rate(self) -> float:
        """The share that converted."""
        return self.successes / self.units


def wilson(proportion: Proportion, *, alpha: float = 0.05) -> Interval:
    """Of one proportion: all that its score test does not reject (Wilson 1927, JASA 22)."""
    z = _critical(alpha)
    rate, share = proportion.rate, z * z / proportion.units
    centre = (rate + share / 2) / (1 + share)
    reach = sqrt(share * (rate * (1 - rate) + share / 4)) / (1 + share)
    low = 0.0 if proportion.successes == 0 else centre - reach
    return Interval(low, 1.0 if proportion.successes == proportion.units else centre + reach)


def wald_difference(control: Proportion, treatment: Proportion, *, alpha: float = 0.05) -> Interval:
    """Of the difference: d ± z sqrt(p_c (1 - p_c) / n_c + p_t (1 - p_t) / n_t); for large counts."""
    return _wald((control.rate, control.units), (treatment.rate, treatment.units), _critical(alpha))


def agresti_caffo_difference(
    control: Proportion, treatment: Proportion, *, alpha: float = 0.05
) -> Interval:
    """Of the difference: Wald's, one success and one failure added to each arm.

    Agresti and Caffo (2000, Am. Stat. 54(4)): small counts need no more than that.
    """
    control_rate, treatment_rate = (
        (arm.successes + 1) / (arm.units + 2) for arm in (control, treatment)
    )
    return _wald(
        (control_rate, control.units + 2), (treatment_rate, treatment.units + 2), _critical(alpha)
    )


def newcombe_difference(
    control: Proportion, treatment: Proportion, *, alpha: float = 0.05
) -> Interval:
    """Of the difference: both arms' Wilson intervals, their reaches added in squares.

    Newcombe (1998, Stat. Med. 17(8)), method 10.
    """
    difference = treatment.rate - control.rate
    before, after = wilson(control, alpha=alpha), wilson(treatment, alpha=alpha)
    down = sqrt((treatment.rate - after.low) ** 2 + (before.high - control.rate) ** 2)
    up = sqrt((after.high - treatment.rate) ** 2 + (control.rate - before.low) ** 2)
    return Interval(difference - down, difference + up)


def katz_ratio(control: Proportion, treatment: Proportion, *, alpha: float = 0.05) -> Interval:
    """Of the ratio: normal on the logarithm (Katz, Baptista, Azen and Pike 1978, Biometrics 34(3)).

    ln(p_t / p_c) ± z sqrt(1 / x_t - 1 / n_t + 1 / x_c - 1 / n_c). Without a success in one of the arms
    it knows nothing: from 0 to infinity.
    """
    z = _critical(alpha)
    if not (control.successes and treatment.successes):
        return Interval(0.0, inf)
    variance = sum(1 / arm.successes - 1 / arm.units for arm in (control, treatment))
    ratio, reach = treatment.rate / control.rate, z * sqrt(variance)
    return Interval(ratio * exp(-reach), ratio * exp(reach))


def score_difference(
    control: Proportion, treatment: Proportion, *, alpha: float = 0.05, unbiased: bool = False
) -> Interval:
    """Of the difference: all that the score test does not reject (Mee 1984, Biometrics 40(4)).

    Args:
        control: The control's units.
        treatment: The variant's units.
        alpha: One minus the confidence.
        unbiased: Whether the variances are multiplied by N / (N - 1), N being the units of both
            arms: Miettinen and Nurminen (1985, Stat. Med. 4(2)).

    Raises:
        AnalysisError: `alpha` cannot be used.
    """
    level = _critical(alpha) * sqrt(_inflation(control, treatment, unbiased))

    def score(difference: float) -> float:
        low = _likeliest_control(control, treatment, difference)
        variance = _variance(low, control.units)
        variance += _variance(low + difference, treatment.units)
        return _standardized(treatment.rate - control.rate - difference, variance)

    return Interval(_crossing(score, level, (-1.0, 1.0)), _crossing(score, -level, (-1.0, 1.0)))


def score_ratio(
    control: Proportion, treatment: Proportion, *, alpha: float = 0.05, unbiased: bool = False
) -> Interval:
    """Of the ratio: all that the score test does not reject (Koopman 1984, Biometrics 40(2)).

    Args:
        control: The control's units.
        treatment: The variant's units.
        alpha: One minus the confidence.
        unbiased: As for `score_difference`.

    Returns:
        From 0 where no unit of the treatment converted, to infinity where none of the control did.

    Raises:
        AnalysisError: `alpha` cannot be used.
    """
    level = _critical(alpha) * sqrt(_inflation(control, treatment, unbiased))
    successes, units = _both(control, treatment)

    def score(logarithm: float) -> float:
        ratio = exp(logarithm)
        # The root of units * ratio * p² - slope * p + successes = 0 that is a probability.
        slope = ratio * (treatment.units + control.successes)
        slope += treatment.successes + control.units
        root = sqrt(max(0.0, slope * slope - 4 * units * ratio * successes))
        rate = 2 * successes / (slope + root)
        variance = _variance(ratio * rate, treatment.units)
        variance += ratio * ratio * _variance(rate, control.units)
        return _standardized(treatment.rate - ratio * control.rate, variance)

    return _from_logarithms(score, level)


def score_odds_ratio(
    control: Proportion, treatment: Proportion, *, alpha: float = 0.05, unbiased: bool = False
) -> Interval:
    """Of the odds ratio: all that the score test does not reject (Miettinen and Nurminen 1985).

    Args:
        control: The control's units.
        treatment: The variant's units.
        alpha: One minus the confidence.
        unbiased: As for `score_difference`.

    Returns:
        An end is 0 or infinite where the odds of an arm are.

    Raises:
        AnalysisError: `alpha` cannot be used.
    """
    level = _critical(alpha) * sqrt(_inflation(control, treatment, unbiased))
    successes, units = _both(control, treatment)
    if successes in (0, units):
        return Interval(0.0, inf)

    certain = control if control.successes in (0, control.units) else treatment
    sign = -1.0 if certain is control else 1.0

    def score(logarithm: float) -> float:
        logit = _likeliest_logit(control, treatment, logarithm)
        own, others = _information(treatment, logit + logarithm), _information(control, logit)
        information = 1 / (1 / own + 1 / others) if own > 0 and others > 0 else 0.0
        # Both arms are as far from what is expected; the one that is all or nothing tells it exactly.
        distance = _surplus(certain, logit if certain is control else logit + logarithm)
        return _standardized(sign * distance, information)

    return _from_logarithms(score, level)


def _critical(alpha: float) -> float:
    check_alpha(alpha)
    return -float(ndtri(alpha / 2))


def _wald(control: tuple[float, int], treatment: tuple[float, int], z: float) -> Interval:
    difference = treatment[0] - control[0]
    reach = z * sqrt(_variance(*control) + _variance(*treatment))
    return Interval(difference - reach, difference + reach)


def _variance(rate: float, units: int) -> float:
    within = min(1.0, max(0.0, rate))
    return within * (1 - within) / units


def _both(control: Proportion, treatment: Proportion) -> tuple[int, int]:
    return control.successes + treatment.successes, control.units + treatment.units


def _inflation(control: Proportion, treatment: Proportion, unbiased: bool) -> float:
    _, units = _both(control, treatment)
    return units / (units - 1) if unbiased else 1.0


def _standardized(distance: float, variance: float) -> float:
    if variance > 0:
        return distance / sqrt(variance)
    return copysign(inf, distance) if distance else 0.0


def _likeliest_control(control: Proportion, treatment: Proportion, difference: float) -> float:
    """The control's rate of the greatest likelihood, given the difference; by bisection."""

    def slope(rate: float) -> float:
        total = 0.0
        for arm, value in ((control, rate), (treatment, rate + difference)):
            failures = arm.units - arm.successes
            total += arm.successes / value if arm.successes else 0.0
            total -= failures / (1 - value) if failures else 0.0
        return total

    low, high = max(0.0, -difference), min(1.0, 1 - difference)
    for _ in range(60):
        middle = (low + high) / 2
        if not (0 < middle < 1 and 0 < middle + difference < 1):
            break
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return (low + high) / 2


def _likeliest_logit(control: Proportion, treatment: Proportion, logarithm: float) -> float:
    """The control's logit of the greatest likelihood, given the log odds ratio; by bisection."""
    low, high = -2 * FURTHEST, 2 * FURTHEST
    for _ in range(60):
        middle = (low + high) / 2
        surplus = _surplus(control, middle) + _surplus(treatment, middle + logarithm)
        low, high = (middle, high) if surplus > 0 else (low, middle)
    return (low + high) / 2


def _surplus(arm: Proportion, logit: float) -> float:
    """The successes above those that are expected, without cancellation."""
    failures = arm.units - arm.successes
    return arm.successes * _logistic(-logit) - failures * _logistic(logit)


def _information(arm: Proportion, logit: float) -> float:
    return arm.units * _logistic(logit) * _logistic(-logit)


def _logistic(logit: float) -> float:
    return 1 / (1 + exp(-logit))


def _from_logarithms(score: Callable[[float], float], level: float) -> Interval:
    bracket = -FURTHEST, FURTHEST
    low, high = _crossing(score, level, bracket), _crossing(score, -level, bracket)
    return Interval(0.0 if low <= -FURTHEST else exp(low), inf if high >= FURTHEST else exp(high))


def _crossing(score: Callable[[float], float], level: float, bracket: tuple[float, float]) -> float:
    """Where a falling score has a level; an end of the bracket if it has it nowhere; by bisection."""
    low, high = bracket
    if score(low) <= level:
        return low
    if score(high) >= level:
        return high
    while high - low > 1e-14 * max(1e-3, abs(low), abs(high)):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (middle, high) if score(middle) > level else (low, middle)
    return (low + high) / 2
