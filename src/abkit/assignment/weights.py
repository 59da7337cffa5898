"""Which part of the hash's range belongs to which choice, as PlanOut's WeightedChoice has it."""

from bisect import bisect_left
from functools import lru_cache
from itertools import accumulate
from math import isfinite

from abkit.errors import OperatorError

HASH_RANGE = 2**60
"""Hashes are integers from 0 to just below this."""
_SCALE = float(HASH_RANGE)
_ABOVE_ALL = b"\xff" * 21
"""Above every digest, which has 20 bytes."""


def uniform(hashed: int) -> float:
    """The hash as a number in [0, 1]; rounding can reach 1.0."""
    return hashed / _SCALE


@lru_cache(maxsize=1024)
def cumulative_weights(weights: tuple[float, ...]) -> tuple[float, ...]:
    """The running sums of the weights.

    Raises:
        OperatorError: A weight is negative or not a finite number, or all are zero.
    """
    for weight in weights:
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise OperatorError("weights", f"must be numbers, not {weight!r}")
        if not isfinite(weight) or weight < 0:
            raise OperatorError("weights", f"must be finite and not negative; one is {weight!r}")
    sums = tuple(accumulate(weights, initial=0.0))[1:]
    if not sums or not sums[-1] > 0:
        raise OperatorError("weights", f"must sum to more than 0, not {[*weights]!r}")
    if not isfinite(sums[-1]):
        raise OperatorError("weights", f"are too large to be summed: {[*weights]!r}")
    return sums


def weight_ends(weights: tuple[float, ...]) -> tuple[int, ...]:
    """The first hash that no longer belongs to each choice, as WeightedChoice's floats have it.

    Raises:
        OperatorError: As `cumulative_weights`.
    """
    sums = cumulative_weights(weights)
    total = sums[-1]
    hashes = range(HASH_RANGE)
    return tuple(
        bisect_left(hashes, True, key=lambda hashed: total * uniform(hashed) > end) for end in sums
    )


def digest_ends(weights: tuple[float, ...]) -> list[bytes]:
    """The ends of all choices but the last, as `bisect_right` compares them with a digest."""
    return [
        (end << 4).to_bytes(8) if end < HASH_RANGE else _ABOVE_ALL
        for end in weight_ends(weights)[:-1]
    ]
