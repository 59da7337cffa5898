"""What adjusted metrics promise, by simulation: no bias, intervals that hold, no larger variance."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType

import numpy as np
import pytest
from attrs import frozen
from numpy.typing import NDArray

from abkit.analysis.findings.arms import arms
from abkit.analysis.inference.welch import welch
from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.estimands import Estimand
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Mean, Metric, Ratio, Total

from .samples import sums

CUPED = AnalysisPlan(cuped=timedelta(days=14))
CLICKS, VISITS = Total("click"), Total("visit")
CTR = Ratio("clicks per visit", numerator=CLICKS, denominator=VISITS)
SPENT = Mean("spent")

Drawn = Mapping[str, Sums]


@frozen
class Held:
    """What many experiments found.

    Attributes:
        bias: The mean error of the adjusted difference, in its standard errors.
        coverage: How often the 95% interval has the true difference.
        variances: The adjusted variance of the difference as a share of the plain one: the mean.
        largest: The same, of the worst experiment.
    """

    bias: float
    coverage: float
    variances: float
    largest: float


def held(draw: Callable[[], Drawn], estimand: Estimand, *, truth: float, runs: int) -> Held:
    errors, covered, shares = [], 0, []
    for _ in range(runs):
        of = draw()
        adjusted, plain = (arms(of, each, plan=CUPED) for each in (estimand, estimand.unadjusted))
        found = welch(adjusted.control.moments, adjusted.treatments[0].moments, alpha=0.05)
        errors.append(found.difference - truth)
        covered += found.interval.low <= truth <= found.interval.high
        variance, without = (
            each.control.moments.variance / each.control.moments.n
            + each.treatments[0].moments.variance / each.treatments[0].moments.n
            for each in (adjusted, plain)
        )
        shares.append(variance / without)
    error = np.std(errors) / np.sqrt(runs)
    return Held(float(np.mean(errors) / error), covered / runs, float(np.mean(shares)), max(shares))


RATIO = Estimand(
    metric=CTR,
    places=MappingProxyType({CLICKS: 0, VISITS: 1}),
    before=MappingProxyType({CLICKS: 2, VISITS: 3}),
    present=4,
)


def clicks(
    random: np.random.Generator, n: int, *, lift: float, new: float, alike: float
) -> list[NDArray[np.float64]]:
    """Clicks and visits after and before, and whether a user was there before.

    Args:
        random: Where the numbers come from.
        n: Users.
        lift: The treatment's effect on the rate.
        new: The share of users who were not there before.
        alike: How much of a user's rate stays the same.
    """
    activity = random.gamma(1.5, 4, n)
    own = random.beta(3, 12, n)
    there = random.random(n) >= new
    past = np.where(there, 1 + random.poisson(activity), 0)
    rate = alike * own + (1 - alike) * random.beta(3, 12, n)
    visits = 1 + random.poisson(activity)
    return [
        random.binomial(visits, rate * (1 + lift)).astype(float),
        visits.astype(float),
        random.binomial(past, own).astype(float),
        past.astype(float),
        there.astype(float),
    ]


@pytest.mark.parametrize(("new", "alike"), [(0.0, 0.9), (0.5, 0.9), (0.5, 0.0)])
@pytest.mark.parametrize("sizes", [(400, 400), (720, 80)])
def test_a_ratio_is_adjusted_without_bias_and_never_for_the_worse(
    sizes: tuple[int, int], new: float, alike: float
) -> None:
    """Also with half of the users new, or if the past says nothing; and at an uneven split."""
    random = np.random.default_rng(21)

    def draw() -> Drawn:
        return {
            variant: sums(*clicks(random, n, lift=lift, new=new, alike=alike))
            for variant, n, lift in zip("01", sizes, (0.0, 0.1), strict=True)
        }

    found = held(draw, RATIO, truth=0.1 * 0.2, runs=400)
    assert abs(found.bias) < 3.5
    assert 0.92 <= found.coverage <= 0.98
    assert found.variances < (0.97 if alike else 1.005)
    assert found.largest < (1.05 if sizes[0] == sizes[1] else 1.2)  # of 80 users, by chance


def with_groups(metric: Metric, groups: int) -> Estimand:
    return Estimand(
        metric=metric,
        places=MappingProxyType({metric: 0}),
        beside=MappingProxyType({f"g{i}": 1 + i for i in range(groups)}),
    )


def stratified(
    random: np.random.Generator, n: int, *, groups: int, apart: float, lift: float
) -> list[NDArray[np.float64]]:
    of = random.integers(0, groups + 1, n)
    value = apart * of + random.normal(0, 1, n) + lift
    return [value, *((of == i).astype(float) for i in range(groups))]


@pytest.mark.parametrize("apart", [0.0, 0.3])
@pytest.mark.parametrize("n", [60, 500])
def test_ten_groups_of_few_units_keep_the_intervals_right(n: int, apart: float) -> None:
    """Weights fitted to 120 units leave too small residuals: the factor makes up for that."""
    random = np.random.default_rng(4)

    def draw() -> Drawn:
        return {
            variant: sums(*stratified(random, n, groups=9, apart=apart, lift=lift))
            for variant, lift in (("0", 0.0), ("1", 0.2))
        }

    found = held(draw, with_groups(SPENT, 9), truth=0.2, runs=600)
    assert abs(found.bias) < 3.5
    assert 0.93 <= found.coverage <= 0.975
    assert found.variances < (0.65 if apart else 1.1)


def test_an_imbalance_of_groups_is_taken_away() -> None:
    """Two groups ten apart, in which the arms are 90:10 and 10:90."""
    random = np.random.default_rng(2)
    of: dict[str, Sums] = {}
    for variant, share in (("0", 0.9), ("1", 0.1)):
        large = (np.arange(1_000) < share * 1_000).astype(float)
        of[variant] = sums(10 * large + random.normal(0, 1, 1_000), large)
    plain, adjusted = (
        arms(of, estimand, plan=AnalysisPlan())
        for estimand in (with_groups(SPENT, 0), with_groups(SPENT, 1))
    )
    found = [
        each.treatments[0].moments.mean - each.control.moments.mean for each in (plain, adjusted)
    ]
    assert found[0] == pytest.approx(-8, abs=0.2)
    assert found[1] == pytest.approx(0, abs=0.2)


def test_too_few_units_for_the_weights_are_not_adjusted() -> None:
    random = np.random.default_rng(3)
    of = {v: sums(*stratified(random, 40, groups=9, apart=1.0, lift=0.0)) for v in "01"}
    assert arms(of, with_groups(SPENT, 9), plan=AnalysisPlan()).adjustment is None
    assert arms(of, with_groups(SPENT, 4), plan=AnalysisPlan()).adjustment is not None
