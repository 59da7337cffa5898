"""Credible intervals: from what is believed of a number to the interval that it is in."""

from collections.abc import Callable
from math import inf, isfinite

from scipy.special import ndtri

from abkit.analysis.inference.comparison import Interval


def equal_tails(
    chance_above: Callable[[float], float], alpha: float, bracket: tuple[float, float]
) -> Interval:
    """The interval that leaves alpha / 2 on each side, from a falling probability."""
    low = _crossing(chance_above, 1 - alpha / 2, bracket)
    return Interval(low, _crossing(chance_above, alpha / 2, (low, bracket[1])))


def _crossing(
    chance_above: Callable[[float], float], level: float, bracket: tuple[float, float]
) -> float:
    """Where a falling probability has a level.

    By the regula falsi on normal scores, where probabilities fall nearly along a line, with the
    step of the Illinois algorithm (Dowell and Jarratt 1971, BIT 11(2)); by bisection where a score is
    infinite, or the bracket does not shrink.
    """
    aim = float(ndtri(level))
    (low, high), above, below, side = bracket, inf, -inf, 0
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
