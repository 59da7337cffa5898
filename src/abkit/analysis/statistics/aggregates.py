"""Sufficient statistics: all that the mathematics needs to know of the data."""

from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement
from types import MappingProxyType
from typing import Self

from attrs import evolve, field, frozen

from abkit.analysis.statistics.quantiles import QuantileSums
from abkit.errors import AnalysisError
from abkit.experiments.declaring.metric import Metric


@frozen
class Moments:
    """The units of one variant, summed up for one metric.

    Attributes:
        n: The number of units.
        mean: The mean over the units.
        variance: The variance between the units, in the metric's unit squared. Unbiased (n - 1) for
            measured values; p(1 - p) for conversions. Divided by `n` it is the sampling variance of
            the mean, whatever the mean is made of.
        effective: The units that would make the mean as certain if all had been exposed with the same
            weights; None: they were.
        alike: What `variance` would be if in each phase all arms spread alike; None where all units were
            exposed with the same weights.
    """

    n: int
    mean: float
    variance: float
    effective: float | None = None
    alike: float | None = None

    def __attrs_post_init__(self) -> None:
        if self.n < 0 or not self.variance >= 0 or self.mean != self.mean:
            message = (
                f"Moments need n >= 0, a mean and a variance >= 0, "
                f"not n={self.n}, mean={self.mean}, variance={self.variance}"
            )
            raise AnalysisError(message)

    @property
    def effective_units(self) -> float:
        """`effective` where that is known, else `n`."""
        return self.n if self.effective is None else self.effective

    @classmethod
    def from_successes(cls, n: int, successes: int) -> Self:
        """Of `n` units, `successes` converted."""
        rate = successes / n if n else 0.0
        return cls(n, rate, rate * (1 - rate))

    @classmethod
    def from_sums(cls, n: int, total: float, total_of_squares: float) -> Self:
        """From plain sums. They cancel when the mean is large beside the deviation: prefer moments."""
        if n < 2:
            return cls(n, total / n if n else 0.0, 0.0)
        return cls(n, total / n, max(0.0, (total_of_squares - total * total / n) / (n - 1)))


