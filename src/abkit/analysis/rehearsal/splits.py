"""The same units, split anew as often as one likes; and the sums of the arms of every split. Pure.

A unit's SHA-1, which assigns it, is computed once. Its first 60 bits seed SplitMix64 (Steele, Lea and Flood
2014, "Fast splittable pseudorandom number generators", OOPSLA), whose k-th number takes the place of the hash
under a k-th salt: it is cut at the same bounds. For a given k the number is a one-to-one function of the
hash, so it is as uniform as that; for different k they are independent as far as tests of generators tell.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from abkit.analysis.rehearsal.history import History
from abkit.analysis.statistics.aggregates import Sums
from abkit.assignment.weights import HASH_RANGE

_BLOCK = 512
"""Units that are drawn at once: their draws for 500 splits fit a processor's cache."""

_TOGETHER = 8192
"""Units that are summed up at once, which is one product of matrices."""

_GAMMA = 0x9E3779B97F4A7C15
_FACTORS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_SPARE_BITS = np.uint64(4)
"""A hash has 60 bits, a number of the generator 64."""


@frozen(kw_only=True)
class Cut:
    """How a hash is cut into arms.

    Attributes:
        variants: In the order of their parts.
        bounds: The first hash, of 60 bits, that no longer belongs to each.
    """

    variants: tuple[str, ...]
    bounds: tuple[int, ...]

    @property
    def shares(self) -> dict[str, float]:
        """The share of each arm that has any."""
        starts = (0, *self.bounds)
        return {
            variant: (end - start) / HASH_RANGE
            for variant, start, end in zip(self.variants, starts, self.bounds, strict=False)
            if start < end
        }


@frozen(kw_only=True, eq=False)
class SplitSums:
    """The sums of every arm of every split, up to the end of each day.

    Attributes:
        variants: The arms.
        shifts: What was taken from each measure before it was summed up.
        pairs: The measures whose products were summed up, by their places.
        ends: The number since 1970 of the day after each look.
        counted: Splits by looks by variants by 1, measures, products: units, totals and products.
    """

    variants: tuple[str, ...]
    shifts: tuple[float, ...]
    pairs: tuple[tuple[int, int], ...]
    ends: tuple[int, ...]
    counted: NDArray[np.float64] = field(repr=False)

    def looks(self, split: int) -> list[Mapping[str, Sums]]:
        """Of one split, by look and variant."""
        return [
            MappingProxyType(dict(zip(self.variants, map(self._sums, of), strict=True)))
            for of in self.counted[split].tolist()
        ]

    def __len__(self) -> int:
        return len(self.counted)

    def _sums(self, counted: list[float]) -> Sums:
        products = 1 + len(self.shifts)
        return Sums(
            round(counted[0]),
            self.shifts,
            tuple(counted[1:products]),
            MappingProxyType(dict(zip(self.pairs, counted[products:], strict=True))),
        )


def draws(hashes: NDArray[np.uint64], numbers: Sequence[int]) -> NDArray[np.uint64]:
    """The hashes of some units under other salts: splits by units, of 60 bits each.

    Args:
        hashes: Of the units, of 60 bits.
        numbers: Of the splits; 0 is the hash itself, which is the experiment's own split.
    """
    steps = np.array([number * _GAMMA % 2**64 for number in numbers], dtype=np.uint64)
    drawn = (hashes << _SPARE_BITS)[None, :] + steps[:, None]
    for shift, factor in zip((30, 27), _FACTORS, strict=True):
        drawn ^= drawn >> np.uint64(shift)
        drawn *= np.uint64(factor)
    drawn ^= drawn >> np.uint64(31)
    drawn >>= _SPARE_BITS
    for place, number in enumerate(numbers):
        if number == 0:
            drawn[place] = hashes
    return drawn


def sums_of_splits(history: History, cut: Cut, numbers: Sequence[int]) -> SplitSums:
    """The sums of every arm of every split, up to the end of each day on which a unit came.

    A look has the units that had come by then, with all that they did until the end.

    Args:
        history: What the units did.
        cut: How their hashes are cut.
        numbers: Of the splits, as for `draws`.
    """
    shifts, pairs = _shifts(history.values), history.layout.pairs
    width = 1 + len(shifts) + len(pairs)
    looks = history.looks
    counted = np.zeros((len(numbers), len(looks), len(cut.variants), width))
    begin = 0
    for look, (_, end) in enumerate(looks):
        for part in _parts(begin, end, _TOGETHER):
            columns = _columns(history.values[part] - shifts, pairs)
            below = [of @ columns for of in _below(history.hashes[part], cut, numbers)]
            nobody, everybody = np.zeros(width), columns.sum(axis=0)
            counted[:, look] += np.diff(
                np.stack(np.broadcast_arrays(nobody, *below, everybody)), axis=0
            ).swapaxes(0, 1)
        begin = end
    return SplitSums(
        variants=cut.variants,
        shifts=tuple(shifts.tolist()),
        pairs=pairs,
        ends=tuple(day + 1 for day, _ in looks),
        counted=np.cumsum(counted, axis=1),
    )


def sums_of_all(history: History) -> Sums:
    """The sums of all units together."""
    shifts, pairs = _shifts(history.values), history.layout.pairs
    shifted = history.values - shifts
    return Sums(
        history.units,
        tuple(shifts.tolist()),
        tuple(shifted.sum(axis=0).tolist()),
        MappingProxyType({(i, j): float(shifted[:, i] @ shifted[:, j]) for i, j in pairs}),
    )


def _below(
    hashes: NDArray[np.uint64], cut: Cut, numbers: Sequence[int]
) -> list[NDArray[np.float64]]:
    """For each bound but the last: 1 for each split and unit whose draw is below it, else 0."""
    bounds = cut.bounds[:-1]
    found = [np.empty((len(numbers), len(hashes))) for _ in bounds]
    for block in _parts(0, len(hashes), _BLOCK):
        drawn = draws(hashes[block], numbers)
        for of, bound in zip(found, bounds, strict=True):
            np.less(drawn, np.uint64(bound), out=of[:, block])
    return found


def _parts(begin: int, end: int, size: int) -> Iterator[slice]:
    return (slice(first, min(first + size, end)) for first in range(begin, end, size))


def _columns(shifted: NDArray[np.float64], pairs: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
    first, second = (list(places) for places in zip(*pairs, strict=True))
    ones = np.ones((len(shifted), 1))
    return np.hstack([ones, shifted, shifted[:, first] * shifted[:, second]])


def _shifts(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of each measure, so that a large one drowns no deviation; of whole numbers a whole one."""
    means = values.mean(axis=0)
    whole = (values == np.floor(values)).all(axis=0)
    return np.asarray(np.where(whole, np.round(means), means))
