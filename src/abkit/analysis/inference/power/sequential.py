"""The size of the sequential test (mSPRT): until when it finds an effect, looking every day."""

from collections.abc import Iterator
from itertools import count, takewhile
from math import ceil, floor, fsum, inf, sqrt

from attrs import evolve, frozen
from scipy.special import ndtri

from abkit.analysis.inference import one_sided_mixture
from abkit.analysis.inference.continuing import Stopping, stopping
from abkit.analysis.inference.decision import check_alpha
from abkit.analysis.inference.power.effect import Effect, check_power
from abkit.analysis.inference.power.needed import Needed
from abkit.analysis.inference.power.searching import drift_with
from abkit.analysis.inference.sequential import goal_mixture, half_width
from abkit.errors import AnalysisError
from abkit.experiments.declaring.tau import Tau

LOOKS = 28
"""Looks until the planned size where it is not known how many units come between two: four weeks of days."""

_STEPS = 120
"""Looks that are computed until a single one would have the power, at most; of more, every second or third
or ... one, with a bound that lies nearer by as much as is found between these."""

_OVERSHOOT = 0.5826
"""A score that is looked at in steps of information s crosses a bound as seldom as one that is watched all
the time crosses a bound that lies 0.5826 sqrt(s) further out: Siegmund (1985, "Sequential Analysis")."""

_UNFOUND = 1e-4
"""The share of tests that have found nothing yet, below which their mean time is not followed further."""

_PRECISION = 1e-4
"""Of the drift at the planned size, where that is searched for."""

_SHORT = 1e-4
"""Of the power, which that precision leaves open."""

_ROUNDING = 1e-6
"""28 times a 28th of the units may be a little more than these."""

_FURTHEST = 1e9
"""Times the units of one standard error: a tau with which this is not enough looks for something else."""


@frozen(kw_only=True)
class Looking:
    """When it is looked.

    Attributes:
        every: The units of both arms that come between two looks, such as those of a day; None: as many
            as make `LOOKS` looks until the planned size.
        least: The units of both arms before which nothing is compared: the gates.
    """

    every: float | None = None
    least: float = 0.0

    def __attrs_post_init__(self) -> None:
        if not ((self.every is None or 0 < self.every < inf) and 0 <= self.least < inf):
            message = f"every must be above 0 and least at least 0, not {self}"
            raise AnalysisError(message)


@frozen(kw_only=True)
class SequentialTest:
    """How the sequential test is made.

    Attributes:
        alpha: The accepted probability of a false alarm over all looks.
        tau: What it looks for; None: what an analysis makes of the goal, and of the standard error at
            the first look.
        goal: The change that is declared as the metric's goal, in the metric's unit; None: none is.
        one_sided: Whether only the side of the effect is tested.
        looking: When it is looked.
    """

    alpha: float = 0.05
    tau: Tau | None = None
    goal: float | None = None
    one_sided: bool = False
    looking: Looking = Looking()

    def bound(self, effect: Effect, units: float, *, first: float) -> float:
        """The |z| at which it stops, in true standard errors.

        Args:
            effect: Its tested variance is that of the analysis.
            units: The units of both arms.
            first: Those at the first look.
        """
        tau = self.tau
        if tau is None:
            size = sqrt(effect.tested_variance / first)
            tau = size if self.goal is None else goal_mixture(self.goal, size)
        variance = effect.tested_variance / units
        width = one_sided_mixture.half_width if self.one_sided else half_width
        return width(variance, tau=tau, alpha=self.alpha) / sqrt(variance) * effect.caution


def sequential_size(effect: Effect, *, test: SequentialTest, power: float = 0.8) -> Needed:
    """The units until the sequential test finds an effect.

    The first passage of the score over the test's bound, by the recursion of Armitage, McPherson and
    Rowe (1969, J. R. Stat. Soc. A 132(2)): no simulation.

    Args:
        effect: What is to be found.
        test: How the test is made.
        power: The probability to have found the effect by the planned size.

    Raises:
        AnalysisError: `alpha`, `tau` or `power` cannot be used, or no number of units finds the effect.
    """
    check_alpha(test.alpha)
    check_power(power, test.alpha)
    if effect.units_of_one == 0:
        return Needed(units=max(2, ceil(test.looking.least)))
    if test.looking.every is not None:
        return _Passage.of(effect, test, every=test.looking.every, power=power).needed(power)
    one = effect.units_of_one
    drift = drift_with(
        power, lambda drift: _power_at(effect, test, drift * drift * one), precision=_PRECISION
    )
    return _Passage.of(effect, test, every=drift * drift * one / LOOKS, power=power).needed(power)


