"""Weights: the part of the hash's range that each choice has, as in PlanOut; and how records tell them."""

from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from math import isfinite

from abkit.errors import OperatorError
from abkit.events import variant_text

HASH_RANGE = 2**60
"""Hashes are integers from 0 to just below this."""
_SCALE = float(HASH_RANGE)
_DIGITS = 12
"""So many decimals a share has in a record: 1/3, and 0.1 + 0.2, are told one way."""
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


def weights_text(choices: Sequence[object], weights: Sequence[float]) -> str | None:
    """The share of each variant as a JSON object, such as '{"0":0.9,"1":0.1}'; its keys are sorted.

    Args:
        choices: The variants; one that is there twice has both weights.
        weights: Their weights, of which only the ratios matter.

    Returns:
        None for choices of which some can be no variant.
    """
    if not all(isinstance(choice, str | int | float) for choice in choices):
        return None
    return _told(tuple(map(variant_text, choices)), tuple(weights))


@lru_cache(maxsize=1_000)
def _told(variants: tuple[str, ...], weights: tuple[float, ...]) -> str:
    import json  # Only who exposes units needs it.

    total, shares = sum(weights), dict.fromkeys(sorted(variants), 0.0)
    for variant, weight in zip(variants, weights, strict=True):
        shares[variant] += weight / total
    rounded = {variant: round(share, _DIGITS) for variant, share in shares.items()}
    return json.dumps(rounded, ensure_ascii=False, separators=(",", ":"))
