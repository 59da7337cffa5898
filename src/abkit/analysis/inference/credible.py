"""Credible intervals: from what is believed of a number to the interval that it is in."""

from collections.abc import Callable
from math import inf, isfinite

from attrs import frozen
from scipy.special import ndtri

from abkit.analysis.inference.comparison import Interval


@frozen
class About:
    """What the belief is about like: nearly normal.

    Attributes:
        mean: Its mean.
        deviation: Its standard deviation, above 0.
    """

    mean: float
    deviation: float


def equal_tails(
    chance_above: Callable[[float], float],
    alpha: float,
    bracket: tuple[float, float],
    *,
    about: About | None = None,
) -> Interval:
    """The interval that leaves alpha / 2 on each side, from a falling probability.

    Args:
        chance_above: The probability of more than a value.
        alpha: As it says.
        bracket: Both ends are in it.
        about: Where they are about; the search is the shorter the nearer it is.
    """
    low = _crossing(chance_above, 1 - alpha / 2, bracket, about)
    return Interval(low, _crossing(chance_above, alpha / 2, (low, bracket[1]), about))


def _near(
    score: Callable[[float], float], aim: float, bracket: tuple[float, float], about: About
) -> tuple[tuple[float, float], float, float]:
    """A short bracket, with the scores at its ends; infinite ones where an end is that of the long one."""
    (low, high), above, below = bracket, inf, -inf
    for apart in (-_STEP, _STEP):
        tried = about.mean + (apart - aim) * about.deviation
        if not low < tried < high:
            continue
        found = score(tried)
        if found > 0:
            low, above = tried, found
        else:
            high, below = tried, found
    return (low, high), above, below


_STEP = 0.05
"""By so many deviations a guess is usually wrong, and less."""


def _crossing(
    chance_above: Callable[[float], float],
    level: float,
    bracket: tuple[float, float],
    about: About | None,
) -> float:
    """Where a falling probability has a level.

    By the regula falsi on normal scores, where probabilities fall nearly along a line, with the
    step of the Illinois algorithm (Dowell and Jarratt 1971, BIT 11(2)); by bisection where a score is
    infinite, or the bracket does not shrink.
    """
    aim = float(ndtri(level))
    (low, high), above, below, side = bracket, inf, -inf, 0
    if about is not None:
        (low, high), above, below = _near(
            lambda value: float(ndtri(chance_above(value))) - aim, aim, bracket, about
        )
    for _ in range(200):
        linear = isfinite(above) and isfinite(below)
        share = above / (above - below) if linear else 0.5
        middle = low + (high - low) * share
        score = float(ndtri(chance_above(middle))) - aim
        if abs(score) < 1e-12 or high - low <= 4e-16 * max(abs(low), abs(high)):
            return middle
        if score > 0:
            low, above, below = middle, score, below / (2 if side > 0 else 1)
        else:
            high, below, above = middle, score, above / (2 if side < 0 else 1)
        side = 1 if score > 0 else -1
    return (low + high) / 2
