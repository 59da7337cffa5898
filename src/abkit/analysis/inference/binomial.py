"""The binomial test of a share, exact and approximate: of two arms' sizes, looked at once."""

from math import ceil, floor, log, sqrt

from scipy.special import betainc, betaln, ndtr, xlog1py, xlogy

from abkit.analysis.inference.decision import Alternative, check_alternative
from abkit.errors import AnalysisError

TIE = 1e-7
"""Counts whose probabilities differ by no larger share are equally likely; the rest is rounding."""


def exact_binomial(
    count: int, total: int, *, share: float = 0.5, alternative: Alternative = "two-sided"
) -> float:
    """The exact p-value of a share (Clopper and Pearson 1934, Biometrika 26(4)).

    Two-sided it is the probability of all counts that are no more likely than the one found.

    Args:
        count: The units found in one of two variants.
        total: The units found in both.
        share: That variant's share of the design, above 0 and below 1.
        alternative: "greater": the variant gets more than its share.

    Raises:
        AnalysisError: An argument is not what it should be.
    """
    _check(count, total, share, alternative)
    at_most = _at_most(count, total, share)
    at_least = _at_least(count, total, share)
    if alternative == "less":
        return at_most
    if alternative == "greater":
        return at_least
    if count < total * share:
        opposite = _as_unlikely_above(count, total, share)
        return min(1.0, at_most + _at_least(opposite, total, share))
    if count > total * share:
        opposite = total - _as_unlikely_above(total - count, total, 1 - share)
        return min(1.0, at_least + _at_most(opposite, total, share))
    return 1.0


def normal_binomial(
    count: int,
    total: int,
    *,
    share: float = 0.5,
    continuity: float = 0.5,
    alternative: Alternative = "two-sided",
) -> float:
    """The p-value of a share by the normal approximation, as good as exact for large counts.

    z = (|k - n p| - continuity) / sqrt(n p (1 - p)). With the correction of one half (Yates 1934)
    it is near the exact one; without it, and two-sided, it is Pearson's chi-square of two variants.

    Args:
        count: The units found in one of two variants.
        total: The units found in both.
        share: That variant's share of the design, above 0 and below 1.
        continuity: What the count is moved towards the expected one, but not past it: 0.5 or 0.
        alternative: "greater": the variant gets more than its share.

    Raises:
        AnalysisError: An argument is not what it should be.
    """
    _check(count, total, share, alternative)
    if not 0 <= continuity <= 0.5:
        message = f"continuity must be between 0 and 0.5, not {continuity!r}"
        raise AnalysisError(message)
    if total == 0:
        return 1.0
    excess, deviation = count - total * share, sqrt(total * share * (1 - share))
    if alternative == "two-sided":
        return min(1.0, 2 * float(ndtr(-max(0.0, abs(excess) - continuity) / deviation)))
    if alternative == "greater":
        return float(ndtr((continuity - excess) / deviation))
    return float(ndtr((excess + continuity) / deviation))


def _at_most(count: int, total: int, share: float) -> float:
    if count < 0:
        return 0.0
    return 1.0 if count >= total else float(betainc(total - count, count + 1, 1 - share))


def _at_least(count: int, total: int, share: float) -> float:
    return _at_most(total - count, total, 1 - share)


def _log_probability(count: int, total: int, share: float) -> float:
    ways = -betaln(count + 1, total - count + 1) - log(total + 1)
    return float(ways + xlogy(count, share) + xlog1py(total - count, -share))


def _as_unlikely_above(count: int, total: int, share: float) -> int:
    """The smallest count above the expected one that is no more likely than `count` below it."""
    bound = _log_probability(count, total, share) + TIE
    low, high = max(count, floor(total * share)), total + 1
    while high - low > 1:
        middle = (low + high) // 2
        if _log_probability(middle, total, share) <= bound:
            high = middle
        else:
            low = middle
    return max(high, ceil(total * share))


def _check(count: int, total: int, share: float, alternative: Alternative) -> None:
    check_alternative(alternative)
    if not (0 <= count <= total and 0 < share < 1):
        message = (
            "A share is tested with 0 <= count <= total and a share above 0 and below 1, "
            f"not count={count!r}, total={total!r}, share={share!r}"
        )
        raise AnalysisError(message)
