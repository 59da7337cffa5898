"""The ratio of two means, each believed to be normal, beside draws of both."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.analysis.inference.bayesian import bayesian_means
from abkit.analysis.inference.ratio_posterior import RatioPosterior
from abkit.analysis.inference.relative import lift_interval
from abkit.analysis.inference.variance import separate
from abkit.analysis.statistics.aggregates import Moments

UNITS = 100


def mean(found: float, error: float) -> Moments:
    return Moments(UNITS, found, UNITS * error * error)


@pytest.mark.parametrize(
    ("control", "treatment"),
    [
        ((10, 1), (11, 1)),
        ((1, 0.3), (2, 0.45)),
        ((1, 0.4), (1.8, 0.55)),
        ((1, 0.49), (0.5, 0.3)),
        ((1, 0.45), (-1.8, 0.1)),
        ((1, 0.4), (0, 0.5)),
        ((1, 0.4), (2.2, 0)),
        ((1, 0.45), (-1.8, 0)),
        ((1e6, 1), (1e6 + 2, 1)),
    ],
)
def test_the_lift_interval_is_that_of_draws(
    control: tuple[float, float], treatment: tuple[float, float]
) -> None:
    found = bayesian_means(mean(*control), mean(*treatment))
    random = np.random.default_rng(3)
    lifts = random.normal(*treatment, 1_000_000) / random.normal(*control, 1_000_000) - 1
    assert found.lift_interval is not None
    ends = found.lift_interval.low, found.lift_interval.high
    assert [(lifts < end).mean() for end in ends] == pytest.approx([0.025, 0.975], abs=0.0006)


def test_a_control_whose_mean_is_far_from_0_has_fiellers_interval() -> None:
    control, treatment = mean(10, 1), mean(11, 1.2)
    found = bayesian_means(control, treatment).lift_interval
    fieller = lift_interval(
        control, treatment, variances=separate(control, treatment), critical=1.959963984540054
    )
    assert found is not None
    assert fieller is not None
    assert found.low == pytest.approx(fieller.low, rel=1e-9)
    assert found.high == pytest.approx(fieller.high, rel=1e-9)


@given(
    st.floats(0.05, 0.49),
    st.floats(-5, 5),
    st.floats(0, 2),
    st.lists(st.floats(-50, 50), min_size=2, max_size=5),
)
def test_probabilities_rise_from_0_to_1(
    control: float, found: float, error: float, values: list[float]
) -> None:
    posterior = RatioPosterior.of(mean(1, control), mean(found, error))
    below = [posterior.below(value) for value in [-1e12, *sorted(values), 1e12]]
    assert below[0] == pytest.approx(0, abs=1e-9)
    assert below[-1] == pytest.approx(1, abs=1e-9)
    assert all(after >= before - 1e-12 for before, after in pairwise(below))


@given(st.floats(0.01, 0.49), st.floats(-5, 5), st.floats(0, 2), st.sampled_from([0.01, 0.05, 0.5]))
def test_the_interval_leaves_half_of_alpha_on_each_side(
    control: float, found: float, error: float, alpha: float
) -> None:
    posterior = RatioPosterior.of(mean(1, control), mean(found, max(error, 0.01)))
    interval = posterior.interval(alpha)
    assert posterior.below(interval.low) == pytest.approx(alpha / 2, abs=1e-9)
    assert posterior.below(interval.high) == pytest.approx(1 - alpha / 2, abs=1e-9)
