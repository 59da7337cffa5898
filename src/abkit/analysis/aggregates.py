"""Sufficient statistics: all that the mathematics needs to know of the data."""

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
