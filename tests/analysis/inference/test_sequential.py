from math import exp, inf, isfinite, log, sqrt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.analysis.inference.comparison import Interval
from abkit.analysis.inference.sequential import (
    goal_tau,
    half_width,
    log_likelihood_ratio,
    sequential,
    tau_for_sample_size,
)
from abkit.analysis.inference.variance import separate
from abkit.analysis.statistics.aggregates import Moments
from abkit.errors import AnalysisError

NORMAL = Moments(10_000, 0.0, 1.0), Moments(10_000, 0.05, 1.0)
EQUAL = Moments.from_successes(5000, 500), Moments.from_successes(5000, 600)
UNEQUAL = Moments.from_successes(4000, 400), Moments.from_successes(6000, 720)


@pytest.mark.parametrize(
    ("arms", "tau", "ratio", "p_value", "reach"),
    [
        (NORMAL, 0.1, 64.1701509452, 0.0155835694, 0.0449927905),
        (EQUAL, 0.02, 31.4358396078, 0.0318108252, 0.0190041641),
        (UNEQUAL, 0.02, 28.0861389850, 0.0356047515, 0.0192363881),
    ],
    ids=["normal", "binary", "binary, unequal sizes"],
)
def test_reference_values_of_the_mixture_test(
    arms: tuple[Moments, Moments], tau: float, ratio: float, p_value: float, reach: float
) -> None:
    found = sequential(*arms, tau=tau, variance_rule=separate)
    assert exp(found.details["log_likelihood_ratio"]) == pytest.approx(ratio, abs=1e-9)
    assert found.p_value == pytest.approx(p_value, abs=1e-9)
    assert found.interval.high - found.difference == pytest.approx(reach, abs=1e-9)
    assert found.difference - found.interval.low == pytest.approx(reach, abs=1e-9)


@pytest.mark.parametrize(
    ("tau", "ratio", "p_value", "low"),
    [(0.01, 20.9160, 0.0478103, 0.0001222), (0.05, 19.0532, 0.0524845, -0.0000961)],
)
def test_reference_values_of_other_taus(
    tau: float, ratio: float, p_value: float, low: float
) -> None:
    found = sequential(*EQUAL, tau=tau)
    assert exp(found.details["log_likelihood_ratio"]) == pytest.approx(ratio, abs=5e-5)
    assert found.p_value == pytest.approx(p_value, abs=5e-8)
    assert found.interval.low == pytest.approx(low, abs=5e-8)


def test_with_equal_sizes_the_default_variance_is_welchs() -> None:
    guarded, plain = (
        sequential(*EQUAL, tau=0.02),
        sequential(*EQUAL, tau=0.02, variance_rule=separate),
    )
    assert guarded == plain


def test_a_small_arm_without_conversions_is_not_trusted() -> None:
    """Its own variance is 0; by Welch's rule that is near certainty after 100 units."""
    control, treatment = Moments.from_successes(900, 27), Moments.from_successes(100, 0)
    assert sequential(control, treatment, tau=0.03, variance_rule=separate).significant
    assert not sequential(control, treatment, tau=0.03).significant


@given(
    st.integers(2, 10**6),
    st.floats(0.01, 100),
    st.floats(-10, 10),
    st.floats(0.001, 10),
)
def test_equal_sizes_give_johari_et_al_form(
    n: int, spread: float, difference: float, tau: float
) -> None:
    """sqrt(2s²/(2s²+n tau²)) exp(n² tau² d²/(4s²(2s²+n tau²)))."""
    whole = 2 * spread + n * tau**2
    expected = 0.5 * log(2 * spread / whole) + (n * tau * difference) ** 2 / (4 * spread * whole)
    found = log_likelihood_ratio(difference, variance=2 * spread / n, tau=tau)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(st.floats(1e-8, 1e4), st.floats(1e-4, 1e3), st.floats(1e-6, 0.5))
def test_at_the_half_width_the_likelihood_ratio_is_one_over_alpha(
    variance: float, tau: float, alpha: float
) -> None:
    reach = half_width(variance, tau=tau, alpha=alpha)
    assert log_likelihood_ratio(reach, variance=variance, tau=tau) == pytest.approx(
        -log(alpha), rel=1e-6, abs=1e-9
    )


@given(st.floats(0, 5), st.floats(0, 5), st.floats(0.001, 10))
def test_the_p_value_never_rises_with_the_size_of_the_difference(
    one: float, other: float, tau: float
) -> None:
    small, large = sorted((one, other))
    control = Moments(100, 1.0, 2.0)
    p_small = sequential(control, Moments(80, 1.0 + small, 3.0), tau=tau).p_value
    p_large = sequential(control, Moments(80, 1.0 + large, 3.0), tau=tau).p_value
    assert p_large <= p_small


