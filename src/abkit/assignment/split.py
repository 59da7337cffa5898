"""Weighted variants, made ready: which part of the hash's range belongs to which variant.

For PlanOut's bucketing a split gives exactly what `WeightedChoice` gives. Instead of calculating
with floating point for each unit, the largest hash of each variant is found once; then one
comparison of bytes is enough, for a unit here and for a whole column in SQL.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple, Self

from abkit.assignment.hashing import sha1
from abkit.assignment.weights import cumulative_weights, digest_ends, weight_ends
from abkit.events import Variant

AMPLITUDE_RANGE = 42_949_673
"""Amplitude's distribution values are murmur3 // 100, which is below this."""


class Split(NamedTuple):
    """A hash cut into parts, one part per variant.

    Attributes:
        prefix: What is hashed before the unit's id, with the separator.
        choices: The variants, in the order of their parts.
        weights: Their weights.
        bounds: The first hash that no longer belongs to each variant.
    """

    prefix: str
    choices: tuple[Variant, ...]
    weights: tuple[float, ...]
    bounds: tuple[int, ...]

    @property
    def choose(self) -> Callable[[str], Variant]:
        """A function from a unit's id to its variant."""
        raise NotImplementedError


class PlanOutSplit(Split):
    """The parts of SHA-1's first 60 bits, as `WeightedChoice` has them."""

    @classmethod
    def of(cls, salt: str, choices: Sequence[Variant], weights: Sequence[float]) -> Self:
        """The split of `WeightedChoice(choices=..., weights=..., unit=...)`.

        Args:
            salt: "{experiment salt}.{parameter}".
            choices: The variants.
            weights: Their weights; they need not sum to 1.

        Raises:
            OperatorError: The weights cannot be used.
        """
        return cls(f"{salt}.", tuple(choices), tuple(weights), weight_ends(tuple(weights)))

    @property
    def ends(self) -> list[bytes]:
        """Where the digests of each choice end: `choices[bisect_right(ends, digest)]`."""
        return digest_ends(self.weights)

    @cached_property
    def choose(self) -> Callable[[str], Variant]:
        """A function from a unit's id to its variant."""
        prefix, choices, ends = self.prefix, self.choices, self.ends

        def choose(unit_id: str) -> Variant:
            return choices[bisect_right(ends, sha1(f"{prefix}{unit_id}".encode()).digest())]

        return choose


class AmplitudeSplit(Split):
    """The half-open ranges of murmur3 // 100, as Amplitude Experiment evaluates.

    Source: experiment-evaluation's two-step bucketing: murmur3 (x86, 32 bits, seed 0) of
    "{salt}/{unit}"; the last two decimals allocate, the rest distributes.
    """

    @classmethod
    def of(cls, salt: str, choices: Sequence[Variant], weights: Sequence[float]) -> Self:
        """The split of these weights.

        Raises:
            OperatorError: The weights cannot be used.
        """
        sums = cumulative_weights(tuple(weights))
        bounds = tuple(int(AMPLITUDE_RANGE * (end / sums[-1])) for end in sums)
        return cls(f"{salt}/", tuple(choices), tuple(weights), bounds)

    @cached_property
    def choose(self) -> Callable[[str], Variant]:
        """A function from a unit's id to its variant."""
        from mmh3 import mmh3_32_uintdigest

        prefix, choices = self.prefix, self.choices
        ends = [100 * bound for bound in self.bounds[:-1]]  # Of the hash, not of the hash // 100.

        def choose(unit_id: str) -> Variant:
            return choices[bisect_right(ends, mmh3_32_uintdigest(f"{prefix}{unit_id}".encode()))]

        return choose


def amplitude_allocation(salt: str, unit_id: str) -> int:
    """The percentile, 0 to 99, that decides whether Amplitude enrolls a unit."""
    import mmh3

    allocation: int = mmh3.mmh3_32_uintdigest(f"{salt}/{unit_id}".encode()) % 100
    return allocation
