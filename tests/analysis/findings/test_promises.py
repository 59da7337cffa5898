"""What the documentation promises, by simulation: levels, coverage, and how much is found. Fixed seeds.

Most are in arrays, which `test_simulated` holds to what an analysis finds.
"""

from math import sqrt
from types import MappingProxyType

import numpy as np
import pytest
from attrs import evolve
from numpy.typing import NDArray

from abkit.analysis.findings.badges import rules_out_goal
from abkit.analysis.findings.evaluate import evaluate
from abkit.analysis.inference.sequential import tau_for_sample_size
from abkit.analysis.inference.welch import welch
from abkit.analysis.statistics.aggregates import Moments, Sums
from abkit.analysis.statistics.estimands import Estimand
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Method
from abkit.experiments.declaring.metrics import Conversion, Mean, Ratio

from ..asked import analyze_sums
from ..detection import (
    DEFAULT,
    FIXED_GOAL,
    TRUE_GOAL,
    TRUE_GOAL_ALONE,
    TUNED,
    Combination,
    mean_days,
)
from ..many_sums import Values, summed
from ..scenarios import alike, dense, organizations, revenue
from ..simulated import (
    amounts,
    at_least_pooled,
    first_error,
    found_at,
    half_width,
    log_evidence,
    means,
    passing,
    ratios,
)
from .samples import design, sums


def of_two(metric: Ratio) -> Estimand:
    places = {metric.numerator: 0, metric.denominator: 1}
    return Estimand(metric=metric, places=MappingProxyType(places))


def test_a_ratio_waits_for_units_that_it_divides_by() -> None:
    """Of few orders the price per order looks far more certain than it is."""
    price = Ratio("price", numerator=Mean("revenue"), denominator=Mean("orders"))
    measured = evolve(of_two(price), divided=2)
    random = np.random.default_rng(2)

    def arm(orders: int) -> Sums:
        count = np.zeros(2000)
        count[:orders] = 1
        return sums(count * random.lognormal(3, 1, 2000), count, count)

    few, enough = (
        evaluate({"0": arm(90), "1": arm(orders)}, [measured], design(price), AnalysisPlan())[0]
        for orders in (22, 25)
    )
    assert few["1"].missing == ("3 more units with a divisor above 0 in variant 1",)
    assert enough["1"].comparison is not None


@pytest.mark.parametrize(("n", "change"), [(100, 0.0), (500, 0.0), (500, 0.5)])
def test_the_interval_of_a_ratio_of_unequal_units_covers_it(n: int, change: float) -> None:
    """Around the arm's own ratio alone it is 87% of 100 organizations, and 91% of 500."""

    def changed(random: np.random.Generator, size: tuple[int, int]) -> Values:
        clicks, visits = organizations(2.0)(random, size)
        more = random.binomial((visits - clicks).astype(np.int64), 0.2 * change / 0.8)
        return clicks + more, visits

    random, runs = np.random.default_rng(5), 2_000
    arms = [summed(draw, random, runs=runs, sizes=[n]) for draw in (organizations(2.0), changed)]
    control, treatment = ratios(*arms)
    apart = np.abs(treatment.mean - control.mean - 0.2 * change)
    covered = apart <= 1.96 * np.sqrt(at_least_pooled(control, treatment))
    assert 0.93 <= covered.mean() <= 0.97


@pytest.mark.parametrize(
    ("buyers", "sigma", "change"),
    [(0.05, 1.0, 1.0), (0.05, 1.5, 1.0), (0.05, 1.5, -0.5), (0.3, 2.0, 1.0)],
)
def test_the_interval_of_sparse_amounts_covers_a_large_effect_at_every_look(
    buyers: float, sigma: float, change: float
) -> None:
    """Before 25 units make up each sum, up to a third of these intervals missed it at some look."""
    truth, sizes = change * buyers * np.exp(sigma * sigma / 2), range(100, 20_100, 200)
    control, drawn = alike(revenue(buyers, sigma), sizes=sizes)(np.random.default_rng(1), 400)
    arms = amounts(control, drawn.times(1 + change))
    compared = passing(*arms)
    size = first_error(*arms, units=(100, 100))[:, -1:]
    variance = np.where(compared, at_least_pooled(*arms), 1.0)
    apart = np.abs(arms[1].mean - arms[0].mean - truth)
    missed = compared & compared[:, -1:] & (apart > half_width(variance, tau=size))
    assert compared[:, -1].mean() > 0.9
    assert missed.any(axis=1).mean() <= 0.1