def test_an_absurdly_small_tau_decides_nothing() -> None:
    found = sequential(*EQUAL, tau=1e-200)
    assert found.p_value == 1.0
    assert found.interval == Interval(-inf, inf)
    assert found.lift_interval is None


@pytest.mark.parametrize(
    ("control", "treatment"),
    [
        (Moments(5, 0.0, 0.0), Moments(5, 1.0, 0.0)),
        (Moments(1, 1.0, 0.0), Moments(500, 2.0, 1.0)),
        (Moments(500, 1.0, 1.0), Moments(0, 0.0, 0.0)),
    ],
    ids=["constant", "one control", "nobody treated"],
)
def test_data_without_known_uncertainty_decide_nothing(
    control: Moments, treatment: Moments
) -> None:
    found = sequential(control, treatment, tau=0.1)
    assert found.p_value == 1.0
    assert found.interval == Interval(-inf, inf)
    assert found.lift_interval is None
    assert found.details["tau"] == 0.1


@pytest.mark.parametrize("tau", [0.0, -0.1, inf, float("nan")])
def test_a_tau_that_is_no_difference_is_refused(tau: float) -> None:
    with pytest.raises(AnalysisError, match="tau must be a difference above 0"):
        sequential(*EQUAL, tau=tau)


@pytest.mark.parametrize(
    "tau",
    [{}, {0.1: 0.5}, {0.1: 0.5, 0.2: 0.6}, {0.1: 1.5, 0.2: -0.5}, {0.0: 0.5, 0.1: 0.5}],
    ids=["none", "half", "more than all", "a negative weight", "a size of 0"],
)
def test_several_taus_have_weights_that_add_up(tau: dict[float, float]) -> None:
    with pytest.raises(AnalysisError, match="or several with weights that add up to 1"):
        sequential(*EQUAL, tau=tau)


@pytest.mark.parametrize("alternative", ["two-sided", "greater"])
def test_several_taus_are_the_mean_of_their_likelihood_ratios(alternative: Any) -> None:
    weights = {0.004: 0.3, 0.02: 0.5, 0.3: 0.2}
    together = sequential(*EQUAL, tau=weights, alternative=alternative)
    ratios = [
        exp(sequential(*EQUAL, tau=tau, alternative=alternative).details["log_likelihood_ratio"])
        for tau in weights
    ]
    mean = sum(weight * ratio for weight, ratio in zip(weights.values(), ratios, strict=True))
    assert exp(together.details["log_likelihood_ratio"]) == pytest.approx(mean, rel=1e-12)
    assert "tau" not in together.details
    twice = sequential(*EQUAL, tau={0.02: 1.0}, alternative=alternative)
    assert twice.p_value == sequential(*EQUAL, tau=0.02, alternative=alternative).p_value


@given(
    st.floats(1e-9, 1e9),
    st.dictionaries(st.floats(1e-3, 1e3), st.integers(1, 9), min_size=1, max_size=4),
    st.sampled_from([0.5, 0.05, 1e-6]),
)
def test_at_the_half_width_the_evidence_is_one_over_alpha(
    variance: float, shares: dict[float, int], alpha: float
) -> None:
    whole = sum(shares.values())
    tau = {size * sqrt(variance): share / whole for size, share in shares.items()}
    width = half_width(variance, tau=tau, alpha=alpha)
    ratio = log_likelihood_ratio(width, variance=variance, tau=tau)
    assert ratio == pytest.approx(-log(alpha), rel=1e-9)
    narrowest = min(half_width(variance, tau=size, alpha=alpha) for size in tau)
    assert narrowest <= width * (1 + 1e-12)


@pytest.mark.parametrize("tau", [1e200, 1e-200])
def test_no_tau_is_too_large_or_too_small_to_compute(tau: float) -> None:
    ratio = log_likelihood_ratio(1.0, variance=1e-4, tau=tau)
    assert isfinite(ratio)
    assert half_width(1e-4, tau=tau, alpha=0.05) > 0
    both = half_width(1e-4, tau={tau: 0.5, 0.01: 0.5}, alpha=0.05)
    assert 0.02 < both < 0.1