@frozen
class Sums:
    """The units of one variant (or of a part of it), summed up for several measures at once.

    A measure is one number per unit. Each may be shifted by a constant before it is summed, so that a
    large mean cannot drown the deviation. Sums can be added up: days, segments, parts.

    Attributes:
        n: The number of units.
        shifts: What was taken from each measure, in its unit.
        totals: The sum of each shifted measure.
        products: The sum of the product of two shifted measures, by their places (i <= j); only of
            those pairs that some metric needs.
        effective: As for `Moments`, of sums that were standardized; None of plain ones.
        alike: What `products` would be if in each phase all arms spread alike; None of plain sums.
        lacking: By measure, the units that have no value of it and are left out of it; none where every
            unit has one. Two measures of a pair are lacked by the same units.
        quantiles: By metric that is a quantile, what is known of it; it is of these very units, and no
            sums that were made of these have it.
    """

    n: int
    shifts: tuple[float, ...]
    totals: tuple[float, ...]
    products: Mapping[tuple[int, int], float]
    effective: float | None = None
    alike: Mapping[tuple[int, int], float] | None = None
    lacking: Mapping[int, int] = field(factory=lambda: MappingProxyType({}))
    quantiles: Mapping[Metric, QuantileSums] = field(factory=lambda: MappingProxyType({}))

    @classmethod
    def none(cls, shifts: Sequence[float]) -> Self:
        """Of no unit."""
        return cls(0, tuple(shifts), (0.0,) * len(shifts), MappingProxyType({}))

    def __add__(self, other: Self) -> Self:
        if self.shifts != other.shifts:
            first, second = (self, other) if self.n >= other.n else (other, self)
            return first + second.moved(first.shifts)
        pairs = dict.fromkeys([*self.products, *other.products])
        return type(self)(
            self.n + other.n,
            self.shifts,
            tuple(a + b for a, b in zip(self.totals, other.totals, strict=True)),
            MappingProxyType(
                {p: self.products.get(p, 0.0) + other.products.get(p, 0.0) for p in pairs}
            ),
            lacking=MappingProxyType(
                {
                    i: self.lacking.get(i, 0) + other.lacking.get(i, 0)
                    for i in {**self.lacking, **other.lacking}
                }
            ),
        )

    @classmethod
    def together(cls, arms: Sequence[Self], places: Sequence[int]) -> Self:
        """The sums of several arms, of some measures only: of the others nothing is known.

        What adding all of them up gives, without the time for measures that nobody asks of.

        Args:
            arms: One or more, of the same measures.
            places: The measures, in order.
        """
        shifts = max(arms, key=lambda of: of.n).shifts
        totals = [0.0] * len(shifts)
        lacking = {place: sum(of.lacking.get(place, 0) for of in arms) for place in places}
        products: dict[tuple[int, int], float] = {}
        for of in arms:
            away = {place: of.shifts[place] - shifts[place] for place in places}
            for place in places:
                totals[place] += of.totals[place] + of.units(place) * away[place]
            for pair in combinations_with_replacement(places, 2):
                product = of.products.get(pair)
                if product is not None:
                    i, j = pair
                    products[pair] = products.get(pair, 0.0) + (
                        product
                        + away[i] * of.totals[j]
                        + away[j] * of.totals[i]
                        + of.units(i) * away[i] * away[j]
                    )
        return cls(
            sum(of.n for of in arms),
            shifts,
            tuple(totals),
            MappingProxyType(products),
            lacking=MappingProxyType(lacking),
        )

    def units(self, measure: int) -> int:
        """How many units have a value of a measure."""
        return self.n - self.lacking.get(measure, 0)

    @property
    def spread_alike(self) -> Self | None:
        """The same units, if in each phase all arms spread alike; None of plain sums."""
        return None if self.alike is None else evolve(self, products=self.alike)

    def mean(self, measure: int) -> float:
        """The mean of a measure; 0 of no unit."""
        units = self.units(measure)
        return self.shifts[measure] + self.totals[measure] / units if units else 0.0

    def covariance(self, first: int, second: int) -> float:
        """Between the units, unbiased (n - 1); of a measure with itself its variance."""
        units = self.units(first)
        if units < 2:
            return 0.0
        found = self.comoment(first, second) / (units - 1)
        return max(0.0, found) if first == second else found

    def comoment(self, first: int, second: int) -> float:
        """The sum of the products of two measures, each less its mean; 0 of no unit.

        Of whole numbers it is computed without any rounding but the last.
        """
        units = self.units(first)
        if not units:
            return 0.0
        product = self.products[(first, second) if first <= second else (second, first)]
        one, other = self.totals[first], self.totals[second]
        if all(_is_whole(number) for number in (product, one, other)):
            return (units * int(product) - int(one) * int(other)) / units
        return product - one * (other / units)

    def cancels(self, measure: int) -> bool:
        """Whether a mean is so large beside its deviation that digits of the variance were lost.

        Whole numbers lose none. What is apart from the shift by no more than the rounding of the
        values themselves has no further digits.
        """
        total, units = self.totals[measure], self.units(measure)
        if units < 2 or (_is_whole(total) and _is_whole(self.products[measure, measure])):
            return False
        apart = total / units
        if abs(apart) <= ROUNDING * abs(self.mean(measure)):
            return False
        return apart * apart > _SAFE * self.covariance(measure, measure)

    def moved(self, shifts: Sequence[float]) -> Self:
        """The same units around other shifts; shifts far away cost digits."""
        away = [old - new for old, new in zip(self.shifts, shifts, strict=True)]
        return type(self)(
            self.n,
            tuple(shifts),
            tuple(
                total + self.units(i) * each
                for i, (total, each) in enumerate(zip(self.totals, away, strict=True))
            ),
            MappingProxyType(
                {
                    (i, j): product
                    + away[i] * self.totals[j]
                    + away[j] * self.totals[i]
                    + self.units(i) * away[i] * away[j]
                    for (i, j), product in self.products.items()
                }
            ),
            lacking=self.lacking,
        )


ROUNDING = 2.0**-50
"""A deviation below this share of the mean, 4 units in its last place, is that of rounded values."""

_SAFE = 1e4
"""A squared mean of up to so many variances costs at most 4 of the 15 digits of a sum."""


def _is_whole(number: float) -> bool:
    """Whether a sum is a whole number that a float has exactly: so is then what was summed up."""
    return abs(number) <= 2.0**53 and number == int(number)
