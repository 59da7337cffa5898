from math import inf

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from abkit.analysis.inference.bayesian import (
    MeanPosterior,
    RatePosterior,
    bayesian_means,
    bayesian_rates,
    chances_to_be_highest,
    chances_to_be_lowest,
)
from abkit.analysis.inference.comparison import Interval
from abkit.analysis.statistics.aggregates import Moments
from abkit.errors import AnalysisError

converted = st.integers(0, 10**5).flatmap(
    lambda n: st.builds(Moments.from_successes, st.just(n), st.integers(0, n))
)
measured = st.builds(
    Moments, n=st.integers(2, 10**6), mean=st.floats(-100, 100), variance=st.floats(0.01, 1e4)
)


def test_one_exposure_without_conversion_has_a_mean_of_a_third() -> None:
    found = bayesian_rates(Moments.from_successes(1, 0), Moments.from_successes(1, 0))
    assert found.details["control_posterior_mean"] == pytest.approx(1 / 3)
    assert found.details["chance_to_beat_control"] == pytest.approx(0.5)
    assert found.p_value == pytest.approx(1.0)


def test_the_chance_of_small_samples_is_the_exact_one() -> None:
    """Of Beta(a, b) against Beta(1, 1): P(X > U) is the mean of X."""
    nothing = Moments.from_successes(0, 0)
    for n, successes in ((3, 1), (10, 0), (1000, 400)):
        found = bayesian_rates(nothing, Moments.from_successes(n, successes))
        chance = found.details["chance_to_beat_control"]
        assert chance == pytest.approx((1 + successes) / (2 + n), rel=1e-9)


def test_the_chance_and_the_intervals_are_those_of_draws() -> None:
    control, treatment = Moments.from_successes(500, 40), Moments.from_successes(450, 50)
    random = np.random.default_rng(6)
    before, after = random.beta(41, 461, 400_000), random.beta(51, 401, 400_000)
    found = bayesian_rates(control, treatment)
    chance = found.details["chance_to_beat_control"]
    assert chance == pytest.approx((after > before).mean(), abs=0.003)
    ends = np.quantile(after - before, [0.025, 0.975])
    assert (found.interval.low, found.interval.high) == pytest.approx(tuple(ends), abs=3e-4)
    ratios = np.quantile(after / before - 1, [0.025, 0.975])
    assert found.lift_interval is not None
    assert found.lift_interval.low == pytest.approx(ratios[0], abs=0.006)
    assert found.lift_interval.high == pytest.approx(ratios[1], abs=0.012)


@settings(max_examples=30, deadline=None)
@given(converted, converted, st.sampled_from([0.01, 0.05, 0.1]))
def test_the_intervals_of_rates_exclude_zero_exactly_when_the_chance_is_extreme(
    control: Moments, treatment: Moments, alpha: float
) -> None:
    found = bayesian_rates(control, treatment, alpha=alpha)
    chance = found.details["chance_to_beat_control"]
    assume(min(abs(chance - alpha / 2), abs(chance - 1 + alpha / 2)) > 1e-12)
    extreme = chance >= 1 - alpha / 2 or chance <= alpha / 2
    assert found.significant == extreme
    assert (found.interval.low <= 0 <= found.interval.high) != extreme
    if found.lift_interval is not None:
        assert (found.lift_interval.low <= 0 <= found.lift_interval.high) != extreme


@settings(max_examples=30, deadline=None)
@given(converted, converted)
def test_swapping_the_arms_gives_the_other_chance(control: Moments, treatment: Moments) -> None:
    found, swapped = bayesian_rates(control, treatment), bayesian_rates(treatment, control)
    assert swapped.details["chance_to_beat_control"] == pytest.approx(
        1 - found.details["chance_to_beat_control"], abs=1e-9
    )
    assert swapped.interval.low == pytest.approx(-found.interval.high, abs=1e-3)


def test_two_and_a_half_and_ninety_seven_and_a_half_percent_are_significant() -> None:
    control = Moments(10_000, 0.0, 1.0)
    above, below = Moments(10_000, 0.0278, 1.0), Moments(10_000, 0.0276, 1.0)
    assert bayesian_means(control, above).details["chance_to_beat_control"] > 0.975
    assert bayesian_means(control, above).significant
    assert bayesian_means(control, below).details["chance_to_beat_control"] < 0.975
    assert not bayesian_means(control, below).significant
    assert bayesian_means(above, control).significant


@given(measured, measured)
def test_the_interval_of_means_has_zero_exactly_when_it_is_not_significant(
    control: Moments, treatment: Moments
) -> None:
    found = bayesian_means(control, treatment)
    assert found.significant != (found.interval.low <= 0 <= found.interval.high)


def test_means_of_unknown_uncertainty_decide_nothing() -> None:
    for control, treatment in (
        (Moments(1, 1.0, 0.0), Moments(50, 2.0, 1.0)),
        (Moments(50, 1.0, 0.0), Moments(50, 2.0, 0.0)),
    ):
        found = bayesian_means(control, treatment)
        assert found.details["chance_to_beat_control"] == 0.5
        assert found.interval == Interval(-inf, inf)


def test_the_chances_to_be_best_are_those_of_draws() -> None:
    """Of a wide, a narrow and a very narrow belief."""
    arms = [Moments.from_successes(*arm) for arm in ((1000, 100), (50, 6), (100_000, 10_500))]
    posteriors = [RatePosterior.of(arm) for arm in arms]
    random = np.random.default_rng(8)
    draws = np.stack([random.beta(p.converted, p.others, 300_000) for p in posteriors])
    highest = np.bincount(draws.argmax(axis=0)) / 300_000
    lowest = np.bincount(draws.argmin(axis=0)) / 300_000
    assert chances_to_be_highest(posteriors) == pytest.approx(tuple(highest), abs=0.004)
    assert chances_to_be_lowest(posteriors) == pytest.approx(tuple(lowest), abs=0.004)


def test_of_two_the_chance_to_be_highest_is_that_to_beat_the_other() -> None:
    control, treatment = Moments(900, 10.0, 30.0), Moments(1000, 10.2, 40.0)
    chance = bayesian_means(control, treatment).details["chance_to_beat_control"]
    posteriors = [MeanPosterior.of(control), MeanPosterior.of(treatment)]
    assert chances_to_be_highest(posteriors) == pytest.approx((1 - chance, chance), abs=1e-4)
    assert chances_to_be_lowest(posteriors) == pytest.approx((chance, 1 - chance), abs=1e-4)


@settings(max_examples=30, deadline=None)
@given(st.lists(converted, min_size=1, max_size=5))
def test_somebody_is_the_best(arms: list[Moments]) -> None:
    posteriors = [RatePosterior.of(arm) for arm in arms]
    assert sum(chances_to_be_highest(posteriors)) == pytest.approx(1.0)
    assert sum(chances_to_be_lowest(posteriors)) == pytest.approx(1.0)


def test_what_is_no_rate_or_has_no_uncertainty_is_refused() -> None:
    with pytest.raises(AnalysisError, match="conversion rate must be between 0 and 1"):
        bayesian_rates(Moments(10, 1.5, 1.0), Moments(10, 0.5, 0.25))
    with pytest.raises(AnalysisError, match="two units or more"):
        MeanPosterior.of(Moments(1, 1.0, 0.0))
