"""How often intervals hold the truth, and how often a difference is found. Simulated, fixed seeds.

Nominal 95% of 2,000 runs: the standard error is half a point.
"""

from collections.abc import Callable
from math import exp
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from abkit.analysis.inference.comparison import Comparison
from abkit.analysis.inference.cuped import adjust, weights
from abkit.analysis.inference.sequential import sequential
from abkit.analysis.inference.welch import welch
from abkit.analysis.statistics.aggregates import Moments, Sums
from abkit.analysis.statistics.estimands import Covariates, Estimand
from abkit.experiments.declaring.metrics import Mean, Ratio

from ..many_sums import converted
from ..scenarios import Sample, rate, revenue
from ..simulated import (
    Measured,
    at_least_pooled,
    found_at,
    half_width,
    log_evidence,
    means,
    rates,
)

RUNS = 2_000
Test: TypeAlias = Callable[[Moments, Moments], Comparison]
Arms: TypeAlias = list[tuple[Moments, Moments]]


def moments(values: NDArray[np.float64]) -> list[Moments]:
    """Of each row."""
    n = values.shape[1]
    return [
        Moments(n, mean, variance)
        for mean, variance in zip(
            values.mean(axis=1).tolist(), values.var(axis=1, ddof=1).tolist(), strict=True
        )
    ]


def covered(arms: Arms, test: Test, *, difference: float, lift: float) -> tuple[float, float]:
    """The share of intervals that hold the true difference, and the true lift."""
    absolute = relative = 0
    for control, treatment in arms:
        found = test(control, treatment)
        absolute += found.interval.low <= difference <= found.interval.high
        assert found.lift_interval is not None
        relative += found.lift_interval.low <= lift <= found.lift_interval.high
    return absolute / len(arms), relative / len(arms)


def gamma(random: np.random.Generator, n: int, mean: float) -> list[Moments]:
    """Skewed: the standard deviation is 1.4 times the mean."""
    return moments(random.gamma(0.5, 2 * mean, (RUNS, n)))


@pytest.mark.parametrize("sizes", [(800, 800), (1800, 200)], ids=["50/50", "90/10"])
def test_welchs_intervals_hold_both_truths(sizes: tuple[int, int]) -> None:
    random = np.random.default_rng(21)
    pair = gamma(random, sizes[0], 10.0), gamma(random, sizes[1], 12.0)
    for share in covered(list(zip(*pair, strict=True)), welch, difference=2.0, lift=0.2):
        assert share == pytest.approx(0.95, abs=0.017)


def orders_per_visit(orders: NDArray[np.int64], visits: NDArray[np.int64]) -> Moments:
    ratio = Ratio("per visit", numerator=Mean("orders"), denominator=Mean("visits"))
    places = MappingProxyType({ratio.numerator: 0, ratio.denominator: 1})
    products = {(0, 0): orders @ orders, (0, 1): orders @ visits, (1, 1): visits @ visits}
    units = Sums(
        len(orders),
        (0.0, 0.0),
        (float(orders.sum()), float(visits.sum())),
        MappingProxyType({pair: float(product) for pair, product in products.items()}),
    )
    return Estimand(metric=ratio, places=places).moments(units)


def test_intervals_of_a_ratio_hold_both_truths() -> None:
    """Orders per visit, by users whose visits differ and go with their taste: 0.5, and 0.55."""
    random, arms = np.random.default_rng(22), []
    for share in (0.5, 0.55):
        visits = random.poisson(random.gamma(2, 2, (RUNS, 600))) + 1
        orders = random.poisson(share * visits)
        arms.append([orders_per_visit(y, x) for y, x in zip(orders, visits, strict=True)])
    for share in covered(list(zip(*arms, strict=True)), welch, difference=0.05, lift=0.1):
        assert share == pytest.approx(0.95, abs=0.015)


