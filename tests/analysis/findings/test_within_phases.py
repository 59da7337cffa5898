"""Comparisons within phases hold their level and their coverage while what is measured drifts.

The weights go from 90:10 to 50:50, and the mean of a unit doubles meanwhile. Seeds are fixed.
"""

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any

import numpy as np
import pytest
from attrs import evolve
from numpy.typing import NDArray

from abkit.analysis.findings.arms import arms, arms_of
from abkit.analysis.findings.comparing import Comparing
from abkit.analysis.inference.comparison import Comparison
from abkit.analysis.query.layout import Layout
from abkit.analysis.statistics.aggregates import Moments, Sums
from abkit.analysis.statistics.estimands import Estimand
from abkit.analysis.statistics.standardizing import pooled, standardized
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Conversion, Metric, Ratio, Sum, Total

Floats = NDArray[np.float64]
Draw = Callable[[Any, tuple[int, int], float, float], Floats]
"""From a generator, a shape (experiments, units), the day's mean and the effect to the measures of each
unit: the last axis."""

WEIGHTS = (0.1, 0.5)
UNITS = 2_000
"""Of both arms, on each of the two days."""


def rates(random: Any, shape: tuple[int, int], mean: float, effect: float) -> Floats:
    return np.asarray(random.random(shape) < mean + effect, float)[..., None]


def amounts(random: Any, shape: tuple[int, int], mean: float, effect: float) -> Floats:
    return np.asarray(random.exponential(mean, shape) + effect)[..., None]


def ratios(random: Any, shape: tuple[int, int], mean: float, effect: float) -> Floats:
    """Clicks per look, of 1 to 5 looks; a unit's looks and clicks vary together."""
    looks = random.integers(1, 6, shape)
    clicks = random.binomial(looks, mean + effect)
    return np.stack([clicks, looks], axis=-1).astype(float)


def with_past(random: Any, shape: tuple[int, int], mean: float, effect: float) -> Floats:
    """An amount, what it was before, and whether there was any."""
    past = random.exponential(1.0, shape)
    now = mean * (1 + past) + effect + random.normal(0, 0.5, shape)
    return np.stack([now, past, np.ones(shape)], axis=-1)


def estimand(metric: Metric, *, cuped: bool = False) -> Estimand:
    found = Layout.of_events([metric], cuped=cuped).estimands[0]
    return evolve(found, negative=None, divided=None)


CASES: dict[str, tuple[Draw, Estimand]] = {
    "a rate": (rates, estimand(Conversion("click"))),
    "a mean": (amounts, estimand(Sum("revenue", action="buy", property="price"))),
    "a ratio": (
        ratios,
        estimand(Ratio("rate", numerator=Total("click"), denominator=Total("look"))),
    ),
    "CUPED": (with_past, estimand(Sum("revenue", action="buy", property="price"), cuped=True)),
}


def summed(values: Floats) -> list[Sums]:
    """For each experiment, the sums over its units."""
    totals, products = values.sum(axis=1), np.einsum("eui,euj->eij", values, values)
    size = values.shape[-1]
    return [
        Sums(
            values.shape[1],
            (0.0,) * size,
            tuple(total.tolist()),
            {(i, j): float(product[i, j]) for i in range(size) for j in range(i, size)},
        )
        for total, product in zip(totals, products, strict=True)
    ]


def ramped(
    draw: Draw, *, experiments: int, effect: float = 0.0, pieces: int = 1
) -> list[list[list[dict[str, Sums]]]]:
    """For each experiment and each piece of the two days, the sums per phase and variant up to then."""
    random = np.random.default_rng(20)
    drawn: list[list[list[Sums]]] = []
    for share, mean in zip(WEIGHTS, (0.2, 0.4), strict=True):
        for of, lift in ((1 - share, 0.0), (share, effect)):
            units = round(UNITS * of / pieces)
            drawn.append(
                [summed(draw(random, (experiments, units), mean, lift)) for _ in range(pieces)]
            )
    told = []
    for experiment in range(experiments):
        looks = []
        for piece in range(2 * pieces):
            phases = []
            for day in range(2):
                arrived = min(max(0, piece + 1 - day * pieces), pieces)
                phase = {}
                for arm, variant in enumerate("ab"):
                    parts = drawn[2 * day + arm]
                    so_far = Sums.none((0.0,) * len(parts[0][experiment].shifts))
                    for part in parts[:arrived]:
                        so_far += part[experiment]
                    phase[variant] = so_far
                phases.append(phase)
            looks.append(phases)
        told.append(looks)
    return told


