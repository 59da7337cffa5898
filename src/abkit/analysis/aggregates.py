"""Sufficient statistics: all that the mathematics needs to know of the data."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Self

from attrs import frozen

from abkit.errors import AnalysisError


@frozen
class Moments:
    """The units of one variant, summed up for one metric.

    Attributes:
        n: The number of units.
        mean: The mean over the units.
        variance: The variance between the units, in the metric's unit squared. Unbiased (n - 1) for
            measured values; p(1 - p) for conversions.
    """

    n: int
    mean: float
    variance: float

    def __attrs_post_init__(self) -> None:
        if self.n < 0 or not self.variance >= 0 or self.mean != self.mean:
            message = (
                f"Moments need n >= 0, a mean and a variance >= 0, "
                f"not n={self.n}, mean={self.mean}, variance={self.variance}"
            )
            raise AnalysisError(message)

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

    A measure is one number per unit. Each is shifted by a constant before it is summed, so that a large
    mean cannot drown the deviation; sums with equal shifts can be added up: days, segments, parts.

    Attributes:
        n: The number of units.
        shifts: What was taken from each measure, in its unit.
        totals: The sum of each shifted measure.
        products: The sum of the product of two shifted measures, by their places (i <= j); only of
            those pairs that some metric needs.
    """

    n: int
    shifts: tuple[float, ...]
    totals: tuple[float, ...]
    products: Mapping[tuple[int, int], float]

    @classmethod
    def none(cls, shifts: Sequence[float]) -> Self:
        """Of no unit."""
        return cls(0, tuple(shifts), (0.0,) * len(shifts), MappingProxyType({}))

    def __add__(self, other: Self) -> Self:
        if self.shifts != other.shifts:
            message = "Only sums of equally shifted measures can be added up."
            raise AnalysisError(message)
        pairs = dict.fromkeys([*self.products, *other.products])
        return type(self)(
            self.n + other.n,
            self.shifts,
            tuple(a + b for a, b in zip(self.totals, other.totals, strict=True)),
            MappingProxyType(
                {p: self.products.get(p, 0.0) + other.products.get(p, 0.0) for p in pairs}
            ),
        )

    def mean(self, measure: int) -> float:
        """The mean of a measure; 0 of no unit."""
        return self.shifts[measure] + self.totals[measure] / self.n if self.n else 0.0

    def covariance(self, first: int, second: int) -> float:
        """Between the units, unbiased (n - 1); of a measure with itself its variance."""
        if self.n < 2:
            return 0.0
        pair = (first, second) if first <= second else (second, first)
        together = self.totals[first] * self.totals[second] / self.n
        found = (self.products[pair] - together) / (self.n - 1)
        return max(0.0, found) if first == second else found

    def cancels(self, measure: int) -> bool:
        """Whether a mean is so large beside its deviation that digits of the variance were lost."""
        if self.n < 2 or not self.totals[measure]:
            return False
        return (self.totals[measure] / self.n) ** 2 > _SAFE * self.covariance(measure, measure)


_SAFE = 1e4
"""A squared mean of up to so many variances costs at most 4 of the 15 digits of a sum."""