def test_intervals_after_cuped_hold_both_truths_and_are_narrower() -> None:
    """The correlation is 0.8, so they are 0.6 times as wide."""
    random = np.random.default_rng(23)
    before = random.gamma(4, 2.5, (2, RUNS, 400))
    after = before + random.normal(0, 3.75, before.shape)
    after[1] += 1.0
    plain, adjusted = [], []
    for run in range(RUNS):
        y, x = after[:, run], before[:, run]
        everyone = covariates(y.ravel(), x.ravel())
        theta = weights(everyone)
        each = [moments(y[arm][None])[0] for arm in (0, 1)]
        plain.append((each[0], each[1]))
        control, treatment = (
            adjust(each[arm], covariates(y[arm], x[arm]), theta=theta, overall=everyone.means)
            for arm in (0, 1)
        )
        adjusted.append((control, treatment))
    for share in covered(adjusted, welch, difference=1.0, lift=0.1):
        assert share == pytest.approx(0.95, abs=0.015)
    width = np.mean([reach(welch(*arms)) for arms in adjusted])
    assert width / np.mean([reach(welch(*arms)) for arms in plain]) == pytest.approx(0.6, abs=0.01)


def covariates(y: NDArray[np.float64], x: NDArray[np.float64]) -> Covariates:
    matrix = np.cov(y, x)
    return Covariates(
        means=(float(x.mean()),),
        with_metric=(float(matrix[0, 1]),),
        among=((float(matrix[1, 1]),),),
    )


def reach(comparison: Comparison) -> float:
    return comparison.interval.high - comparison.interval.low


@pytest.mark.parametrize("shares", [(50, 50), (90, 10)], ids=["50/50", "90/10"])
def test_sequential_intervals_hold_both_truths_at_all_looks_at_once(
    shares: tuple[int, int],
) -> None:
    """2,000 experiments of 100 looks, conversions of 10% and 12%: all intervals of at least 95%.

    In arrays, which some of the intervals themselves are held to. The lift's interval holds the truth
    where the interval of treatment less 1.2 times control, which is made of the same, holds 0.
    """
    random, n = np.random.default_rng(24), np.arange(1, 101)
    control, treatment = rates(
        *(
            converted(random, of, runs=RUNS, sizes=(share * n).tolist())
            for share, of in zip(shares, (0.1, 0.12), strict=True)
        )
    )
    variance = at_least_pooled(control, treatment)
    varies = variance > 0
    critical = half_width(np.where(varies, variance, 1.0), tau=0.02)
    critical /= np.sqrt(np.where(varies, variance, 1.0))
    of_control = control.variance / control.n
    of_ratio = np.sqrt(variance - of_control + 1.2**2 * of_control)
    apart = np.abs(treatment.mean - control.mean - 0.02)
    held = {
        "difference": ~varies | (apart <= critical * np.sqrt(variance)),
        "lift": ~varies | (np.abs(treatment.mean - 1.2 * control.mean) <= critical * of_ratio),
    }
    assert min(each.all(axis=1).mean() for each in held.values()) >= 0.95
    for run, look in zip(range(200), random.integers(0, 100, 200).tolist(), strict=True):
        arms = (
            Moments.from_successes(share * (look + 1), round(arm.mean[run, look] * arm.n[look]))
            for share, arm in zip(shares, (control, treatment), strict=True)
        )
        found = sequential(*arms, tau=0.02)
        holds = found.interval.low <= 0.02 <= found.interval.high
        assert holds == held["difference"][run, look]
        if found.lift_interval is not None:
            holds = found.lift_interval.low <= 0.2 <= found.lift_interval.high
            assert holds == held["lift"][run, look]


# Power, as in the table of the peers: 10,000 units per arm, a look every 100, tau the difference
# that is looked for. The mixture test of the table finds 48.5% and 52.2%. In arrays.


@pytest.mark.parametrize(
    ("before", "after", "measured", "tau", "peers"),
    [
        (rate(0.1), rate(0.112), rates, 0.012, 0.485),
        (revenue(0.1, 1.2), revenue(0.126, 1.2), means, 0.026 * exp(1.2**2 / 2), 0.522),
    ],
    ids=["binary", "revenue"],
)
def test_the_sequential_test_finds_what_the_peers_mixture_test_finds(
    before: Sample, after: Sample, measured: Measured, tau: float, peers: float
) -> None:
    """2,000 experiments, and the peers' 1,000: the difference has a standard error of 2 points."""
    random, sizes = np.random.default_rng(25), range(100, 10_001, 100)
    control, treatment = measured(before(random, RUNS, sizes), after(random, RUNS, sizes))
    variance = at_least_pooled(control, treatment)
    z = (treatment.mean - control.mean) / np.sqrt(variance)
    found = found_at(log_evidence(z, variance=variance, tau=tau)).mean()
    assert found > peers - 0.04
