"""What the documentation promises, by simulation: levels, coverage, and how much is found. Fixed seeds."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from math import sqrt
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import pytest
from attrs import evolve
from numpy.typing import NDArray

from abkit.analysis.findings.badges import rules_out_goal
from abkit.analysis.findings.evaluate import evaluate
from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.findings.over_time import over_time
from abkit.analysis.inference.welch import welch
from abkit.analysis.statistics.aggregates import Moments, Sums
from abkit.analysis.statistics.estimands import Estimand
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Method
from abkit.experiments.declaring.metrics import Conversion, Mean, Metric, Ratio, Sum

from ..asked import analyze_sums
from .samples import alone, design

LOOKS = 100
FIRST = 100
PER_LOOK = 40
ENDS = [datetime(2026, 5, 1, tzinfo=UTC) + timedelta(days=look) for look in range(LOOKS)]
Values: TypeAlias = tuple[NDArray[np.float64], ...]
Draw: TypeAlias = Callable[[np.random.Generator, int], Values]
"""The measures of so many units."""

SPENT, VISITS = Sum("spent", action="buy", property="price"), Mean("visits")
PER_VISIT = Ratio("per visit", numerator=Mean("clicks"), denominator=VISITS)


def organizations(sigma: float) -> Draw:
    """Clicks and visits of organizations whose sizes are log-normal: a few have most of the visits."""

    def draw(random: np.random.Generator, n: int) -> Values:
        visits = np.minimum(np.ceil(random.lognormal(0, sigma, n)), 1e7)
        return random.binomial(visits.astype(np.int64), random.beta(2, 8, n)).astype(float), visits

    return draw


def orders(random: np.random.Generator, n: int) -> Values:
    """Revenue and number of orders, of which there are five of a hundred users."""
    count = random.poisson(0.05, n).astype(float)
    return count * random.lognormal(3, 1, n), count


def amounts(buyers: float, sigma: float, change: float = 0.0) -> Draw:
    """Some buy, for a log-normal amount; and whether it is below 0, which it never is."""

    def draw(random: np.random.Generator, n: int) -> Values:
        bought = (random.random(n) < buyers) * random.lognormal(0, sigma, n)
        return (1 + change) * bought, np.zeros(n)

    return draw


def summed(values: Values, n: int) -> Sums:
    """Of the first n units."""
    measures = [of[:n] for of in values]
    size = len(measures)
    return Sums(
        n,
        (0.0,) * size,
        tuple(float(of.sum()) for of in measures),
        MappingProxyType(
            {(i, j): float(measures[i] @ measures[j]) for i in range(size) for j in range(i, size)}
        ),
    )


def looked_at(
    control: Draw, treatment: Draw, estimand: Estimand, plan: AnalysisPlan, *, seed: int
) -> MetricResult:
    """A hundred looks; the first one at a hundred units of each arm."""
    random = np.random.default_rng(seed)
    sizes = [FIRST + PER_LOOK * look for look in range(LOOKS)]
    arms = control(random, sizes[-1]), treatment(random, sizes[-1])
    looks = [
        {variant: summed(of, n) for variant, of in zip("01", arms, strict=True)} for n in sizes
    ]
    share = MappingProxyType({"1": (FIRST / sizes[-1],) * 2})
    found = evaluate(looks[-1], [estimand], design(estimand.metric), plan, first_look=share)
    return over_time(found, [estimand], ends=ENDS, looks=looks, plan=plan)[0]


def of_two(metric: Ratio) -> Estimand:
    places = {metric.numerator: 0, metric.denominator: 1}
    return Estimand(metric=metric, places=MappingProxyType(places))


def of_amounts(metric: Metric) -> Estimand:
    return Estimand(metric=metric, places=MappingProxyType({metric: 0}), negative=1)


@pytest.mark.parametrize(
    ("draw", "goal"),
    [
        (organizations(2.0), 0.5),
        (organizations(2.5), 0.2),
        (organizations(2.5), None),
        (orders, 0.2),
        (orders, None),
    ],
    ids=["sigma 2", "sigma 2.5", "sigma 2.5, no goal", "price", "price, no goal"],
)
def test_a_ratio_whose_units_are_very_unequal_keeps_its_level(
    draw: Draw, goal: float | None
) -> None:
    """Around the arm's own ratio, 9% to 24% of these found a difference that is not there."""
    metric = Ratio("r", numerator=Mean("y"), denominator=Mean("x"), goal=goal)
    alarms = 0
    for seed in range(60):
        found = looked_at(draw, draw, of_two(metric), AnalysisPlan(), seed=seed)
        assert found.over_time is not None
        alarms += found.over_time.treatments["1"].running_p[-1] <= 0.05
    assert alarms <= 4


def test_a_ratio_waits_for_units_that_it_divides_by() -> None:
    """Of few orders the price per order looks far more certain than it is."""
    price = Ratio("price", numerator=Mean("revenue"), denominator=Mean("orders"))
    measured = evolve(of_two(price), divided=2)
    random = np.random.default_rng(2)

    def arm(orders: int) -> Sums:
        count = np.zeros(2000)
        count[:orders] = 1
        return summed((count * random.lognormal(3, 1, 2000), count, count), 2000)

    few, enough = (
        evaluate({"0": arm(90), "1": arm(orders)}, [measured], design(price), AnalysisPlan())[0]
        for orders in (22, 25)
    )
    assert few["1"].missing == ("3 more units with a divisor above 0 in variant 1",)
    assert enough["1"].comparison is not None


