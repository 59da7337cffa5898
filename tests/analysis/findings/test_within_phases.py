"""Comparisons within phases hold their level and their coverage while what is measured drifts.

The weights go from 90:10 to 50:50, and the mean of a unit doubles meanwhile. Seeds are fixed. In arrays,
which some of the comparisons themselves are held to.
"""

from collections.abc import Callable, Sequence
from math import exp
from typing import TypeAlias

import numpy as np
import pytest
from attrs import evolve

from abkit.analysis.findings.arms import arms, arms_of
from abkit.analysis.findings.comparing import Comparing
from abkit.analysis.inference.comparison import Comparison
from abkit.analysis.query.layout import Layout
from abkit.analysis.statistics.aggregates import Moments, Sums
from abkit.analysis.statistics.estimands import Estimand
from abkit.analysis.statistics.standardizing import pooled, standardized
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Conversion, Metric, Ratio, Sum, Total

from .. import simulated
from ..many_sums import Floats, ManySums, Values, summed
from ..simulated import ManyMoments, Measured, at_least_pooled, found_at, log_evidence, means
from ..simulated_phases import Pair, within_phases

Draw: TypeAlias = Callable[[np.random.Generator, tuple[int, int], float, float], Values]
"""From a generator, a shape (experiments, units), the day's mean and the effect to the measures."""

WEIGHTS = (0.1, 0.5)
UNITS = 2_000
"""Of both arms, on each of the two days."""
TAU = 0.04


def rates(
    random: np.random.Generator, shape: tuple[int, int], mean: float, effect: float
) -> Values:
    return ((random.random(shape) < mean + effect).astype(float),)


def amounts(
    random: np.random.Generator, shape: tuple[int, int], mean: float, effect: float
) -> Values:
    return (random.exponential(mean, shape) + effect,)


def ratios(
    random: np.random.Generator, shape: tuple[int, int], mean: float, effect: float
) -> Values:
    """Clicks per look, of 1 to 5 looks; a unit's looks and clicks vary together."""
    looks = random.integers(1, 6, shape)
    return random.binomial(looks, mean + effect).astype(float), looks.astype(float)


def with_past(
    random: np.random.Generator, shape: tuple[int, int], mean: float, effect: float
) -> Values:
    """An amount, what it was before, and whether there was any."""
    present = (random.random(shape) < 0.8).astype(float)
    past = present * random.exponential(1.0, shape)
    return mean * (1 + past) + effect + random.normal(0, 0.5, shape), past, present


def estimand(metric: Metric, *, cuped: bool = False) -> Estimand:
    found = Layout.of_events([metric], cuped=cuped).estimands[0]
    return evolve(found, negative=None, divided=None)


CASES: dict[str, tuple[Draw, Estimand, Measured]] = {
    "a rate": (rates, estimand(Conversion("click")), means),
    "a mean": (amounts, estimand(Sum("revenue", action="buy", property="price")), means),
    "a ratio": (
        ratios,
        estimand(Ratio("rate", numerator=Total("click"), denominator=Total("look"))),
        simulated.ratios,
    ),
    "CUPED": (
        with_past,
        estimand(Sum("revenue", action="buy", property="price"), cuped=True),
        simulated.adjusted,
    ),
}


def ramped(draw: Draw, *, experiments: int, effect: float = 0.0, pieces: int = 1) -> list[Pair]:
    """For each of the two days control and treatment, at the end of each of its pieces."""
    random = np.random.default_rng(20)

    def arm(share: float, mean: float, lift: float) -> ManySums:
        sizes = [round(UNITS * share / pieces) * piece for piece in range(1, pieces + 1)]

        def of_day(random: np.random.Generator, shape: tuple[int, int]) -> Values:
            return draw(random, shape, mean, lift)

        return summed(of_day, random, runs=experiments, sizes=sizes)

    return [
        (arm(1 - share, mean, 0.0), arm(share, mean, effect))
        for share, mean in zip(WEIGHTS, (0.2, 0.4), strict=True)
    ]


def phases_of(days: Sequence[Pair], run: int, look: int) -> list[dict[str, Sums]]:
    """Of one experiment at a look of the last of these days, the sums per phase and variant."""
    looks = [-1] * (len(days) - 1) + [look]
    return [
        {variant: arm.of(run, at) for variant, arm in zip("ab", day, strict=True)}
        for day, at in zip(days, looks, strict=True)
    ]


def many_within(days: Sequence[Pair], measured: Measured) -> tuple[ManyMoments, ManyMoments]:
    """At the looks of the second day."""
    (control, treatment), today = days
    return within_phases([(control.at(-1), treatment.at(-1)), today], measured)


