from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from abkit.analysis.inference import power as package
from abkit.analysis.inference.power import (
    Effect,
    conversion_effect,
    detectable_difference,
    duration,
    mean_effect,
    power_of,
    sample_size,
)
from abkit.analysis.inference.welch import welch
from abkit.analysis.statistics.aggregates import Moments
from abkit.errors import AnalysisError


@pytest.mark.parametrize(
    ("rate", "alpha", "per_arm"),
    [(0.10, 0.05, 57_760), (0.20, 0.05, 25_580), (0.10, 0.10, 45_498), (0.20, 0.10, 20_149)],
)
def test_reference_sizes_to_find_five_percent_more_conversions(
    rate: float, alpha: float, per_arm: int
) -> None:
    found = sample_size(conversion_effect(rate, change=0.05), alpha=alpha)
    assert found / 2 == pytest.approx(per_arm, abs=1)


effects = st.builds(
    Effect,
    st.floats(0.01, 10),
    st.floats(0.1, 100),
    st.floats(0.1, 100),
    st.floats(0.05, 0.95),
)


@given(effects, st.sampled_from([0.01, 0.05, 0.1]), st.floats(0.5, 0.99))
def test_the_sample_size_has_the_power_that_was_asked_for(
    effect: Effect, alpha: float, power: float
) -> None:
    units = sample_size(effect, alpha=alpha, power=power)
    assert power_of(effect, units=units, alpha=alpha) >= power - 1e-9
    if units > 1:
        assert power_of(effect, units=max(1, int(0.9 * units)), alpha=alpha) < power + 0.01


@given(effects, st.floats(0.5, 0.99))
def test_the_detectable_difference_is_the_one_that_needs_so_many_units(
    effect: Effect, power: float
) -> None:
    units = sample_size(effect, power=power)
    found = detectable_difference(effect, units=units, power=power)
    assert found <= effect.difference * (1 + 1e-9)
    assert found >= effect.difference * (1 - 1 / units) * 0.7


def test_the_power_is_what_welchs_test_finds() -> None:
    """2,000 experiments of 80% power, 80/20: between 77% and 83% are significant."""
    effect = conversion_effect(0.1, change=0.2, treatment_share=0.2)
    units = sample_size(effect)
    control_n, treatment_n = round(0.8 * units), round(0.2 * units)
    random = np.random.default_rng(2)
    controls = random.binomial(control_n, 0.1, 2000).tolist()
    treatments = random.binomial(treatment_n, 0.12, 2000).tolist()
    found = sum(
        welch(
            Moments.from_successes(control_n, control),
            Moments.from_successes(treatment_n, treatment),
        ).significant
        for control, treatment in zip(controls, treatments, strict=True)
    )
    assert 0.77 <= found / 2000 <= 0.83


def test_an_even_split_needs_the_fewest_units_of_alike_arms() -> None:
    sizes = [
        sample_size(mean_effect(Moments(100, 10.0, 25.0), change=0.02, treatment_share=share))
        for share in (0.1, 0.3, 0.5, 0.7, 0.9)
    ]
    assert sizes[2] == min(sizes)
    assert sizes == pytest.approx(sizes[::-1], abs=1)


def test_the_effect_on_a_mean_is_relative_to_it() -> None:
    assert mean_effect(Moments(100, 10.0, 25.0), change=-0.02) == Effect(-0.2, 25.0, 25.0)


def test_less_is_found_like_more() -> None:
    more, less = Effect(0.5, 4.0, 4.0), Effect(-0.5, 4.0, 4.0)
    assert sample_size(more) == sample_size(less)
    assert power_of(more, units=100) == power_of(less, units=100)


def test_what_does_not_vary_is_always_found() -> None:
    assert power_of(Effect(1.0, 0.0, 0.0), units=2) == 1.0
    assert Effect(1.0, 0.0, 0.0).caution == 1.0


@pytest.mark.parametrize(
    ("units", "per_day", "so_far", "days"),
    [(1000, 100.0, 0, 10), (1001, 100.0, 0, 11), (1000, 100.0, 950, 1), (1000, 100.0, 1200, 0)],
)
def test_duration_in_whole_days(units: int, per_day: float, so_far: int, days: int) -> None:
    assert duration(units, per_day=per_day, so_far=so_far) == days