@pytest.mark.parametrize(("n", "change"), [(100, 0.0), (500, 0.0), (500, 0.5)])
def test_the_interval_of_a_ratio_of_unequal_units_covers_it(n: int, change: float) -> None:
    """Around the arm's own ratio alone it is 87% of 100 organizations, and 91% of 500."""
    random, estimand = np.random.default_rng(5), of_two(PER_VISIT)
    draw, covered, runs = organizations(2.0), 0, 1500
    for _ in range(runs):
        clicks, visits = draw(random, n)
        more, theirs = draw(random, n)
        lost = random.binomial((theirs - more).astype(np.int64), 0.2 * change / 0.8)
        control, treatment = summed((clicks, visits), n), summed((more + lost, theirs), n)
        both = control + treatment
        found = welch(*(estimand.moments(arm, overall=both) for arm in (control, treatment)))
        covered += found.interval.low <= 0.2 * change <= found.interval.high
    assert 0.93 <= covered / runs <= 0.97


@pytest.mark.parametrize(
    ("buyers", "sigma", "change"),
    [(0.05, 1.0, 1.0), (0.05, 1.5, 1.0), (0.05, 1.5, -0.5), (0.3, 2.0, 1.0)],
)
def test_the_interval_of_sparse_amounts_covers_a_large_effect_at_every_look(
    buyers: float, sigma: float, change: float
) -> None:
    """Before 25 units make up each sum, up to a third of these intervals missed it at some look."""
    truth, runs = change * buyers * np.exp(sigma * sigma / 2), 60
    missed = 0
    for seed in range(runs):
        draws = amounts(buyers, sigma), amounts(buyers, sigma, change)
        found = looked_at(*draws, of_amounts(SPENT), AnalysisPlan(), seed=seed)
        assert found.over_time is not None
        missed += any(
            not look.interval.low <= truth <= look.interval.high
            for look in found.over_time.treatments["1"].comparisons
            if look is not None
        )
    assert missed / runs <= 0.1


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


def headlines(count: int) -> list[Mapping[str, int]]:
    """Clicks on two headlines, of 4,000 people each: 1.5% of them, and lifts of a quarter."""
    random = np.random.default_rng(610)
    lifts = np.exp(random.normal(0, 0.25, count))
    rates = 0.015 * np.exp(random.normal(0, 0.4, count))
    return [
        {"a": int(random.binomial(4000, rate)), "b": int(random.binomial(4000, rate * lift))}
        for rate, lift in zip(rates.tolist(), lifts.tolist(), strict=True)
    ]


def test_of_tables_that_are_looked_at_once_as_much_is_found_as_can_be() -> None:
    """Each by the fixed test, which is the default of sums; and by the test that holds at every look.

    The latter can find no more than with the tau of its own standard error: |z| above 3.03.
    """
    found: dict[Method | None, list[str]] = {None: [], Method.SEQUENTIAL: []}
    largest = 0
    tests = headlines(400)
    for clicks in tests:
        arms = [Moments.from_successes(4000, count) for count in clicks.values()]
        error = sqrt(sum(arm.variance / arm.n for arm in arms))
        reached = abs(arms[1].mean - arms[0].mean) > 3.04 * error
        largest += reached and min(clicks.values()) >= 25
        for method, actions in found.items():
            chosen = {} if method is None else {"method": method}
            result = analyze_sums(
                "headline",
                sums={Conversion("clicked"): clicks},
                units={"a": 4000, "b": 4000},
                control="a",
                **chosen,
            )
            comparison = result.deciding.treatments[0].comparison
            if comparison is not None and comparison.significant and comparison.difference > 0:
                actions.append(result.recommendation.action)
            if method is None:
                assert result.plan.method is Method.WELCH
                assert any("valid at one look" in warning for warning in result.warnings)
    once, every = found.values()
    assert len(once) > 2 * len(every) > 0.7 * largest
    for actions in (once, every):
        assert actions.count("roll out") >= 0.8 * len(actions)


def test_of_a_table_that_grows_the_test_for_every_look_keeps_its_level() -> None:
    """Its tau follows the standard error: the level holds while the table grows a hundredfold."""
    random, alarms, runs = np.random.default_rng(11), 0, 300
    sizes = np.unique(np.geomspace(100, 10_000, 60).astype(int))
    for _ in range(runs):
        values = random.normal(1.0, 1.0, (2, sizes[-1]))
        totals, squares = values.cumsum(axis=1), (values * values).cumsum(axis=1)
        alarms += any(
            evaluate(
                {
                    str(arm): Sums(
                        int(n),
                        (0.0,),
                        (float(totals[arm, n - 1]),),
                        MappingProxyType({(0, 0): float(squares[arm, n - 1])}),
                    )
                    for arm in (0, 1)
                },
                [alone(Mean("spent"))],
                design(Mean("spent")),
                AnalysisPlan(),
            )[0]
            .treatments[0]
            .comparison.significant  # type: ignore[union-attr]
            for n in sizes
        )
    assert alarms / runs <= 0.05
