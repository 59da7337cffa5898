from math import inf, sqrt

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.special import ndtri

from abkit.analysis.inference.relative import lift, lift_interval
from abkit.analysis.inference.variance import MeanVariances, separate
from abkit.analysis.inference.welch import welch
from abkit.analysis.statistics.aggregates import Moments

Z = float(ndtri(0.975))


def test_it_is_fiellers_interval() -> None:
    """0.10 against 0.12 of 5,000 each: [.07320, .34351]; the linear delta method has .06557, .33443."""
    arms = Moments.from_successes(5000, 500), Moments.from_successes(5000, 600)
    found = lift_interval(*arms, variances=separate(*arms), critical=Z)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.07320, 0.34351), abs=5e-6)


@given(
    st.floats(1, 100),
    st.floats(0, 200),
    st.floats(1e-4, 10),
    st.floats(1e-4, 10),
    st.floats(0.5, 6),
)
def test_its_ends_are_the_lifts_that_the_test_of_the_difference_just_rejects(
    control_mean: float, treatment_mean: float, own: float, others: float, critical: float
) -> None:
    control, treatment = Moments(100, control_mean, 0.1), Moments(100, treatment_mean, 0.1)
    variances = MeanVariances(own, others)
    found = lift_interval(control, treatment, variances=variances, critical=critical)
    assume(found is not None)
    assert found is not None
    assume(critical**2 * own / control_mean**2 < 0.99)
    for end in (found.low, found.high):
        distance = treatment_mean - (1 + end) * control_mean
        standard_error = sqrt(others + (1 + end) ** 2 * own)
        assert abs(distance) / standard_error == pytest.approx(critical, rel=1e-6)


@pytest.mark.parametrize(
    ("control", "why"),
    [
        (Moments(100, 0.0, 1.0), "zero"),
        (Moments(100, 0.0, 0.0), "zero without variance"),
        (Moments(100, -5.0, 1.0), "negative"),
        (Moments(100, 0.19, 1.0), "within two standard errors of zero"),
        (Moments(1, 5.0, 0.0), "one unit"),
    ],
)
def test_there_is_no_lift_over_a_control_mean_that_cannot_be_divided_by(
    control: Moments, why: str
) -> None:
    found = welch(control, Moments(100, 6.0, 1.0))
    assert found.lift is None, why
    assert found.lift_interval is None, why


def test_the_lift_is_relative_to_the_control() -> None:
    assert lift(Moments(100, 0.5, 0.25), Moments(100, 0.6, 0.24)) == pytest.approx(0.2)


def test_a_control_mean_that_is_uncertain_at_the_level_has_a_lift_but_no_interval() -> None:
    control, treatment = Moments(100, 0.25, 1.0), Moments(100, 0.6, 1.0)
    found = welch(control, treatment, alpha=0.001)
    assert found.lift == pytest.approx(1.4)
    assert found.lift_interval is None


def test_a_treatment_without_conversions_has_an_interval() -> None:
    """Where the log ratio has none."""
    found = welch(Moments.from_successes(1000, 100), Moments.from_successes(1000, 0))
    assert found.lift == -1.0
    assert found.lift_interval is not None
    assert found.significant


def test_a_one_sided_lift_has_one_infinite_end() -> None:
    arms = Moments.from_successes(5000, 500), Moments.from_successes(5000, 600)
    found = welch(*arms, alternative="greater")
    two_sided = welch(*arms, alpha=0.1)
    assert found.lift_interval is not None
    assert two_sided.lift_interval is not None
    assert found.lift_interval.high == inf
    assert found.lift_interval.low == pytest.approx(two_sided.lift_interval.low)


@pytest.mark.parametrize("true_lift", [0.0, 0.1, 0.5])
@pytest.mark.parametrize(("control_n", "treatment_n"), [(5000, 5000), (9000, 1000), (1000, 9000)])
def test_it_has_the_true_lift_as_often_as_it_says(
    true_lift: float, control_n: int, treatment_n: int
) -> None:
    """Conversions of 10%; 2,000 experiments, so that 95% is found as 93.5% to 96.5%."""
    random = np.random.default_rng(20240607)
    controls = random.binomial(control_n, 0.1, 2000)
    treatments = random.binomial(treatment_n, 0.1 * (1 + true_lift), 2000)
    hits = 0
    for control, treatment in zip(controls.tolist(), treatments.tolist(), strict=True):
        interval = welch(
            Moments.from_successes(control_n, control),
            Moments.from_successes(treatment_n, treatment),
        ).lift_interval
        assert interval is not None
        hits += interval.low <= true_lift <= interval.high
    assert 0.935 <= hits / 2000 <= 0.965