@frozen(kw_only=True)
class _Passage:
    """A test that is looked at again and again.

    Attributes:
        effect: What is to be found.
        test: How the test is made.
        every: The units of both arms between two looks.
        stride: Every so many looks one is computed.
    """

    effect: Effect
    test: SequentialTest
    every: float
    stride: int = 1

    @classmethod
    def of(cls, effect: Effect, test: SequentialTest, *, every: float, power: float) -> "_Passage":
        """With a stride that makes at most `_STEPS` looks until a single one would have the power."""
        plain = cls(effect=effect, test=test, every=every)
        enough = plain.first
        while sqrt(enough / effect.units_of_one) - plain.bound(enough) < ndtri(power):
            enough *= 1.2
            _check_findable(enough, effect)
        return evolve(plain, stride=max(1, ceil(enough / every / _STEPS)))

    @property
    def first(self) -> float:
        """The units at the first look that passes the gates."""
        return self.every * max(1, ceil(self.test.looking.least / self.every))

    def stops(self, *, drift: float) -> Iterator[tuple[float, Stopping]]:
        """The units at each look, and the probabilities to stop there, without end."""
        one, every = self.effect.units_of_one, self.every * self.stride
        nearer = _OVERSHOOT * (sqrt(every) - sqrt(self.every))
        looks = (
            (units / one, self.bound(units) - (nearer / sqrt(units) if units > self.first else 0.0))
            for units in count(self.first, every)
        )
        found = stopping(looks, drift=drift, one_sided=self.test.one_sided)
        return zip(count(self.first, every), found, strict=False)

    def bound(self, units: float) -> float:
        """The |z| at which it stops, in true standard errors."""
        return self.test.bound(self.effect, units, first=self.first)

    def needed(self, power: float) -> Needed:
        """The size that has the power, and what it takes on average."""
        found = ended = mean = 0.0
        planned: float | None = None
        mean_planned = 0.0
        for units, at in self.stops(drift=1.0):
            stops = at.above + at.below
            start, end = self._stands_for(units)
            if planned is None and found + at.above >= power - _SHORT:
                share = min(1.0, (power - found) / at.above)
                planned = end - self.every * floor((1 - share) * self.stride)
                mean_planned = mean + stops * share * (start + planned) / 2
                mean_planned += (1 - ended - stops * share) * planned
            found += at.above
            ended += stops
            mean += stops * (start + end) / 2
            if 1 - ended < min(_UNFOUND, (1 - power) / 10):
                mean += (1 - ended) * units
                planned = planned or units
                break
        size = planned or self.first
        return Needed(
            units=ceil(size - _ROUNDING),
            mean=mean_planned,
            mean_until_found=mean,
            mean_without_effect=self.mean_without_effect(size),
        )

    def mean_without_effect(self, planned: float) -> float:
        """The mean units at which it stops if there is no difference, at the latest at those planned."""
        ended = mean = 0.0
        for units, at in self.stops(drift=0.0):
            if units >= planned:
                break
            ended += at.above + at.below
            mean += (at.above + at.below) * fsum(self._stands_for(units)) / 2
        return mean + (1 - ended) * planned

    def _stands_for(self, units: float) -> tuple[float, float]:
        """The units at the first and the last look that a computed one stands for."""
        passed_over = 0 if units == self.first else self.stride - 1
        return units - passed_over * self.every, units


def _power_at(effect: Effect, test: SequentialTest, units: float) -> float:
    """The power of `LOOKS` looks until so many units."""
    passage = _Passage(effect=effect, test=test, every=units / LOOKS)
    looks = takewhile(lambda stop: stop[0] <= units + _ROUNDING, passage.stops(drift=1.0))
    return fsum(at.above for _, at in looks)


def _check_findable(units: float, effect: Effect) -> None:
    if units > _FURTHEST * effect.units_of_one:
        message = (
            f"The test does not find a difference of {effect.difference:g}: its tau is far from it"
        )
        raise AnalysisError(message)
