"""The lift: the difference relative to the control's mean, and its interval."""

from math import sqrt

from abkit.analysis.inference.comparison import Interval
from abkit.analysis.inference.variance import MeanVariances
from abkit.analysis.statistics.aggregates import Moments

NEAR_ZERO = 2.0
"""A control's mean within so many standard errors of 0 is too near 0 to divide by."""


def lift(control: Moments, treatment: Moments) -> float | None:
    """The difference divided by the control's mean: 0.02 is 2% more than the control.

    None where it would mislead: an arm of fewer than two units, or a control's mean that is
    negative, 0, or within `NEAR_ZERO` of its standard errors of 0.
    """
    if control.n < 2 or treatment.n < 2:
        return None
    if control.mean <= NEAR_ZERO * sqrt(control.variance / control.n):
        return None
    return treatment.mean / control.mean - 1


def lift_interval(
    control: Moments, treatment: Moments, *, variances: MeanVariances, critical: float
) -> Interval | None:
    """All lifts r that the test of the difference itself does not reject.

    The test of "treatment mean = (1 + r) control mean" compares m_t - (1 + r) m_c with its
    standard error, sqrt(v_t + (1 + r)² v_c), at the critical value of the test of the difference.
    At r = 0 it is that test, so the two verdicts are one. The log-ratio interval is about as wide,
    but contradicts the verdict now and then, at some look of a sequential test even often; that of
    the linear delta method also misses the true lift far too often there. The ends are Fieller's
    (1954, "Some problems in interval estimation", J. R. Stat. Soc. B 16(2)):

        1 + r = (q ± c sqrt(u (1 - g) + w q²)) / (1 - g),   q = m_t / m_c,  g = c² w,
        w = v_c / m_c²,  u = v_t / m_c²

    Args:
        control: The control's moments.
        treatment: The variant's moments.
        variances: Of the two means, as the test of the difference took them.
        critical: c, the half width of the difference's interval in its standard errors.

    Returns:
        None where the lift is undefined, or where the control's mean is so uncertain (g >= 1) that
        the lifts that are not rejected have no bound.
    """
    if lift(control, treatment) is None:
        return None
    ratio = treatment.mean / control.mean
    control_spread = variances.control / control.mean / control.mean
    treatment_spread = variances.treatment / control.mean / control.mean
    uncertainty = critical * critical * control_spread
    if not uncertainty < 1 or critical == float("inf"):
        return None
    rest = 1 - uncertainty
    reach = critical * sqrt(treatment_spread * rest + control_spread * ratio * ratio)
    return Interval((ratio - reach) / rest - 1, (ratio + reach) / rest - 1)