def compared(phases: Sequence[dict[str, Sums]], of: Estimand, plan: AnalysisPlan) -> Comparison:
    sums = {variant: pooled(phases, variant) for variant in "ab"}
    found = arms_of(sums, of, plan=plan, strata=phases)
    tau = TAU if plan.method == "sequential" else None
    comparing = Comparing(metric=of.metric, plan=plan, seen=0, tau=tau)
    return comparing.compare(*found.pairs[0], alpha=0.05)


@pytest.mark.parametrize("case", [*CASES])
def test_the_arrays_are_what_is_compared(case: str) -> None:
    draw, of, measured = CASES[case]
    days = ramped(draw, experiments=3, effect=0.02, pieces=2)
    found = evidence(many_within(days, measured))
    for run in range(3):
        for look in range(2):
            comparison = compared(phases_of(days, run, look), of, AnalysisPlan())
            assert comparison.p_value == pytest.approx(exp(-max(0.0, found[run, look])), rel=1e-7)


def evidence(arms: tuple[ManyMoments, ManyMoments]) -> Floats:
    variance = at_least_pooled(*arms)
    z = (arms[1].mean - arms[0].mean) / np.sqrt(variance)
    return log_evidence(z, variance=variance, tau=TAU)


@pytest.mark.parametrize("case", [*CASES])
@pytest.mark.parametrize("effect", [0.0, 0.05])
def test_welchs_intervals_hold_the_difference_as_often_as_they_say(
    case: str, effect: float
) -> None:
    draw, _, measured = CASES[case]
    control, treatment = many_within(ramped(draw, experiments=2_000, effect=effect), measured)
    differences = treatment.mean - control.mean
    errors = np.sqrt(at_least_pooled(control, treatment))
    covered = (np.abs(differences - effect) <= 1.96 * errors).mean()
    assert 0.935 <= covered <= 0.965
    assert differences.mean() == pytest.approx(effect, abs=4 * differences.std() / 2_000**0.5)
    assert errors.mean() == pytest.approx(differences.std(), rel=0.06)


@pytest.mark.parametrize("case", [*CASES])
def test_the_sequential_test_holds_its_level_over_all_looks(case: str) -> None:
    """Ten looks, five on each day."""
    draw, _, measured = CASES[case]
    days = ramped(draw, experiments=1_000, pieces=5)
    looks = measured(*days[0]), many_within(days, measured)
    alarms = [found_at(evidence(arms)) for arms in looks]
    assert (alarms[0] | alarms[1]).mean() <= 0.05


def test_without_phases_the_drift_would_be_taken_for_an_effect() -> None:
    """What the tests above are about: the plain comparison of the same experiments."""
    draw, of, _ = CASES["a rate"]
    plan = AnalysisPlan(method="welch")
    comparing = Comparing(metric=of.metric, plan=plan, seen=0)
    days, alarms = ramped(draw, experiments=50), []
    for run in range(50):
        sums = {variant: pooled(phases_of(days, run, -1), variant) for variant in "ab"}
        pair = arms(sums, of, plan=plan).pairs[0]
        alarms.append(comparing.compare(*pair, alpha=0.05).significant)
    assert np.mean(alarms) > 0.9


def test_of_one_phase_the_sums_are_its_own() -> None:
    phase, _ = phases_of(ramped(amounts, experiments=1), 0, -1)
    assert standardized([phase], ["a", "b"]) == phase


def test_phases_that_are_alike_change_little() -> None:
    """Two halves of one phase: the same mean up to their random sizes, and nearly the same certainty."""
    _, whole = phases_of(ramped(amounts, experiments=1), 0, -1)
    half = whole
    found = standardized([whole, half], ["a", "b"])["a"]
    plain = pooled([whole, half], "a")
    assert found.n == plain.n
    assert found.mean(0) == pytest.approx(plain.mean(0), rel=1e-12)
    assert found.covariance(0, 0) == pytest.approx(plain.covariance(0, 0), rel=1e-3)
    assert found.effective == pytest.approx(plain.n)


def test_moments_of_several_phases_are_no_rates_that_were_counted() -> None:
    phases = phases_of(ramped(rates, experiments=1), 0, -1)
    of = CASES["a rate"][1]
    sums = {variant: pooled(phases, variant) for variant in "ab"}
    found = arms_of(sums, of, plan=AnalysisPlan(method="bayesian"), strata=phases)
    assert found.control.conversions == of.conversions(sums["a"])
    assert not found.control.is_rate
    assert found.control.posterior_mean == found.control.moments.mean
    assert Moments.from_successes(10, 3).effective_units == 10
