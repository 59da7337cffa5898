import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.analysis.inference.variance import (
    MeanVariances,
    at_least_pooled,
    pooled_difference,
    separate,
)
from abkit.analysis.statistics.aggregates import Moments

arms = st.builds(Moments, n=st.integers(2, 10**7), mean=st.just(0.0), variance=st.floats(1e-6, 1e6))


def test_welch_rule_divides_each_variance_by_its_own_size() -> None:
    assert separate(Moments(4, 0.0, 8.0), Moments(10, 0.0, 5.0)) == MeanVariances(2.0, 0.5)


def test_pooled_variance_is_that_of_students_test() -> None:
    control, treatment = Moments(11, 0.0, 2.0), Moments(21, 0.0, 5.0)
    assert pooled_difference(control, treatment) == pytest.approx(4.0 * (1 / 11 + 1 / 21))


@given(arms, arms)
def test_the_guarded_rule_is_the_larger_of_welch_and_pooled(
    control: Moments, treatment: Moments
) -> None:
    larger = max(separate(control, treatment).difference, pooled_difference(control, treatment))
    assert at_least_pooled(control, treatment).difference == pytest.approx(larger, rel=1e-12)


@given(arms, st.floats(1e-6, 1e6))
def test_with_equal_sizes_the_guarded_rule_is_welchs(control: Moments, variance: float) -> None:
    treatment = Moments(control.n, 1.0, variance)
    assert at_least_pooled(control, treatment) == separate(control, treatment)


def test_the_excess_goes_to_the_smaller_arm() -> None:
    large, small = Moments(9000, 0.02, 0.0196), Moments(1000, 0.001, 0.000999)
    as_treatment, as_control = at_least_pooled(large, small), at_least_pooled(small, large)
    assert as_treatment.control == pytest.approx(0.0196 / 9000)
    assert as_treatment.treatment > 0.000999 / 1000
    assert (as_control.control, as_control.treatment) == (
        as_treatment.treatment,
        as_treatment.control,
    )
