"""A/A tests that are looked at 100 times: how often a difference is found that is not there.

Every arm has the same distribution; a look each 10 units of the smaller arm; tau is what a single
look at the end could find with 80% power. Fixed seeds.
"""

from collections.abc import Callable
from math import sqrt
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from abkit.analysis.inference.comparison import Comparison
from abkit.analysis.inference.sequential import sequential
from abkit.analysis.inference.variance import VarianceRule, at_least_pooled, separate
from abkit.analysis.inference.welch import welch
from abkit.analysis.statistics.aggregates import Moments

RUNS, LOOKS = 300, 100

Path: TypeAlias = list[Moments]
Draw: TypeAlias = Callable[[np.random.Generator, int], list[Path]]


def conversions(share: float) -> Draw:
    def draw(random: np.random.Generator, per_look: int) -> list[Path]:
        successes = random.binomial(per_look, share, (RUNS, LOOKS)).cumsum(axis=1).tolist()
        return [
            [Moments.from_successes((look + 1) * per_look, path[look]) for look in range(LOOKS)]
            for path in successes
        ]

    return draw


def revenue(buyers: float, spread: float) -> Draw:
    """Some buy, for a lognormal amount; the others for nothing."""

    def draw(random: np.random.Generator, per_look: int) -> list[Path]:
        buys = random.binomial(per_look, buyers, (RUNS, LOOKS))
        amounts = random.lognormal(3, spread, int(buys.sum()))
        look_of = np.repeat(np.arange(buys.size), buys.ravel())
        sums = added(look_of, amounts)
        squares = added(look_of, amounts * amounts)
        return [
            [
                Moments.from_sums((look + 1) * per_look, total[look], square[look])
                for look in range(LOOKS)
            ]
            for total, square in zip(sums.tolist(), squares.tolist(), strict=True)
        ]

    return draw


def added(look_of: NDArray[np.intp], amounts: NDArray[np.float64]) -> NDArray[np.float64]:
    per_look = np.bincount(look_of, amounts, RUNS * LOOKS)
    return np.asarray(per_look.reshape(RUNS, LOOKS).cumsum(axis=1))


def share_alarmed(
    test: Callable[[Moments, Moments], Comparison], controls: list[Path], treatments: list[Path]
) -> float:
    alarmed = sum(
        any(test(*arms).significant for arms in zip(control, treatment, strict=True))
        for control, treatment in zip(controls, treatments, strict=True)
    )
    return alarmed / RUNS


def sequential_alarms(draw: Draw, control_share: int, *, rule: VarianceRule, seed: int) -> float:
    random = np.random.default_rng(seed)
    controls = draw(random, 10 * control_share)
    treatments = draw(random, 10)
    variances = [separate(c[-1], t[-1]) for c, t in zip(controls, treatments, strict=True)]
    tau = 2.8 * sqrt(float(np.mean([each.difference for each in variances])))
    return share_alarmed(
        lambda control, treatment: sequential(control, treatment, tau=tau, variance_rule=rule),
        controls,
        treatments,
    )


METRICS = {
    "rare conversions": conversions(0.01),
    "conversions": conversions(0.1),
    "revenue": revenue(0.1, 1.2),
    "heavy-tailed revenue": revenue(0.02, 2.0),
}


@pytest.mark.parametrize("control_share", [1, 9], ids=["50/50", "90/10"])
@pytest.mark.parametrize("metric", METRICS)
def test_the_sequential_test_keeps_its_level(metric: str, control_share: int) -> None:
    """At 5% nominal, 300 runs; it is found at 0% to 2%."""
    share = sequential_alarms(METRICS[metric], control_share, rule=at_least_pooled, seed=11)
    assert share <= 0.05


@pytest.mark.parametrize("metric", ["rare conversions", "revenue"])
def test_with_welchs_variance_it_would_not_on_an_unequal_split(metric: str) -> None:
    """Why the default rule is another one."""
    assert sequential_alarms(METRICS[metric], 9, rule=separate, seed=11) > 0.15


def test_nor_does_a_test_of_one_look_when_it_is_looked_at_often() -> None:
    random = np.random.default_rng(5)
    controls, treatments = METRICS["conversions"](random, 100), METRICS["conversions"](random, 100)
    assert share_alarmed(welch, controls, treatments) > 0.2
