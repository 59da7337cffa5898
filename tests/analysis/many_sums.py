"""The sums of many simulated experiments at many looks, in arrays: a first axis of runs, then of looks."""

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from abkit.analysis.statistics.aggregates import Sums

Floats: TypeAlias = NDArray[np.float64]
Values: TypeAlias = tuple[Floats, ...]
Draw: TypeAlias = Callable[[np.random.Generator, tuple[int, int]], Values]
"""From a generator and a shape (runs, units) to the measures of each unit, of that shape each."""

_AT_ONCE = 4_000_000
"""Values that are drawn together: 32 MB for each measure."""


@frozen(kw_only=True)
class ManySums:
    """One arm's cumulative sums.

    Attributes:
        n: The units at each look.
        totals: The sum of each measure: runs, looks, measures.
        products: The sum of the product of each two: runs, looks, measures, measures.
    """

    n: Floats
    totals: Floats
    products: Floats

    def __add__(self, other: "ManySums") -> "ManySums":
        return ManySums(
            n=self.n + other.n,
            totals=self.totals + other.totals,
            products=self.products + other.products,
        )

    def of(self, run: int, look: int) -> Sums:
        """The sums of one experiment, as an analysis has them."""
        size = self.totals.shape[-1]
        return Sums(
            int(self.n[look]),
            (0.0,) * size,
            tuple(self.totals[run, look].tolist()),
            MappingProxyType(
                {
                    (i, j): float(self.products[run, look, i, j])
                    for i in range(size)
                    for j in range(i, size)
                }
            ),
        )

    def at(self, look: int) -> "ManySums":
        """One look only, -1 being the last."""
        n, totals, products = self.n[look], self.totals[:, look], self.products[:, look]
        return ManySums(n=n[None], totals=totals[:, None], products=products[:, None])

    def times(self, factor: float) -> "ManySums":
        """The same units, each measure of which is so many times as large."""
        return ManySums(
            n=self.n, totals=factor * self.totals, products=factor * factor * self.products
        )

    @property
    def means(self) -> Floats:
        """Of each measure."""
        return np.asarray(self.totals / self.n[..., None])

    @property
    def covariances(self) -> Floats:
        """Of each two measures between the units, unbiased."""
        n = self.n[..., None, None]
        outer = self.totals[..., :, None] * self.totals[..., None, :]
        return np.asarray((self.products - outer / n) / (n - 1))


def summed(draw: Draw, random: np.random.Generator, *, runs: int, sizes: Sequence[int]) -> ManySums:
    """Draw arms, and sum them up at looks.

    Args:
        draw: The measures of units.
        random: Where chance comes from.
        runs: How many experiments.
        sizes: The units of the arm at each look, rising.
    """
    at_once = max(1, _AT_ONCE // sizes[-1])
    starts = [0, *sizes[:-1]]
    totals, products = [], []
    for begin in range(0, runs, at_once):
        measures = draw(random, (min(at_once, runs - begin), sizes[-1]))
        totals.append(np.stack([_so_far(of, starts) for of in measures], axis=-1))
        products.append(_products(measures, starts))
    return ManySums(
        n=np.asarray(sizes, float), totals=np.concatenate(totals), products=np.concatenate(products)
    )


def converted(
    random: np.random.Generator, rate: float, *, runs: int, sizes: Sequence[int]
) -> ManySums:
    """Arms of conversions, of which only the number is drawn."""
    new = random.binomial(np.diff([0, *sizes]), rate, (runs, len(sizes)))
    totals = new.cumsum(axis=1).astype(float)
    return ManySums(
        n=np.asarray(sizes, float), totals=totals[..., None], products=totals[..., None, None]
    )


def _products(measures: Values, starts: Sequence[int]) -> Floats:
    size = len(measures)
    found = np.empty((len(measures[0]), len(starts), size, size))
    for i in range(size):
        for j in range(i, size):
            found[..., i, j] = found[..., j, i] = _so_far(measures[i] * measures[j], starts)
    return found


def _so_far(values: Floats, starts: Sequence[int]) -> Floats:
    return np.asarray(np.add.reduceat(values, starts, axis=1).cumsum(axis=1))
