"""A/A experiments of 100 looks or more: nothing is found more than 5% of the time. Fixed seeds.

In arrays, which `test_simulated` holds to what an analysis finds. `make bench` prints the same as a table,
of more experiments.
"""

from math import log

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtri

from abkit.analysis.advice.verdict import recommend
from abkit.analysis.findings.evaluate import evaluate
from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.inference.sequential import GOAL_WEIGHT, tau_for_sample_size
from abkit.analysis.statistics.aggregates import Sums
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Conversion

from ..scenarios import SCENARIOS, Scenario
from ..simulated import (
    ManyMoments,
    default_evidence,
    found_at,
    log_evidence,
    passing,
    separate,
)
from .samples import alone, design

LOOKS = 100


@pytest.mark.parametrize(
    "scenario", SCENARIOS, ids=lambda scenario: f"{scenario.name}, {scenario.split}"
)
def test_many_looks_at_nothing_find_nothing(scenario: Scenario) -> None:
    """At most 5% nominal; found in 0% to 3%, whether each look has its own tau or that of the last."""
    runs = scenario.runs // 8
    judged = scenario.judged(np.random.default_rng(6), runs=runs, goals=[None, 0.3])
    assert judged.compared > 0.7
    assert max(*judged.day_by_day, *judged.over_time) <= 0.05


@pytest.mark.parametrize("method", ["sequential", "welch"])
def test_ten_metrics_raise_no_more_alarms_than_one_where_it_counts(method: str) -> None:
    """Of 4,000 A/A experiments; if all ten were primary, one of them would be significant in 20% to 40%.

    In arrays, and some of them by the functions themselves.
    """
    metrics = [Conversion(f"m{number}", goal=0.2) for number in range(10)]
    planned, plan, runs = design(*metrics), AnalysisPlan(method=method), 4_000
    estimands = [alone(metric, place=place) for place, metric in enumerate(planned.metrics)]
    converted = np.random.default_rng(31).binomial(2_000, 0.1, (runs, 2, 10)).astype(float)
    rates = converted / 2_000
    variance = (rates * (1 - rates)).sum(axis=1) / 2_000
    z = (rates[:, 1] - rates[:, 0]) / np.sqrt(variance)
    alphas = np.array([0.05, *[0.05 / 9] * 9])
    if method == "welch":
        alarms = np.abs(z) >= ndtri(1 - alphas / 2)
    else:
        size = np.sqrt(variance) * tau_for_sample_size(1.0, units=1, sample_size=1)
        of_goal, of_size = (
            log_evidence(z, variance=variance, tau=tau) for tau in (0.2 * rates[:, 0], size)
        )
        found = np.logaddexp(log(GOAL_WEIGHT) + of_goal, log(1 - GOAL_WEIGHT) + of_size)
        alarms = found >= np.log(1 / alphas)
    for family in (alarms[:, 0], alarms[:, 1:].any(axis=1)):
        assert family.mean() <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5
    for run in [*range(20), *np.flatnonzero(alarms.any(axis=1))[:20].tolist()]:
        arms = {
            variant: Sums(
                2_000, (0.0,) * 10, tuple(of.tolist()), {(i, i): float(of[i]) for i in range(10)}
            )
            for variant, of in zip("01", converted[run], strict=True)
        }
        results = evaluate(arms, estimands, planned, plan)
        assert results[0].metric == planned.deciding
        assert [significant(result) for result in results] == alarms[run].tolist()
        advice = recommend(results, deciding=planned.deciding, mismatch=False, last_look=False)
        assert advice.action != "roll out" or alarms[run, 0]


def significant(found: MetricResult) -> bool:
    (treatment,) = found.treatments
    return treatment.comparison is not None and treatment.comparison.significant


RUNS = 1_000


@pytest.mark.parametrize(
    ("share", "units", "late", "goal"),
    [
        (0.1, 20, 0, 0.3),
        (0.05, 300, 14, 0.05),
        (0.05, 300, 99, 0.1),
        (0.05, 300, 99, 1.0),
        (0.1, 20, 60, 3.0),
    ],
    ids=["at once", "two weeks", "to the end", "large goal", "very large goal"],
)
def test_a_tau_that_grows_with_late_actions_keeps_the_level(
    share: float, units: int, late: int, goal: float
) -> None:
    """Each look is made with the tau of that look; nominal are 5%, found are 0% to 2%.

    From the goal alone; and as it is by default, where the standard error grows with the rate too.
    """
    random = np.random.default_rng(8)
    control, treatment = (late_conversions(random, share, units, late) for _ in range(2))
    n = units * np.arange(1.0, LOOKS + 1)
    arms = [
        ManyMoments(n=n, mean=of / n, variance=of / n * (1 - of / n), contributing=of)
        for of in (control, treatment)
    ]
    compared = passing(*arms)
    variance = np.where(compared, separate(*arms), 1.0)
    z = (arms[1].mean - arms[0].mean) / np.sqrt(variance)
    of_goal = np.where(compared, log_evidence(z, variance=variance, tau=goal * arms[0].mean), 0.0)
    first = max(units, 100.0)
    assert compared.mean() > 0.5
    assert found_at(of_goal).mean() <= 0.05
    for wanted in (goal, None):
        evidence = default_evidence(arms[0], arms[1], goal=wanted, units=(first, first))
        assert found_at(evidence).mean() <= 0.05


def late_conversions(
    random: np.random.Generator, share: float, units: int, late: int
) -> NDArray[np.float64]:
    """By run and look, the conversions seen so far; each is seen 0 to `late` looks after its unit."""
    new = random.binomial(units, share, (RUNS, LOOKS))
    seen = np.zeros((RUNS, LOOKS + late))
    for look in range(LOOKS):
        delays = random.multinomial(new[:, look], np.full(late + 1, 1 / (late + 1)))
        seen[:, look : look + late + 1] += delays
    return np.asarray(seen[:, :LOOKS].cumsum(axis=1))
