"""What a metric is, given the sums of a variant: one mean and one variance per arm.

A metric is made of measures (one number per unit each): most of one, a ratio or a formula of several.
The variance of a formula of means is that of its first-order expansion, with the real covariances of
the measures between the units: the delta method (Deng, Knoblich and Lu 2018, "Applying the delta
method in metric analytics", KDD).
"""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from types import MappingProxyType
from typing import Self

from attrs import evolve, field, frozen

from abkit.analysis.statistics.aggregates import Moments, Sums
from abkit.analysis.statistics.quantiles import checked
from abkit.errors import AnalysisError
from abkit.experiments.declaring.expressions import Operand
from abkit.experiments.declaring.metrics import (
    ActionMetric,
    ActiveDays,
    Distinct,
    Formula,
    Funnel,
    Metric,
    Quantile,
    Ratio,
    Total,
)

_NONE: Mapping[Metric, int] = MappingProxyType({})
_NOTHING: Mapping[str, int] = MappingProxyType({})


@frozen(kw_only=True)
class Covariates:
    """What the units of one arm were before their exposure, for CUPED.

    Attributes:
        means: Of each covariate.
        with_metric: The covariance of each covariate with the metric, between the units.
        among: The covariance of each covariate with each other one.
    """

    means: tuple[float, ...]
    with_metric: tuple[float, ...]
    among: tuple[tuple[float, ...], ...]


