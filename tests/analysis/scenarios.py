"""Experiments without any effect, of kinds in which tests are known to find one too often. Arrays.

Looks begin when the smaller arm has 100 units: as early as the gates allow, where means are least normal.
"""

from collections.abc import Callable, Sequence
from functools import partial
from math import ceil
from typing import TypeAlias

import numpy as np
from attrs import frozen

from .many_sums import Draw, ManySums, Values, converted, summed
from .simulated import (
    Measured,
    adjusted,
    amounts,
    default_evidence,
    found_at,
    means,
    passing,
    rates,
    ratios,
)

DAILY = tuple(range(100, 100 + 100 * 40, 40))
MANY = tuple(range(100, 100 + 100 * 4_000, 4_000))
"""Enough that the gate of 25 units in effect lets very heavy tails be compared."""
HOURLY = tuple(range(100, 100 + 14 * 24 * 20, 20))
"""Of two weeks, of which the first day ends with 580 units."""

Pair: TypeAlias = tuple[ManySums, ManySums]
Sample: TypeAlias = Callable[[np.random.Generator, int, Sequence[int]], ManySums]
"""From a generator, the runs and the units at each look to the sums of an arm."""


@frozen(kw_only=True)
class Scenario:
    """A metric, and how its experiments are looked at.

    Attributes:
        name: What is measured.
        split: The arms' shares, control first.
        draw: From a generator and a number of runs to control and treatment, which are alike.
        measured: What kind of metric it is.
        first: The place of the first look, of which tau is made; those before it are made too.
        runs: How many experiments `make bench` draws.
        greater: Whether the test is one-sided, and looks for a rise.
    """

    name: str
    split: str
    draw: Callable[[np.random.Generator, int], Pair]
    measured: Measured
    first: int = 0
    runs: int = 2_000
    greater: bool = False

    def judged(
        self, random: np.random.Generator, *, runs: int, goals: Sequence[float | None]
    ) -> "Judged":
        """Draw experiments, and look at each of them as often as its looks are."""
        control, treatment = self.measured(*self.draw(random, runs))
        units = float(control.n[self.first]), float(treatment.n[self.first])

        def alarms(*, last: bool) -> tuple[float, ...]:
            evidence = partial(default_evidence, units=units, last=last, greater=self.greater)
            found = (found_at(evidence(control, treatment, goal=goal)) for goal in goals)
            return tuple(float(each.mean()) for each in found)

        return Judged(
            compared=float(passing(control, treatment).mean()),
            day_by_day=alarms(last=False),
            over_time=alarms(last=True),
        )


@frozen(kw_only=True)
class Judged:
    """How often something was found that is not there; one share for each goal.

    Attributes:
        compared: The share of the looks at which the gates let the arms be compared.
        day_by_day: Each look is made with its own tau, as by somebody who analyzes each time.
        over_time: All looks are made with the tau of the last, as the result over time shows them.
    """

    compared: float
    day_by_day: tuple[float, ...]
    over_time: tuple[float, ...]


def alike(sample: Sample, *, share: int = 1, sizes: Sequence[int] = DAILY) -> Callable[..., Pair]:
    """Two arms of one kind; the control has `share` times the units of the treatment."""

    def draw(random: np.random.Generator, runs: int) -> Pair:
        controls = [size * share for size in sizes]
        return sample(random, runs, controls), sample(random, runs, sizes)

    return draw


def dense(draw: Draw) -> Sample:
    """Each unit is drawn."""

    def sample(random: np.random.Generator, runs: int, sizes: Sequence[int]) -> ManySums:
        return summed(draw, random, runs=runs, sizes=sizes)

    return sample


def rate(share: float) -> Sample:
    """So many convert."""

    def sample(random: np.random.Generator, runs: int, sizes: Sequence[int]) -> ManySums:
        return converted(random, share, runs=runs, sizes=sizes)

    return sample


def revenue(buyers: float, sigma: float) -> Sample:
    """Some buy, for a log-normal amount; only the buyers are drawn."""

    def sample(random: np.random.Generator, runs: int, sizes: Sequence[int]) -> ManySums:
        buying = random.binomial(np.diff([0, *sizes]), buyers, (runs, len(sizes)))
        spent = random.lognormal(0, sigma, int(buying.sum()))
        look_of = np.repeat(np.arange(buying.size), buying.ravel())
        totals, squares = (
            np.bincount(look_of, each, buying.size).reshape(buying.shape).cumsum(axis=1)
            for each in (spent, spent * spent)
        )
        return ManySums(
            n=np.asarray(sizes, float), totals=totals[..., None], products=squares[..., None, None]
        )

    return sample


def pareto(random: np.random.Generator, size: tuple[int, int]) -> Values:
    """With a tail so heavy that the variance is only just finite."""
    return (random.pareto(2.1, size),)