def compared(
    phases: Sequence[dict[str, Sums]], of: Estimand, plan: AnalysisPlan, *, tau: float = 0.04
) -> Comparison:
    begun = [phase for phase in phases if phase["a"].n]
    sums = {variant: pooled(begun, variant) for variant in "ab"}
    found = arms_of(sums, of, plan=plan, strata=phases)
    is_sequential = plan.method == "sequential"
    comparing = Comparing(metric=of.metric, plan=plan, seen=0, tau=tau if is_sequential else None)
    return comparing.compare(*found.pairs[0], alpha=0.05)


@pytest.mark.parametrize("case", [*CASES])
@pytest.mark.parametrize("effect", [0.0, 0.05])
def test_welchs_intervals_hold_the_difference_as_often_as_they_say(
    case: str, effect: float
) -> None:
    draw, of = CASES[case]
    plan = AnalysisPlan(method="welch")
    experiments = ramped(draw, experiments=2_000, effect=effect)
    found = [compared(looks[-1], of, plan) for looks in experiments]
    covered = np.mean([c.interval.low <= effect <= c.interval.high for c in found])
    assert 0.935 <= covered <= 0.965
    differences = [c.difference for c in found]
    errors = [c.details["standard_error"] for c in found]
    assert np.mean(differences) == pytest.approx(
        effect, abs=4 * float(np.std(differences)) / sqrt(2_000)
    )
    assert np.mean(errors) == pytest.approx(np.std(differences), rel=0.06)
    if effect == 0:
        assert np.mean([c.significant for c in found]) <= 0.065


@pytest.mark.parametrize("case", [*CASES])
def test_the_sequential_test_holds_its_level_over_all_looks(case: str) -> None:
    """Ten looks, five on each day."""
    draw, of = CASES[case]
    plan = AnalysisPlan(method="sequential")
    experiments = ramped(draw, experiments=500, pieces=5)
    alarms = [any(compared(look, of, plan).significant for look in looks) for looks in experiments]
    assert np.mean(alarms) <= 0.05


def test_without_phases_the_drift_would_be_taken_for_an_effect() -> None:
    """What the tests above are about: the plain comparison of the same experiments."""
    draw, of = CASES["a rate"]
    plan = AnalysisPlan(method="welch")
    comparing = Comparing(metric=of.metric, plan=plan, seen=0)
    alarms = []
    for looks in ramped(draw, experiments=50):
        sums = {variant: pooled(looks[-1], variant) for variant in "ab"}
        pair = arms(sums, of, plan=plan).pairs[0]
        alarms.append(comparing.compare(*pair, alpha=0.05).significant)
    assert np.mean(alarms) > 0.9


def test_of_one_phase_the_sums_are_its_own() -> None:
    (looks,) = ramped(amounts, experiments=1)
    phase = looks[-1][0]
    assert standardized([phase], ["a", "b"]) == phase


def test_phases_that_are_alike_change_little() -> None:
    """Two halves of one phase: the same mean up to their random sizes, and nearly the same certainty."""
    (looks,) = ramped(amounts, experiments=1)
    whole, half = looks[-1][1], looks[-1][1]
    found = standardized([whole, half], ["a", "b"])["a"]
    plain = pooled([whole, half], "a")
    assert found.n == plain.n
    assert found.mean(0) == pytest.approx(plain.mean(0), rel=1e-12)
    assert found.covariance(0, 0) == pytest.approx(plain.covariance(0, 0), rel=1e-3)
    assert found.effective == pytest.approx(plain.n)


def test_moments_of_several_phases_are_no_rates_that_were_counted() -> None:
    (looks,) = ramped(rates, experiments=1)
    of = CASES["a rate"][1]
    sums = {variant: pooled(looks[-1], variant) for variant in "ab"}
    found = arms_of(sums, of, plan=AnalysisPlan(method="bayesian"), strata=looks[-1])
    assert found.control.conversions == of.conversions(sums["a"])
    assert not found.control.is_rate
    assert found.control.posterior_mean == found.control.moments.mean
    assert Moments.from_successes(10, 3).effective_units == 10
