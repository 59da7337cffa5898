"""Quantiles and their standard errors in plain Python, as naively as they are defined."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import sqrt

REACH = 1.959964


def middles(values: Sequence[float]) -> list[tuple[float, float]]:
    """Each different value, and the share of all values up to the middle of its equal ones."""
    return [
        (
            each,
            (sum(v < each for v in values) + sum(v == each for v in values) / 2) / len(values),
        )
        for each in sorted(set(values))
    ]


def quantile(values: Sequence[float], q: float) -> float:
    """Interpolated between the middles; beyond them, the smallest or the largest value."""
    known = middles(values)
    if q <= known[0][1]:
        return known[0][0]
    for (low, before), (high, after) in pairwise(known):
        if q <= after:
            return low + (q - before) / (after - before) * (high - low)
    return known[-1][0]


def standard_error(by_unit: Mapping[str, Sequence[float]], units: int, q: float) -> float:
    """By the outer interval: of so many units, those without any value among them."""
    values = [value for of in by_unit.values() for value in of]
    known = middles(values)
    low = max(of for of in known if of[1] <= q)
    high = min(of for of in known if of[1] > q)
    part = (q - low[1]) / (high[1] - low[1])
    weights = {low[0]: (1 + part) / 2, high[0]: part / 2}
    apart = [
        sum(weights.get(value, 1.0 if value < low[0] else 0.0) - q for value in of)
        for of in by_unit.values()
    ]
    apart += [0.0] * (units - len(apart))
    mean = sum(apart) / units
    between = sum((each - mean) ** 2 for each in apart) / (units - 1)
    error = sqrt(between * units) / len(values)
    lower, upper = max(known[0][1], q - REACH * error), min(known[-1][1], q + REACH * error)
    return error * (quantile(values, upper) - quantile(values, lower)) / (upper - lower)
