"""Student's t: the p-value and the interval of an estimate whose standard error is estimated too."""

from math import inf

from scipy.special import ndtr, ndtri, stdtr, stdtrit

from abkit.analysis.inference.comparison import Interval
from abkit.analysis.inference.decision import Alternative


def p_value(statistic: float, *, freedom: float, alternative: Alternative = "two-sided") -> float:
    """The probability of so large a statistic where nothing is to be found (Student 1908).

    Args:
        statistic: The estimate divided by its standard error.
        freedom: The degrees of freedom, above 0; infinite for the normal distribution.
        alternative: Which statistics count as large: those above, those below, or both.
    """
    if alternative == "greater":
        return _below(-statistic, freedom)
    if alternative == "less":
        return _below(statistic, freedom)
    return min(1.0, 2 * _below(-abs(statistic), freedom))


def critical_value(
    alpha: float, *, freedom: float, alternative: Alternative = "two-sided"
) -> float:
    """The statistic at which p is `alpha`: half the interval's width in standard errors."""
    tail = alpha / 2 if alternative == "two-sided" else alpha
    return -float(ndtri(tail) if freedom == inf else stdtrit(freedom, tail))


def interval(
    estimate: float,
    *,
    standard_error: float,
    freedom: float,
    alpha: float = 0.05,
    alternative: Alternative = "two-sided",
) -> Interval:
    """All values that the test does not reject; a one-sided alternative leaves one end infinite.

    Args:
        estimate: What was found.
        standard_error: Of the estimate, in its unit.
        freedom: As for `p_value`.
        alpha: One minus the confidence.
        alternative: As for `p_value`.
    """
    reach = critical_value(alpha, freedom=freedom, alternative=alternative) * standard_error
    return Interval(
        -inf if alternative == "less" else estimate - reach,
        inf if alternative == "greater" else estimate + reach,
    )


def _below(value: float, freedom: float) -> float:
    return float(ndtr(value) if freedom == inf else stdtr(freedom, value))
