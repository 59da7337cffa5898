"""The size of the Bayesian test."""

import numpy as np
import pytest

from abkit.analysis.inference.bayesian import RatePosterior, bayesian_means, chance_above
from abkit.analysis.inference.power import (
    BayesianTest,
    Effect,
    conversion_effect,
    sample_size,
    size,
)
from abkit.analysis.statistics.aggregates import Moments


@pytest.mark.parametrize(("change", "share"), [(0.2, 0.5), (-0.2, 0.3)])
def test_the_chance_to_beat_the_control_is_large_enough_as_often_as_was_asked_for(
    change: float, share: float
) -> None:
    """1,000 experiments of another seed, each judged by the chance of its own posteriors."""
    effect = conversion_effect(0.1, change=change, treatment_share=share)
    needed = size(effect, test=BayesianTest(rate=0.1))
    treated = round(share * needed.units)
    control = needed.units - treated
    random = np.random.default_rng(3)
    before = random.binomial(control, 0.1, 1000).tolist()
    after = random.binomial(treated, 0.1 * (1 + change), 1000).tolist()
    won = 0
    for a, b in zip(before, after, strict=True):
        posteriors = RatePosterior(1 + b, 1 + treated - b), RatePosterior(1 + a, 1 + control - a)
        chance = chance_above(*posteriors)(1.0, 0.0)
        won += (chance if change > 0 else 1 - chance) >= 0.975
    assert won / 1000 == pytest.approx(0.8, abs=0.035)


def test_rates_need_nearly_what_a_test_of_one_look_needs() -> None:
    """All rates being alike before, a chance of 97.5% is z = 1.96 for all but the fewest units."""
    effect = conversion_effect(0.2, change=0.05)
    needed = size(effect, test=BayesianTest(rate=0.2))
    assert needed.error is not None
    assert 0.001 < needed.error < 0.003
    assert needed.units == pytest.approx(sample_size(effect), rel=0.01)


def test_it_gives_the_same_each_time() -> None:
    effect, test = conversion_effect(0.05, change=0.5), BayesianTest(rate=0.05, alpha=0.1)
    assert size(effect, test=test, power=0.9) == size(effect, test=test, power=0.9)


def test_means_need_what_a_test_of_one_look_needs() -> None:
    effect = Effect(-0.1, 4.0, 5.0, 0.3)
    needed = size(effect, test=BayesianTest(alpha=0.1))
    assert needed.error is None
    random = np.random.default_rng(9)
    control_n, treatment_n = round(0.7 * needed.units), round(0.3 * needed.units)
    differences = random.normal(-0.1, np.sqrt(4 / control_n + 5 / treatment_n), 300).tolist()
    found = [
        bayesian_means(Moments(control_n, 0.0, 4.0), Moments(treatment_n, d, 5.0), alpha=0.1)
        for d in differences
    ]
    won = sum(each.significant and each.difference < 0 for each in found)
    assert won / 300 == pytest.approx(0.8, abs=0.06)