@pytest.mark.parametrize("arguments", [(0.0, 1.0, 1.0, 0.5), (1.0, -1.0, 1.0, 0.5), (1, 1, 1, 1)])
def test_an_impossible_effect_is_refused(arguments: tuple[float, float, float, float]) -> None:
    with pytest.raises(AnalysisError, match="An effect needs a difference that is not 0"):
        Effect(*arguments)


@pytest.mark.parametrize(("rate", "change"), [(0.0, 0.1), (1.0, 0.1), (0.8, 0.5)])
def test_an_impossible_conversion_rate_is_refused(rate: float, change: float) -> None:
    with pytest.raises(AnalysisError, match="between 0 and 1, before the change and after"):
        conversion_effect(rate, change=change)


def test_impossible_demands_are_refused() -> None:
    effect = Effect(1.0, 1.0, 1.0)
    with pytest.raises(AnalysisError, match="power must be above alpha"):
        sample_size(effect, power=1.0)
    with pytest.raises(AnalysisError, match="units must be above 0"):
        power_of(effect, units=0)
    with pytest.raises(AnalysisError, match="units must be above 0"):
        detectable_difference(effect, units=0)
    with pytest.raises(AnalysisError, match="per_day must be above 0"):
        duration(100, per_day=0)


def test_a_change_that_no_number_of_units_finds_is_refused() -> None:
    for difference in (1e-160, 1e-320):
        with pytest.raises(AnalysisError, match="too small to be found beside a variance of 1"):
            sample_size(Effect(difference, 1.0, 1.0))


def test_rs_power_prop_test_differs_by_the_pooled_variance_of_no_difference() -> None:
    """R's `power.prop.test` tests with the variance of the pooled rate, which no test of abkit takes.

    The examples of its help page: n = 50 an arm has a power of 0.740, and a power of 90% needs n = 76.7.
    """
    effect = conversion_effect(0.5, change=0.5)
    pooled = 2 * 0.625 * 0.375 / (effect.control_variance + effect.treatment_variance)
    bound = sqrt(pooled) * ndtri(0.975)
    assert (bound + ndtri(0.9)) ** 2 * effect.units_of_one / 2 == pytest.approx(76.7, abs=0.05)
    assert ndtr(sqrt(100 / effect.units_of_one) - bound) == pytest.approx(0.740, abs=0.0005)
    assert sample_size(effect, power=0.9) == 148
    assert power_of(effect, units=100) == pytest.approx(0.76, abs=0.005)


def test_a_one_sided_test_needs_the_units_of_a_two_sided_one_at_twice_the_level() -> None:
    effect = conversion_effect(0.1, change=0.05)
    assert sample_size(effect, alpha=0.05, one_sided=True) == sample_size(effect, alpha=0.1)
    units = sample_size(effect, one_sided=True)
    assert power_of(effect, units=units, one_sided=True) == pytest.approx(0.8, abs=1e-4)
    least = detectable_difference(effect, units=units, one_sided=True)
    assert least == pytest.approx(effect.difference, rel=1e-4)


def test_where_the_larger_arm_varies_more_the_variance_is_that_which_an_analysis_takes() -> None:
    """An analysis never takes less than the pooled variance, so 80% power need a few more units."""
    small, large = (Effect(0.02, 0.09, 0.16, share) for share in (0.2, 0.8))
    assert small.caution == 1
    assert large.caution == pytest.approx(sqrt(0.146 / 0.16 / (0.09 / 0.2 + 0.2)))
    n = sample_size(large)
    random = np.random.default_rng(1)
    errors = sqrt(large.unit_variance / n), sqrt(large.tested_variance / n)
    found = random.normal(0.02, errors[0], 100_000) > 1.959964 * errors[1]
    assert found.mean() == pytest.approx(0.8, abs=0.004)


@pytest.mark.parametrize(
    ("former", "now"),
    [("Plan", Effect), ("conversion_plan", conversion_effect), ("mean_plan", mean_effect)],
)
def test_a_former_name_warns_and_works(former: str, now: object) -> None:
    with pytest.warns(DeprecationWarning, match=f"power.{former} is now"):
        assert getattr(package, former) is now
    with pytest.raises(AttributeError, match="has no attribute 'effect_of'"):
        _ = package.effect_of