@frozen(kw_only=True)
class Estimand:
    """One metric, and where its parts are in the sums.

    Attributes:
        metric: The metric.
        places: The place of each measure: the metric itself, or what its formula is made of.
        before: The places of the same before the exposure; empty where there is no CUPED.
        beside: The places of what else adjusts the metric, by name: other metrics before the exposure, and
            what the exposure tells of a unit.
        present: The place of the measure that is 1 for a unit that did any of the metric's actions
            before its exposure.
        capped: The place of the measure that is 1 for a unit whose value winsorization changed.
        negative: The place of the measure that is 1 for a unit whose value is below 0; None where no
            value can be, or where it is not measured.
        divided: The place of the measure that is 1 for a unit whose divisor is above 0; None where the
            metric is no ratio, or where it is not measured.
    """

    metric: Metric
    places: Mapping[Metric, int]
    before: Mapping[Metric, int] = field(default=_NONE)
    beside: Mapping[str, int] = field(default=_NOTHING)
    present: int | None = None
    capped: int | None = None
    negative: int | None = None
    divided: int | None = None

    @property
    def unadjusted(self) -> Self:
        """The same without any adjustment."""
        return evolve(self, before={}, present=None, beside={})

    @property
    def without_past(self) -> Self:
        """The same, not adjusted by what the metric itself was before the exposure."""
        return evolve(self, before={}, present=None)

    @property
    def without_covariates(self) -> Self:
        """The same, adjusted by nothing but what the metric itself was before the exposure."""
        return evolve(self, beside={})

    @property
    def is_adjusted(self) -> bool:
        """Whether anything adjusts the metric."""
        return bool(self.before or self.beside)

    @property
    def is_formula(self) -> bool:
        """Whether the metric is made of several means."""
        return isinstance(self.metric, Ratio | Formula)

    def units(self, sums: Sums) -> int:
        """The units that the metric is of: those that have a value of it."""
        return min(sums.units(place) for place in self.places.values())

    def counting(self, sums: Sums) -> Sums:
        """The sums of those units alone, of which no measure but the metric's means anything."""
        units = self.units(sums)
        return sums if units == sums.n else evolve(sums, n=units, lacking=MappingProxyType({}))

    @property
    def all_places(self) -> tuple[int, ...]:
        """The places of the metric's measures and of all that adjusts them, in order."""
        past = () if self.present is None else (self.present,)
        others = (*self.before.values(), *self.beside.values(), *past)
        return tuple(sorted({*self.places.values(), *others}))

    def everyone(self, arms: Iterable[Sums]) -> Sums:
        """The sums of all arms together, of what the metric is made of."""
        return Sums.together([*arms], self.all_places)

    def planned(self, sums: Mapping[str, Sums]) -> int:
        """The units of all arms so far of which a planned sample size is made up.

        Of a metric that waits for the end of a unit's window they are those that count: the test is made at
        so many values.
        """
        of_each = self.units if waits(self.metric) else _all
        return sum(of_each(of) for of in sums.values())

    def moments(self, sums: Sums, *, overall: Sums | None = None) -> Moments:
        """Of the metric over the units of an arm.

        A unit that dominates its arm (one organization with most of the orders) draws the arm's own
        ratio to its own, and so has no residual: around that ratio alone the variance is far too
        small. So a formula is expanded around the value of all arms too, and the larger variance
        counts.

        Args:
            sums: Of the arm.
            overall: Of all arms together; None: the arm stands alone.

        Raises:
            AnalysisError: A formula divides by a mean of 0, a mean is not finite, or a quantile cannot be
                compared.
        """
        if isinstance(self.metric, Quantile):
            known = checked(sums.quantiles, self.metric)
            units = self.units(sums)
            return Moments(units, known.value, units * known.error * known.error)
        if self.metric.binary and sums.effective is None:
            (place,) = self.places.values()
            units = sums.units(place)
            return Moments.from_successes(units, round(sums.mean(place) * units))
        value, slopes = self._expanded(sums, self.places)
        around = [slopes]
        if overall is not None and self.is_formula:
            around.append(self._slopes_around(overall, sums))
        alike = sums.spread_alike
        return Moments(
            self.units(sums),
            value,
            _largest_variance(sums, around),
            sums.effective,
            None if alike is None else _largest_variance(alike, around),
        )

    def conversions(self, sums: Sums) -> int | None:
        """How many units converted; None if the metric is not binary."""
        if not self.metric.binary:
            return None
        (place,) = self.places.values()
        return round(sums.mean(place) * sums.units(place))

    def capped_units(self, sums: Sums) -> int | None:
        """How many units winsorization changed; None where there is no cap."""
        if self.capped is None:
            return None
        return round(sums.mean(self.capped) * sums.units(self.capped))

    def negative_units(self, sums: Sums) -> int | None:
        """How many units have a value below 0; None where that is not known."""
        if isinstance(self.metric, Total | Funnel | Distinct | ActiveDays):
            return 0  # counts
        if self.negative is None:
            return None
        return round(sums.mean(self.negative) * sums.units(self.negative))

    def divided_units(self, sums: Sums) -> int | None:
        """How many units have a divisor above 0; None where that is not known."""
        return (
            None
            if self.divided is None
            else round(sums.mean(self.divided) * sums.units(self.divided))
        )

    def divisor_units(self, sums: Sums) -> float | None:
        """How many units make up the divisor of a ratio, in effect; None of other metrics, and of none.

        That is (sum of s)² / sum of s² of their divisors s (Kish 1965, "Survey Sampling"): of a hundred
        organizations of which one has as many visits as all others together, these are four at most.
        """
        if not isinstance(self.metric, Ratio) or not sums.n:
            return None
        place = self.places[self.metric.denominator]
        mean = sums.mean(place)
        squares = mean * mean + sums.covariance(place, place) * (sums.n - 1) / sums.n
        return sums.n * mean * mean / squares if squares > 0 else 0.0

    def covariates(self, sums: Sums, *, overall: Sums) -> Covariates | None:
        """What the units of an arm were before: the same metric, whether they did anything, and what else.

        Args:
            sums: Of the arm.
            overall: Of all arms together: where a formula is expanded.

        Returns:
            None where nothing adjusts the metric; or of a formula that had no value before, or has none.
        """
        if not self.is_adjusted:
            return None
        values: list[float] = []
        slopes: list[Mapping[int, float]] = []
        try:
            if self.before and self.present is not None:
                values = [self._expanded(sums, self.before)[0], sums.mean(self.present)]
                slopes = [self._expanded(overall, self.before)[1], {self.present: 1.0}]
            _, of_metric = self._expanded(sums, self.places)
        except AnalysisError:
            return None  # a formula that nobody had a divisor for, before or after
        slopes += [{place: 1.0} for place in self.beside.values()]
        return Covariates(
            means=(*values, *map(sums.mean, self.beside.values())),
            with_metric=tuple(_covariance(sums, of_metric, of) for of in slopes),
            among=tuple(tuple(_covariance(sums, a, b) for b in slopes) for a in slopes),
        )

    def slopes(self, sums: Sums) -> Mapping[int, float]:
        """The metric's slope by each of its measures, by their places, at the means of some sums.

        Raises:
            AnalysisError: A formula divides by a mean of 0.
        """
        return self._expanded(sums, self.places)[1]

    def _slopes_around(self, overall: Sums, sums: Sums) -> dict[int, float]:
        """The slopes of a formula by each measure, where it has the value of all arms together.

        A quotient keeps the arm's own divisor: an effect on the divisor is not taken for variance.
        """
        value, slopes = self._expanded(overall, self.places)
        if not isinstance(self.metric, Ratio | Formula) or not self.metric.expression.is_quotient:
            return slopes
        means: dict[Operand, float] = {part: sums.mean(at) for part, at in self.places.items()}
        by_part = self.metric.expression.quotient_slopes(means, value=value)
        return {place: by_part[part] for part, place in self.places.items()}

    def _expanded(self, sums: Sums, places: Mapping[Metric, int]) -> tuple[float, dict[int, float]]:
        """The metric's value, and its slope by each measure, at the means of some sums."""
        metric = self.metric
        if not isinstance(metric, Ratio | Formula):
            (place,) = places.values()
            return sums.mean(place), {place: 1.0}
        means: dict[Operand, float] = {part: sums.mean(place) for part, place in places.items()}
        try:
            value, slopes = metric.expression.evaluate(means)
        except ZeroDivisionError:
            message = (
                f"{metric.name} divides by a mean that is 0: {metric.expression!r} has no value "
                "for some variant"
            )
            raise AnalysisError(message) from None
        return value, {place: slopes[part] for part, place in places.items()}


def measured(metric: Metric) -> tuple[Metric, ...]:
    """The metrics of one value per unit that a metric is made of; itself if it is one."""
    if isinstance(metric, Ratio | Formula):
        parts = (part for part in metric.expression.operands() if isinstance(part, Metric))
        return tuple(dict.fromkeys(parts))
    return (metric,)


def waits(metric: Metric) -> bool:
    """Whether units count for a metric only once their window is over."""
    return any(isinstance(part, ActionMetric) and part.mature_only for part in measured(metric))


def _all(sums: Sums) -> int:
    return sums.n


def _largest_variance(sums: Sums, around: Sequence[Mapping[int, float]]) -> float:
    """Of a weighted sum of measures, the first way of weighing being the arm's own."""
    own, *others = (_covariance(sums, slopes, slopes) for slopes in around)
    # Not finite where another arm's means are not: that is said of the other arm.
    return max(0.0, own, *(each for each in others if isfinite(each)))


def _covariance(sums: Sums, first: Mapping[int, float], second: Mapping[int, float]) -> float:
    """Of two weighted sums of measures, between the units."""
    return sum(a * b * sums.covariance(i, j) for i, a in first.items() for j, b in second.items())
