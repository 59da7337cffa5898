"""The size of the sequential test: beside simulated experiments, and limits that are known."""

from math import sqrt

import numpy as np
import pytest
from numpy.typing import NDArray

from abkit.analysis.inference import one_sided_mixture
from abkit.analysis.inference.power import (
    Effect,
    Looking,
    Needed,
    SequentialTest,
    conversion_effect,
    sample_size,
    size,
)
from abkit.analysis.inference.power import sequential as module
from abkit.analysis.inference.sequential import half_width, sequential
from abkit.analysis.statistics.aggregates import Moments
from abkit.errors import AnalysisError
from abkit.experiments.declaring.tau import Tau

EFFECT = conversion_effect(0.2, change=0.05)
FIXED = sample_size(EFFECT)


def simulated(
    effect: Effect, *, every: float, tau: Tau, looks: int, one_sided: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The units at which each of 20,000 experiments stops, and whether it has found the effect."""
    random = np.random.default_rng(5)
    units: NDArray[np.float64] = every * np.arange(1, looks + 1, dtype=np.float64)
    width = one_sided_mixture.half_width if one_sided else half_width
    variances = [effect.tested_variance / n for n in units.tolist()]
    reach = np.array([width(variance, tau=tau, alpha=0.05) for variance in variances])
    step = every * effect.difference**2 / effect.unit_variance
    scores = np.cumsum(random.normal(step, sqrt(step), (20_000, looks)).astype(np.float32), axis=1)
    differences = scores / (units / every * step) * abs(effect.difference)
    crossed = (differences if one_sided else np.abs(differences)) >= reach
    first = np.where(crossed.any(axis=1), crossed.argmax(axis=1), looks - 1)
    found = differences[np.arange(len(first)), first] > 0
    return units[first].astype(float), found & crossed.any(axis=1)


@pytest.mark.parametrize("one_sided", [False, True])
@pytest.mark.parametrize("share", [0.5, 0.8])
def test_simulated_experiments_end_when_they_should(share: float, one_sided: bool) -> None:
    """The size with 80% power, the mean until the effect is found, and the mean if one stops there."""
    effect = conversion_effect(0.2, change=0.05, treatment_share=share)
    every = sample_size(effect) / 16
    looking = Looking(every=every)
    test = SequentialTest(tau={0.01: 0.6, 0.05: 0.4}, one_sided=one_sided, looking=looking)
    needed = size(effect, test=test)
    assert isinstance(test.tau, dict)
    ends, found = simulated(effect, every=every, tau=test.tau, looks=110, one_sided=one_sided)
    by_then = found & (ends <= needed.units + 1)
    before = found & (ends <= needed.units + 1 - every)
    assert before.mean() < 0.8 + 0.01
    assert by_then.mean() > 0.8 - 0.01
    assert needed.mean_until_found == pytest.approx(ends.mean(), rel=0.015)
    assert needed.mean == pytest.approx(np.minimum(ends, needed.units).mean(), rel=0.015)


def test_looks_that_are_passed_over_are_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of some 170 looks every second is computed; all of them give the same to half a percent."""
    test = SequentialTest(tau=0.01, looking=Looking(every=FIXED / 100))
    some = size(EFFECT, test=test)
    monkeypatch.setattr(module, "_STEPS", 10_000)
    each = size(EFFECT, test=test)
    assert some.units == pytest.approx(each.units, rel=0.005)
    assert some.mean == pytest.approx(each.mean, rel=0.005)
    assert some.mean_until_found == pytest.approx(each.mean_until_found, rel=0.005)


def ratios(needed: Needed) -> tuple[float, float]:
    assert needed.mean_until_found is not None
    return needed.units / FIXED, needed.mean_until_found / FIXED


def test_looking_every_day_for_two_or_four_weeks_has_the_price_that_is_told() -> None:
    """76% more units than one look at 14 looks, 72% at 28, 66% at a hundred; to a look."""
    for looks, price in ((14, 1.76), (28, 1.72), (100, 1.66)):
        test = SequentialTest(tau=0.01, looking=Looking(every=price * FIXED / looks))
        assert ratios(size(EFFECT, test=test))[0] == pytest.approx(price, abs=1.01 * price / looks)


def test_the_number_of_looks_is_four_weeks_where_the_units_a_day_are_not_known() -> None:
    units, mean = ratios(size(EFFECT, test=SequentialTest(tau=0.01)))
    every = units * FIXED / 28
    again = size(EFFECT, test=SequentialTest(tau=0.01, looking=Looking(every=every * 1.0001)))
    assert ratios(again) == pytest.approx((units, mean), rel=0.001)


def test_what_is_looked_for_is_made_of_the_goal_and_the_first_look() -> None:
    """As an analysis makes it: 0.6 of the goal, 0.4 of that standard error; alone without a goal."""
    every = FIXED / 10
    error = sqrt(EFFECT.tested_variance / every)
    looking = Looking(every=every)
    for tau, goal in (({0.02: 0.6, error: 0.4}, 0.02), (error, None)):
        given, made = (
            SequentialTest(tau=tau, looking=looking),
            SequentialTest(goal=goal, looking=looking),
        )
        assert size(EFFECT, test=given) == size(EFFECT, test=made)


def test_nothing_is_found_before_the_gates() -> None:
    test = SequentialTest(tau=0.4, looking=Looking(every=20, least=190))
    needed = size(Effect(0.5, 0.25, 0.25), test=test)
    assert needed.units == 200
    assert needed.mean == needed.mean_until_found == 200


def test_a_one_sided_test_needs_less() -> None:
    two, one = (
        size(EFFECT, test=SequentialTest(one_sided=sided, looking=Looking(every=2_000)))
        for sided in (False, True)
    )
    assert one.units < 0.9 * two.units


def test_without_an_effect_it_goes_on_to_the_planned_size() -> None:
    needed = size(EFFECT, test=SequentialTest(looking=Looking(every=2_000)))
    assert needed.mean_without_effect is not None
    assert 0.96 * needed.units < needed.mean_without_effect < needed.units


def test_the_bounds_are_those_at_which_the_test_itself_stops() -> None:
    test = SequentialTest(tau=0.01)
    effect = Effect(0.01, 0.16, 0.16)
    bound = test.bound(effect, 20_000, first=2_000)
    arms = [Moments(10_000, 0.0, 0.16), Moments(10_000, bound * sqrt(0.64 / 20_000), 0.16)]
    assert sequential(*arms, tau=0.01).p_value == pytest.approx(0.05)


def test_what_cannot_be_planned_is_refused() -> None:
    with pytest.raises(AnalysisError, match="every must be above 0"):
        Looking(every=0)
    with pytest.raises(AnalysisError, match="power must be above alpha"):
        size(EFFECT, test=SequentialTest(), power=0.01)
    with pytest.raises(AnalysisError, match="tau is far from it"):
        size(EFFECT, test=SequentialTest(tau=1e-12, looking=Looking(every=2_000)))


def test_what_does_not_vary_is_found_at_the_gates() -> None:
    effect = Effect(1.0, 0.0, 0.0)
    assert size(effect, test=SequentialTest(looking=Looking(least=200))).units == 200


def test_a_large_effect_is_found_soon_after_the_gates() -> None:
    """Where the power jumps at the gates, the size is that of the gates."""
    effect = conversion_effect(0.02, change=9.0)
    needed = size(effect, test=SequentialTest(goal=0.18, looking=Looking(least=2_500)))
    assert needed.units == pytest.approx(2_500, abs=2)
    assert sample_size(effect) < 100
    later = conversion_effect(0.02, change=1.0)
    test = SequentialTest(goal=0.02, looking=Looking(least=2_500))
    assert 2_500 < size(later, test=test).units < 2 * sample_size(later)