@pytest.mark.parametrize("goal", [0.2, 0.5, 1.0])
def test_a_goal_that_was_reached_is_ruled_out_as_rarely_as_the_level_says(goal: float) -> None:
    """One side of 95% is 2.5%. With the control's mean taken as known it is up to 14%."""
    random, metric, runs = np.random.default_rng(3), Mean("spent", goal=goal), 4000
    n, spread = 2000, 6.0
    means = random.normal((1.0, 1.0 + goal), spread / sqrt(n), (runs, 2))
    ruled_out = sum(
        rules_out_goal(welch(*(Moments(n, mean, spread**2) for mean in pair)), metric)
        for pair in means.tolist()
    )
    assert 0.015 <= ruled_out / runs <= 0.035


def headlines(count: int) -> NDArray[np.int64]:
    """Clicks on two headlines, of 4,000 people each: 1.5% of them, and lifts of a quarter."""
    random = np.random.default_rng(610)
    lifts = np.exp(random.normal(0, 0.25, count))
    rates = 0.015 * np.exp(random.normal(0, 0.4, count))
    return np.stack([random.binomial(4000, rates), random.binomial(4000, rates * lifts)], axis=1)


def test_of_tables_that_are_looked_at_once_as_much_is_found_as_can_be() -> None:
    """Each by the fixed test, which is the default of sums; and by the test that holds at every look.

    The latter can find no more than with the tau of its own standard error: |z| above 3.03. 4,000 of them
    in arrays, and some of these by the functions themselves.
    """
    clicks = headlines(4_000)
    rates = clicks / 4000
    z = np.diff(rates)[:, 0] / np.sqrt((rates * (1 - rates)).sum(axis=1) / 4000)
    compared = (clicks >= 25).all(axis=1)
    found = {
        Method.WELCH: compared & (abs(z) > 1.96),
        Method.SEQUENTIAL: compared & (abs(z) > 3.03),
    }
    assert found[Method.WELCH].sum() > 2 * found[Method.SEQUENTIAL].sum() > 0
    actions: list[str] = []
    for test in range(60):
        for method, significant in found.items():
            result = analyze_sums(
                "headline",
                sums={Conversion("clicked"): dict(zip("ab", clicks[test].tolist(), strict=True))},
                units={"a": 4000, "b": 4000},
                control="a",
                **({} if method is Method.WELCH else {"method": method}),
            )
            comparison = result.deciding.treatments[0].comparison
            assert significant[test] == (comparison is not None and comparison.significant)
            if significant[test] and z[test] > 0:
                actions.append(result.recommendation.action)
            if method is Method.WELCH:
                assert result.plan.method is Method.WELCH
                assert any("valid at one look" in warning for warning in result.warnings)
    assert actions.count("roll out") >= 0.8 * len(actions) > 0


def test_of_a_table_that_grows_the_test_for_every_look_keeps_its_level() -> None:
    """Its tau follows the standard error: the level holds while the table grows a hundredfold."""
    sizes, runs = np.unique(np.geomspace(100, 10_000, 60).astype(int)).tolist(), 1_000

    def normal(random: np.random.Generator, size: tuple[int, int]) -> Values:
        return (random.normal(1.0, 1.0, size),)

    control, treatment = means(*alike(dense(normal), sizes=sizes)(np.random.default_rng(11), runs))
    variance = at_least_pooled(control, treatment)
    tau = np.sqrt(variance) * tau_for_sample_size(1.0, units=1, sample_size=1)
    z = (treatment.mean - control.mean) / np.sqrt(variance)
    assert found_at(log_evidence(z, variance=variance, tau=tau)).mean() <= 0.05


@pytest.mark.parametrize(
    ("combination", "most"),
    [
        (Combination(1, 100, 0.1), 1.05),
        (Combination(20, 1_000, 2.0), 1.10),
        (Combination(5, 10_000, 0.02), 1.25),
    ],
    ids=["an ordinary change", "a large one of much noise", "a tiny one"],
)
def test_a_change_is_found_nearly_as_soon_as_by_a_test_that_knows_it(
    combination: Combination, most: float
) -> None:
    """Beside the test whose tau is the true change; with that as the goal it takes 5% more at most."""
    days = mean_days(combination, np.random.default_rng(7), runs=400)
    assert days[DEFAULT] / days[TUNED] <= most
    assert days[TRUE_GOAL] / days[TRUE_GOAL_ALONE] <= 1.06
    assert days[FIXED_GOAL] / days[TUNED] <= 1.35
