"""The arrays that levels and power are measured with say what `evaluate` says."""

from datetime import UTC, datetime, timedelta
from math import exp

import numpy as np
import pytest
from attrs import evolve

from abkit.analysis.findings.evaluate import evaluate
from abkit.analysis.findings.over_time import over_time
from abkit.analysis.statistics.estimands import Estimand
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Conversion, Mean, Ratio, Sum

from .findings.samples import alone, design
from .many_sums import Draw, Values, summed
from .simulated import (
    Measured,
    adjusted,
    amounts,
    default_evidence,
    found_at,
    means,
    rates,
    ratios,
)

RUNS = 3
ONE_SIDED = AnalysisPlan(alternative="one-sided")
SIZES = [60, 150, 400, 900]
SPENT = Sum("spent", action="buy", property="price")
PER_VISIT = Ratio("per visit", numerator=Mean("clicks"), denominator=Mean("visits"))


def clicks(random: np.random.Generator, size: tuple[int, int]) -> Values:
    return ((random.random(size) < 0.1).astype(float),)


def normal(random: np.random.Generator, size: tuple[int, int]) -> Values:
    return (random.normal(1, 3, size),)


def revenue(random: np.random.Generator, size: tuple[int, int]) -> Values:
    bought = (random.random(size) < 0.3) * random.lognormal(3, 1.2, size)
    return bought, np.zeros(size)


def visits(random: np.random.Generator, size: tuple[int, int]) -> Values:
    many = np.ceil(random.lognormal(0, 1.5, size))
    return random.binomial(many.astype(np.int64), 0.2).astype(float), many


def returning(random: np.random.Generator, size: tuple[int, int]) -> Values:
    present = (random.random(size) < 0.8).astype(float)
    before = present * random.gamma(2, 5, size)
    return before + random.gamma(2, 5, size), before, present


@pytest.mark.parametrize("goal", [None, 0.2])
@pytest.mark.parametrize("share", [1, 9])
@pytest.mark.parametrize(
    ("draw", "measured", "of", "plan"),
    [
        (clicks, rates, alone(Conversion("clicks")), AnalysisPlan()),
        (clicks, rates, alone(Conversion("clicks")), ONE_SIDED),
        (normal, means, alone(Mean("score")), AnalysisPlan()),
        (revenue, amounts, evolve(alone(SPENT), negative=1), AnalysisPlan()),
        (
            visits,
            ratios,
            evolve(alone(PER_VISIT), places={PER_VISIT.numerator: 0, PER_VISIT.denominator: 1}),
            AnalysisPlan(),
        ),
        (
            returning,
            adjusted,
            evolve(alone(Mean("spent")), before={Mean("spent"): 1}, present=2),
            AnalysisPlan(cuped=timedelta(days=14)),
        ),
    ],
    ids=["rate", "one-sided", "mean", "amounts", "ratio", "CUPED"],
)
def test_the_evidence_of_many_is_that_of_each(
    draw: Draw,
    measured: Measured,
    of: Estimand,
    plan: AnalysisPlan,
    share: int,
    goal: float | None,
) -> None:
    """Look by look, as of somebody who analyzes each day; the gates too."""
    random = np.random.default_rng(9)
    arms = [
        summed(draw, random, runs=RUNS, sizes=[each * more for each in SIZES])
        for more in (share, 1)
    ]
    units = float(SIZES[1] * share), float(SIZES[1])
    greater = plan is ONE_SIDED
    evidence = default_evidence(*measured(*arms), goal=goal, units=units, greater=greater)
    metric = evolve(of.metric, goal=goal)
    of = evolve(of, metric=metric)
    if isinstance(metric, Mean):  # places and past are those of the metric itself
        of = evolve(of, places={metric: 0}, before={metric: 1} if of.before else {})
    compared = 0
    for run in range(RUNS):
        for look, size in enumerate(SIZES):
            share_then = min(1.0, SIZES[1] / size)
            (found,) = evaluate(
                {v: arm.of(run, look) for v, arm in zip("01", arms, strict=True)},
                [of],
                design(metric),
                plan,
                first_look={"1": (share_then, share_then)},
            )
            comparison = found["1"].comparison
            compared += comparison is not None
            p_value = 1.0 if comparison is None else comparison.p_value
            assert exp(-max(0.0, evidence[run, look])) == pytest.approx(p_value, rel=1e-9)
    assert 0 < compared < RUNS * len(SIZES)


@pytest.mark.parametrize("goal", [None, 0.2])
def test_the_looks_of_many_are_those_of_a_result_over_time(goal: float | None) -> None:
    """All of them are made with the tau of the last one."""
    random = np.random.default_rng(10)
    arms = [summed(normal, random, runs=RUNS, sizes=SIZES) for _ in range(2)]
    units = float(SIZES[1])
    evidence = default_evidence(*means(*arms), goal=goal, units=(units, units), last=True)
    metric, share = Mean("score", goal=goal), SIZES[1] / SIZES[-1]
    ends = [datetime(2026, 5, 1 + day, tzinfo=UTC) for day in range(len(SIZES))]
    for run in range(RUNS):
        looks = [
            {v: arm.of(run, look) for v, arm in zip("01", arms, strict=True)}
            for look in range(len(SIZES))
        ]
        of, plan = [alone(metric)], AnalysisPlan()
        found = evaluate(looks[-1], of, design(metric), plan, first_look={"1": (share, share)})
        (result,) = over_time(found, of, ends=ends, looks=looks, plan=plan)
        assert result.over_time is not None
        expected = np.minimum.accumulate(np.exp(-np.maximum(0, evidence[run])))
        assert result.over_time.treatments["1"].running_p == pytest.approx(expected, rel=1e-9)


def test_something_is_found_if_any_look_has_enough_evidence() -> None:
    assert found_at(np.array([[0.0, 3.1, 0.0], [0.0, 2.9, 2.9]])).tolist() == [True, False]
