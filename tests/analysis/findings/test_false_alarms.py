"""A/A experiments of 100 looks, all the way from sums to flags: nothing is found more than 5% of the time.

The running p-value is what a person who looks every time acts on; tau is made of the control's mean so
far, as an analysis does. Fixed seeds.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from operator import add
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from abkit.analysis.findings.evaluate import evaluate
from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.findings.over_time import over_time
from abkit.analysis.findings.verdict import recommend
from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.estimands import Estimand
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Conversion, Mean, Metric

from .samples import alone, conversions, design, sums

LOOKS = 100
ENDS = [datetime(2024, 5, 1, tzinfo=UTC) + timedelta(hours=look) for look in range(LOOKS)]
ONE_SIDED = AnalysisPlan(alternative="one-sided")
Draw: TypeAlias = Callable[[np.random.Generator, int], Sums]
"""The new units of one arm until the next look."""


def converting(random: np.random.Generator, n: int) -> Sums:
    return conversions(n, int(random.binomial(n, 0.1)))


def buying(random: np.random.Generator, n: int) -> Sums:
    """One in ten buys, for a lognormal amount."""
    return sums((random.random(n) < 0.1) * random.lognormal(3, 1.2, n))


def returning(random: np.random.Generator, n: int) -> Sums:
    """After, before and presence before; the correlation is about 0.7."""
    present = (random.random(n) < 0.8).astype(np.float64)
    before: NDArray[np.float64] = present * random.gamma(2, 5, n)
    return sums(before + random.gamma(2, 5, n), before, present)


def looked_at(
    draw: Draw, estimand: Estimand, plan: AnalysisPlan, share: int, seed: int
) -> MetricResult:
    """A/A: the control gets `share` times the 20 units that the treatment gets until each look."""
    random = np.random.default_rng(seed)
    control = accumulate((draw(random, 20 * share) for _ in range(LOOKS)), add)
    treatment = accumulate((draw(random, 20) for _ in range(LOOKS)), add)
    looks = [{"0": c, "1": t} for c, t in zip(control, treatment, strict=True)]
    planned = design(estimand.metric)
    found = evaluate(looks[-1], [estimand], planned, plan)
    return over_time(found, [estimand], ends=ENDS, looks=looks, plan=plan)[0]


def with_past(metric: Metric) -> Estimand:
    return Estimand(
        metric=metric,
        places=MappingProxyType({metric: 0}),
        before=MappingProxyType({metric: 1}),
        present=2,
    )


@pytest.mark.parametrize("share", [1, 9], ids=["50/50", "90/10"])
@pytest.mark.parametrize(
    ("draw", "estimand", "plan", "runs"),
    [
        (converting, alone(Conversion("clicks", goal=0.3)), AnalysisPlan(), 120),
        (converting, alone(Conversion("clicks", goal=0.3)), ONE_SIDED, 60),
        (buying, alone(Mean("revenue", goal=0.3)), AnalysisPlan(), 120),
        (
            returning,
            with_past(Mean("spent", goal=0.05)),
            AnalysisPlan(cuped=timedelta(days=14)),
            60,
        ),
    ],
    ids=["binary", "one-sided", "revenue", "CUPED"],
)
def test_a_hundred_looks_at_nothing_find_nothing(
    draw: Draw, estimand: Estimand, plan: AnalysisPlan, runs: int, share: int
) -> None:
    """At most 5% nominal; found in 0% to 3% of the runs, of which there are few, for their time."""
    alarms = compared = 0
    for seed in range(runs):
        found = looked_at(draw, estimand, plan, share, seed)
        assert found.over_time is not None
        series = found.over_time.treatments["1"]
        compared += sum(each is not None for each in series.comparisons)
        alarms += series.running_p[-1] <= 0.05
        assert (found.adjustment is not None) is (plan.cuped is not None)
    assert compared > 0.8 * runs * LOOKS
    assert alarms / runs <= 0.05


@pytest.mark.parametrize("method", ["sequential", "welch"])
def test_ten_metrics_raise_no_more_alarms_than_one_where_it_counts(method: str) -> None:
    """Of 600 A/A experiments; if all ten were primary, one of them would be significant in 20% to 40%."""
    metrics = [Conversion(f"m{number}", goal=0.2) for number in range(10)]
    planned, plan, runs = design(*metrics), AnalysisPlan(method=method), 600
    estimands = [alone(metric, place=place) for place, metric in enumerate(planned.metrics)]
    random = np.random.default_rng(31)
    converted = random.binomial(2_000, 0.1, (runs, 2, 10)).astype(float).tolist()
    decided = others = 0
    for run in converted:
        arms = {
            variant: Sums(2_000, (0.0,) * 10, tuple(of), {(i, i): of[i] for i in range(10)})
            for variant, of in zip("01", run, strict=True)
        }
        first, *rest = evaluate(arms, estimands, planned, plan)
        assert first.metric == planned.deciding
        decided += significant(first)
        others += any(map(significant, rest))
        advice = recommend(
            [first, *rest], deciding=planned.deciding, mismatch=False, last_look=False
        )
        assert advice.action != "roll out" or significant(first)
    for alarms in (decided, others):
        assert alarms / runs <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5


def significant(found: MetricResult) -> bool:
    (treatment,) = found.treatments
    return treatment.comparison is not None and treatment.comparison.significant


RUNS = 2_000


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
    """Each look is made with the tau of that look; nominal are 5%, found are 0% to 2%."""
    random = np.random.default_rng(8)
    control, treatment = (late_conversions(random, share, units, late) for _ in range(2))
    n = units * np.arange(1, LOOKS + 1)
    rates = control / n, treatment / n
    tau = goal * rates[0]
    passing = (control >= 25) & (treatment >= 25)
    variance = sum(rate * (1 - rate) for rate in rates) / n
    evidence = log_evidence(rates[1] - rates[0], np.where(passing, variance, 1.0), tau)
    assert passing.mean() > 0.5
    assert (passing & (evidence >= -np.log(0.05))).any(axis=1).mean() <= 0.05


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


def log_evidence(
    difference: NDArray[np.float64], variance: NDArray[np.float64], tau: NDArray[np.float64]
) -> NDArray[np.float64]:
    """`sequential.log_likelihood_ratio` of many."""
    gain = tau * tau / variance
    return np.asarray(
        0.5 * (difference * difference / variance * gain / (1 + gain) - np.log1p(gain))
    )