@pytest.mark.parametrize(
    ("mean", "goal", "tau"),
    [(0.1, 0.05, 0.005), (-40.0, 0.1, 4.0), (0.0, 0.05, 0.05)],
    ids=["a rate", "negative mean", "mean of 0"],
)
def test_the_tau_of_a_goal_is_the_goal_in_the_metrics_unit(
    mean: float, goal: float, tau: float
) -> None:
    assert goal_tau(mean, goal) == pytest.approx(tau)


@pytest.mark.parametrize(
    ("mean", "goal"), [(0.1, 0.0), (0.1, -0.02), (inf, 0.02), (float("nan"), 0.02)]
)
def test_a_tau_is_not_made_of_what_is_no_number(mean: float, goal: float) -> None:
    with pytest.raises(AnalysisError, match="goal above 0 and a finite control mean"):
        goal_tau(mean, goal)


def test_the_normal_mixture_of_confseq_is_the_same() -> None:
    """confseq's unit tests: v = v_opt = 100, alpha .05: rho, log-mixture(10), bound."""
    tau = tau_for_sample_size(1 / 100, units=100, sample_size=100)
    assert 1 / tau**2 == pytest.approx(12.60056, abs=5e-6)
    assert log_likelihood_ratio(0.1, variance=1 / 100, tau=tau) == pytest.approx(
        -0.6510052, abs=5e-8
    )
    assert 100 * half_width(1 / 100, tau=tau, alpha=0.05) == pytest.approx(30.35209, abs=5e-6)


@pytest.mark.parametrize(
    ("arms", "sample_size", "lift", "low", "high"),
    [
        (
            (Moments.from_successes(3000, 1396), Moments.from_successes(3461, 2422)),
            5000,
            0.50386,
            0.40098,
            0.60675,
        ),
        (
            (
                Moments.from_sums(3000, 1396.87, 52377.9767),
                Moments.from_sums(3461, 2422.7, 134698.29),
            ),
            1000,
            0.50336,
            -0.55844,
            1.56516,
        ),
    ],
    ids=["proportions", "means"],
)
def test_further_relative_sequences_of_gbstats(
    arms: tuple[Moments, Moments],
    sample_size: int,
    lift: float,
    low: float,
    high: float,
) -> None:
    own, (mean, other) = separate(*arms), (arm.mean for arm in arms)
    found, error = other / mean - 1, sqrt(own.treatment + own.control * (other / mean) ** 2) / mean
    tau = tau_for_sample_size(error**2, units=arms[0].n + arms[1].n, sample_size=sample_size)
    reach = half_width(error**2, tau=tau, alpha=0.05)
    assert found == pytest.approx(lift, abs=6e-6)
    assert (found - reach, found + reach) == pytest.approx((low, high), abs=6e-6)


@given(st.integers(10, 10**6), st.floats(0.1, 10))
def test_no_other_tau_has_a_narrower_interval_at_the_planned_size(n: int, factor: float) -> None:
    variance = 2.0 / n
    tau = tau_for_sample_size(variance, units=2 * n, sample_size=2 * n)
    narrowest = half_width(variance, tau=tau, alpha=0.05)
    # Waudby-Smith et al.'s closed form is within 0.3% of the exact optimum.
    assert narrowest <= 1.003 * half_width(variance, tau=factor * tau, alpha=0.05)


@pytest.mark.parametrize("arguments", [(0.0, 10, 10), (1.0, 0, 10), (1.0, 10, 0)])
def test_a_sample_size_of_nothing_has_no_tau(arguments: tuple[float, int, int]) -> None:
    variance, units, sample_size = arguments
    with pytest.raises(AnalysisError, match="numbers above 0"):
        tau_for_sample_size(variance, units=units, sample_size=sample_size)


def test_the_standard_error_is_in_the_details() -> None:
    found = sequential(*EQUAL, tau=0.02)
    assert found.details["standard_error"] == pytest.approx(sqrt((0.09 + 0.1056) / 5000))


@pytest.mark.parametrize("alternative", ["two-sided", "greater"])
@pytest.mark.parametrize("tau", [1e100, 1e160, 1e300])
def test_a_tau_far_beyond_the_variance_has_an_interval(tau: float, alternative: Any) -> None:
    """tau² / V is no float any more; the interval grows with the square root of its logarithm."""
    for difference in (1e-9, 1e-11):
        arms = Moments(1_000, 0.0, 1e-20), Moments(1_000, difference, 1e-20)
        found = sequential(*arms, tau=tau, alternative=alternative)
        error = found.details["standard_error"]
        assert 20 * error < difference - found.interval.low < 40 * error
        assert found.significant is (found.interval.low > 0) is (difference == 1e-9)