def returning(random: np.random.Generator, size: tuple[int, int]) -> Values:
    """After, before and presence before; the correlation is about 0.7."""
    present = (random.random(size) < 0.8).astype(float)
    before = present * random.gamma(2, 5, size)
    return before + random.gamma(2, 5, size), before, present


def organizations(sigma: float) -> Draw:
    """Clicks and visits of organizations whose sizes are log-normal: a few have most of the visits."""

    def draw(random: np.random.Generator, size: tuple[int, int]) -> Values:
        visits = np.minimum(np.ceil(random.lognormal(0, sigma, size)), 1e7)
        clicks = random.binomial(visits.astype(np.int64), random.beta(2, 8, size))
        return clicks.astype(float), visits

    return draw


def orders(random: np.random.Generator, size: tuple[int, int]) -> Values:
    """Revenue and number of orders, of which there are five of a hundred users."""
    count = random.poisson(0.05, size).astype(float)
    return count * random.lognormal(3, 1, size), count


def winsorized(random: np.random.Generator, runs: int) -> Pair:
    """One in three buys, and at each look the 99th percentile of both arms so far is the cap."""
    arms = (random.random((2, runs, DAILY[-1])) < 0.3) * random.lognormal(
        0, 2, (2, runs, DAILY[-1])
    )
    totals, squares = np.empty((2, runs, len(DAILY))), np.empty((2, runs, len(DAILY)))
    for look, size in enumerate(DAILY):
        so_far = arms[:, :, :size]
        place = ceil(0.99 * 2 * size) - 1
        both = np.concatenate([*so_far], axis=1)
        cap = np.partition(both, place, axis=1)[:, place]
        capped = np.minimum(so_far, cap[:, None])
        totals[:, :, look] = capped.sum(axis=2)
        squares[:, :, look] = np.einsum("aru,aru->ar", capped, capped)
    control, treatment = (
        ManySums(
            n=np.asarray(DAILY, float), totals=total[..., None], products=square[..., None, None]
        )
        for total, square in zip(totals, squares, strict=True)
    )
    return control, treatment


def _of_two_splits(
    name: str,
    sample: Sample,
    measured: Measured,
    *,
    sizes: Sequence[int] = DAILY,
    runs: int = 4_000,
) -> list[Scenario]:
    return [
        Scenario(
            name=name,
            split=split,
            draw=alike(sample, share=share, sizes=sizes),
            measured=measured,
            runs=of,
        )
        for split, share, of in (("50:50", 1, runs), ("90:10", 9, runs // 2))
    ]


SCENARIOS: Sequence[Scenario] = (
    *_of_two_splits("conversions of 1%", rate(0.01), rates, sizes=MANY),
    *_of_two_splits("conversions of 10%", rate(0.1), rates),
    *_of_two_splits("revenue, 10% buy, log-normal, sigma 1.2", revenue(0.1, 1.2), amounts),
    *_of_two_splits(
        "revenue, 2% buy, log-normal, sigma 2", revenue(0.02, 2.0), amounts, sizes=MANY, runs=1_000
    ),
    *_of_two_splits(
        "revenue, 10% buy, log-normal, sigma 2.5", revenue(0.1, 2.5), amounts, sizes=MANY, runs=400
    ),
    *_of_two_splits("Pareto 2.1", dense(pareto), amounts),
    Scenario(
        name="conversions of 10%, one-sided",
        split="50:50",
        draw=alike(rate(0.1)),
        measured=rates,
        greater=True,
    ),
    Scenario(
        name="conversions of 10%", split="99:1", draw=alike(rate(0.1), share=99), measured=rates
    ),
    Scenario(
        name="revenue, 10% buy, log-normal, sigma 1.2",
        split="99:1",
        draw=alike(revenue(0.1, 1.2), share=99),
        measured=amounts,
        runs=500,
    ),
    *(
        Scenario(name=name, split="50:50", draw=alike(dense(draw)), measured=ratios)
        for name, draw in (
            ("clicks per visit of organizations, sigma 2", organizations(2.0)),
            ("clicks per visit of organizations, sigma 2.5", organizations(2.5)),
            ("price per order", orders),
        )
    ),
    *_of_two_splits("CUPED, correlation 0.7", dense(returning), adjusted),
    Scenario(
        name="revenue winsorized at 99%, sigma 2",
        split="50:50",
        draw=winsorized,
        measured=amounts,
        runs=1_000,
    ),
    Scenario(
        name="conversions of 10%, by the hour",
        split="50:50",
        draw=alike(rate(0.1), sizes=HOURLY),
        measured=rates,
        first=23,
    ),
    Scenario(
        name="revenue, 10% buy, log-normal, sigma 1.2, by the hour",
        split="50:50",
        draw=alike(revenue(0.1, 1.2), sizes=HOURLY),
        measured=amounts,
        first=23,
    ),
    Scenario(
        name="a normal mean, by the hour",
        split="50:50",
        draw=alike(dense(lambda random, size: (random.normal(1, 3, size),)), sizes=HOURLY),
        measured=means,
        first=23,
    ),
)
