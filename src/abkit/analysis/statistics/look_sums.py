"""The sums of all variants at all looks, as arrays: what one look says, said of all of them at once.

Each array is of shape (variants, looks), or broadcasts to it. `Sums` are the same of one variant at one look,
and exact to the last digit; here the last digits may differ.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, Self, TypeAlias

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from abkit.analysis.statistics.aggregates import Sums

Numbers: TypeAlias = NDArray[np.float64]


class Means(Protocol):
    """Means and covariances of measures, by their places."""

    def mean(self, measure: int) -> Numbers:
        """Of a measure; 0 of no unit."""

    def covariance(self, first: int, second: int) -> Numbers:
        """Between the units, unbiased (n - 1); of a measure with itself its variance."""


@frozen(kw_only=True, eq=False)
class LookSums:
    """The sums of some variants, look by look.

    Attributes:
        n: The units.
        shifts: As of `Sums`; of shape (variants, looks, measures).
        totals: Likewise.
        products: As of `Sums`, by the pair of measures.
        lacking: As of `Sums`, by the measure.
    """

    n: Numbers
    shifts: Numbers
    totals: Numbers
    products: Mapping[tuple[int, int], Numbers]
    lacking: Mapping[int, Numbers]
    _known: dict[tuple[int, ...], Numbers] = field(factory=dict, init=False)

    @classmethod
    def of(cls, looks: Sequence[Mapping[str, Sums]], variants: Sequence[str]) -> Self:
        """Of plain sums, not of standardized ones.

        Args:
            looks: Per look, the sums of each variant up to then; of those that are absent there is no unit.
            variants: Which ones, in this order.
        """
        shifts = next((of.shifts for sums in looks for of in sums.values()), ())
        nothing = Sums.none(shifts)
        rows = [[sums.get(variant, nothing) for sums in looks] for variant in variants]
        pairs = list(dict.fromkeys(pair for row in rows for of in row for pair in of.products))
        lacked = {place for row in rows for of in row for place in of.lacking}
        products = np.array([[_in_order(of.products, pairs) for of in row] for row in rows])
        return cls(
            n=np.array([[of.n for of in row] for row in rows], dtype=np.float64),
            shifts=np.array([[of.shifts for of in row] for row in rows]),
            totals=np.array([[of.totals for of in row] for row in rows]),
            products={pair: products[:, :, at] for at, pair in enumerate(pairs)},
            lacking={
                place: np.array(
                    [[of.lacking.get(place, 0) for of in row] for row in rows], dtype=np.float64
                )
                for place in lacked
            },
        )

    def units(self, measure: int) -> Numbers:
        """How many units have a value of a measure."""
        lacking = self.lacking.get(measure)
        return self.n if lacking is None else self.n - lacking

    def mean(self, measure: int) -> Numbers:
        """As `Means.mean`."""
        if (measure,) not in self._known:
            units = self.units(measure)
            total = self.shifts[:, :, measure] + self.totals[:, :, measure] / np.maximum(units, 1)
            self._known[measure,] = np.where(units > 0, total, 0.0)
        return self._known[measure,]

    def covariance(self, first: int, second: int) -> Numbers:
        """As `Means.covariance`."""
        units = self.units(first)
        found = self.comoment(first, second) / np.maximum(units - 1, 1)
        return np.where(units < 2, 0.0, np.maximum(found, 0.0) if first == second else found)

    def comoment(self, first: int, second: int) -> Numbers:
        """The sum of the products of two measures, each less its mean; 0 of no unit."""
        pair = (first, second) if first <= second else (second, first)
        if pair not in self._known:
            units = np.maximum(self.units(first), 1)
            one, other = (self.totals[:, :, place] for place in pair)
            self._known[pair] = self.products[pair] - one * (other / units)
        return self._known[pair]

    @property
    def everyone(self) -> "Everyone":
        """All variants together."""
        return Everyone(self)


def _in_order(
    products: Mapping[tuple[int, int], float], pairs: Sequence[tuple[int, int]]
) -> Sequence[float]:
    """The products of all pairs; those that are not there, as of no unit, are 0."""
    if [*products] == pairs:
        return [*products.values()]
    return [products.get(pair, 0.0) for pair in pairs]


@frozen
class Everyone:
    """The units of all variants together: arrays of shape (looks,)."""

    _arms: LookSums

    @property
    def n(self) -> Numbers:
        """The units."""
        return np.asarray(self._arms.n.sum(axis=0))

    def mean(self, measure: int) -> Numbers:
        """As `Means.mean`."""
        units = self._arms.units(measure)
        total = (units * self._arms.mean(measure)).sum(axis=0)
        return np.asarray(total / np.maximum(units.sum(axis=0), 1))

    def covariance(self, first: int, second: int) -> Numbers:
        """As `Means.covariance`."""
        arms = self._arms
        units = arms.units(first)
        apart = (arms.mean(first) - self.mean(first)) * (arms.mean(second) - self.mean(second))
        found = (arms.comoment(first, second) + units * apart).sum(axis=0)
        return np.asarray(found / np.maximum(units.sum(axis=0) - 1, 1))
