"""How long tests need to find a change that is there: day by day, in arrays.

Units are normal, so that a day's sums are drawn at once, and exactly: the sum of n of them is normal, and
their squared deviations are chi-square. Everything else is estimated, as an analysis has to: the
variance, the standard error at the first look, the control's mean.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, sqrt

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from abkit.analysis.findings.metric_result import MINIMUM_UNITS
from abkit.analysis.inference.power.effect import Effect
from abkit.analysis.inference.power.size import FixedTest, GroupSequentialTest, size

from .many_sums import Floats, ManySums
from .simulated import (
    ENOUGH,
    at_least_pooled,
    default_evidence,
    log_evidence,
    means,
)

SMALL_GOAL = 0.1
"""The relative change that abkit once looked for where no goal was declared."""

TUNED = "tuned: tau is the true change"
DEFAULT = "default, no goal"
TRUE_GOAL = "default, goal is the true change"
FIXED_GOAL = "default, goal 10%"
TRUE_GOAL_ALONE = "tau from the true goal alone"
FIXED_GOAL_ALONE = "tau from a goal of 10% alone"
WELCH = "Welch, one look, 80% power"
GROUP_SEQUENTIAL = "group sequential, 5 looks, 80% power"

_DAYS_AT_ONCE = 64


@frozen
class Combination:
    """A metric, its traffic and a change.

    Attributes:
        noise: The coefficient of variation: the standard deviation of a unit, in means.
        per_day: New units of both arms a day.
        change: The relative change.
    """

    noise: float
    per_day: int
    change: float

    @property
    def signal(self) -> float:
        """The change in standard errors of the difference after one day."""
        return self.change / (self.noise * 2 / sqrt(self.per_day))

    @property
    def first_units(self) -> float:
        """The units of each arm at the first look: `Arrivals.at_first_look`."""
        own = self.per_day / 2
        return max(own * self.first_day, own * (self.first_day + 1) / 2)

    @property
    def first_day(self) -> int:
        """The first day at whose end the arms can be compared."""
        return ceil(MINIMUM_UNITS / (self.per_day / 2))


GRID: Sequence[Combination] = tuple(
    combination
    for noise in (1.0, 5.0, 20.0)
    for per_day in (100, 1_000, 10_000)
    for change in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
    if 0.12 <= (combination := Combination(noise, per_day, change)).signal <= 4
)
"""All in which the change is neither found at once nor after years; 37 of them."""


def mean_days(of: Combination, random: np.random.Generator, *, runs: int) -> Mapping[str, float]:
    """The mean number of days until each test finds the change."""
    waiting = np.arange(runs)
    days = {name: np.zeros(runs) for name in (TUNED, DEFAULT, TRUE_GOAL, FIXED_GOAL)}
    days |= {name: np.zeros(runs) for name in (TRUE_GOAL_ALONE, FIXED_GOAL_ALONE)}
    so_far: tuple[ManySums, ManySums] | None = None
    first = 1
    while len(waiting):
        arms = _more_days(of, random, runs=len(waiting), so_far=so_far, first=first)
        open_now = np.zeros(len(waiting), bool)
        for name, evidence in _evidences(of, arms):
            found = evidence >= ENOUGH
            unfound = days[name][waiting] == 0
            now = unfound & found.any(axis=1)
            days[name][waiting[now]] = first + found.argmax(axis=1)[now]
            open_now |= unfound & ~now
        waiting = waiting[open_now]
        so_far = _last(arms[0], open_now), _last(arms[1], open_now)
        first += arms[0].totals.shape[1]
    told = {name: float(each.mean()) for name, each in days.items()}
    return told | _planned(of)


def _planned(of: Combination) -> dict[str, float]:
    """The days of tests that know the change, and are planned to find it with a power of 80%."""
    effect = Effect(of.change, of.noise**2, of.noise**2)
    few = size(effect, test=GroupSequentialTest())
    one = size(effect, test=FixedTest())
    return {
        WELCH: ceil(one.units / of.per_day),
        GROUP_SEQUENTIAL: max(1.0, (few.mean or few.units) / of.per_day),
    }


def _evidences(of: Combination, arms: tuple[ManySums, ManySums]) -> Iterator[tuple[str, Floats]]:
    control, treatment = means(*arms)
    units = of.first_units, of.first_units
    for name, goal in ((DEFAULT, None), (TRUE_GOAL, of.change), (FIXED_GOAL, SMALL_GOAL)):
        yield name, default_evidence(control, treatment, goal=goal, units=units)
    variance = at_least_pooled(control, treatment)
    z = (treatment.mean - control.mean) / np.sqrt(variance)
    compared = control.n >= MINIMUM_UNITS
    of_mean = np.abs(control.mean)
    for name, tau in (
        (TUNED, of.change),
        (TRUE_GOAL_ALONE, of.change * of_mean),
        (FIXED_GOAL_ALONE, SMALL_GOAL * of_mean),
    ):
        evidence = log_evidence(z, variance=variance, tau=tau)
        yield name, np.where(compared, evidence, 0.0)


def _more_days(
    of: Combination,
    random: np.random.Generator,
    *,
    runs: int,
    so_far: tuple[ManySums, ManySums] | None,
    first: int,
) -> tuple[ManySums, ManySums]:
    """The cumulative sums of both arms at the ends of more days, the control's mean being 1."""
    days = max(_DAYS_AT_ONCE, first)  # twice as many each time
    own = of.per_day // 2
    n = np.arange(first, first + days, dtype=float) * own
    arms = []
    for arm, mean in enumerate((1.0, 1.0 + of.change)):
        new = random.normal(own * mean, of.noise * sqrt(own), (runs, days))
        squares = of.noise**2 * random.chisquare(own - 1, (runs, days)) + new * new / own
        total, product = new.cumsum(axis=1), squares.cumsum(axis=1)
        if so_far is not None:
            total = total + so_far[arm].totals[:, :, 0]
            product = product + so_far[arm].products[:, :, 0, 0]
        arms.append(ManySums(n=n, totals=total[..., None], products=product[..., None, None]))
    return arms[0], arms[1]


def _last(arm: ManySums, kept: NDArray[np.bool_]) -> ManySums:
    return ManySums(n=arm.n[-1:], totals=arm.totals[kept, -1:], products=arm.products[kept, -1:])
