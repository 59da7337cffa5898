from math import exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.analysis.inference.proportion_sequence import (
    LEAST_CONCENTRATION,
    concentration_for_sample_size,
    log_mixture_ratio,
    proportion_sequence,
)
from abkit.analysis.inference.srm import sequential_srm
from abkit.errors import AnalysisError

counts = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, st.floats(0.01, 0.99), st.floats(0.1, 1e4))
def test_the_evidence_is_that_of_the_sequential_sample_ratio_of_two_variants(
    found: tuple[int, int], at: float, concentration: float
) -> None:
    successes, units = found
    evidence = log_mixture_ratio(successes, units, at=at, concentration=concentration)
    p_value = sequential_srm(
        (successes, units - successes), (at, 1 - at), concentrations=[concentration]
    )
    assert exp(-max(0.0, evidence)) == pytest.approx(p_value, rel=1e-6)


@given(counts, st.floats(0.1, 1e4), st.sampled_from([0.5, 0.05, 1e-4]))
def test_it_holds_the_proportions_that_are_not_rejected_and_no_others(
    found: tuple[int, int], concentration: float, alpha: float
) -> None:
    successes, units = found
    interval = proportion_sequence(successes, units, concentration=concentration, alpha=alpha)
    assert 0 <= interval.low <= successes / units <= interval.high <= 1
    for at in np.linspace(0.001, 0.999, 101).tolist():
        evidence = log_mixture_ratio(successes, units, at=at, concentration=concentration)
        if abs(evidence + np.log(alpha)) > 1e-6:
            assert (evidence < -np.log(alpha)) == (interval.low <= at <= interval.high)


@given(counts, st.floats(0.1, 1e4))
def test_failures_have_the_mirrored_interval(found: tuple[int, int], concentration: float) -> None:
    successes, units = found
    one = proportion_sequence(successes, units, concentration=concentration)
    other = proportion_sequence(units - successes, units, concentration=concentration)
    assert (1 - other.high, 1 - other.low) == pytest.approx((one.low, one.high), abs=1e-12)


def test_it_misses_rarely_at_any_of_all_looks() -> None:
    """A thousand sequences of a thousand units, each unit being a look; at most 5% may ever miss."""
    random = np.random.default_rng(8)
    concentration = concentration_for_sample_size(500)
    successes = (random.random((1000, 1000)) < 0.3).cumsum(axis=1)
    missed = np.zeros(1000, bool)
    for units in range(10, 1001, 10):
        kept = [
            k
            for k in range(units + 1)
            if log_mixture_ratio(k, units, at=0.3, concentration=concentration) < np.log(20)
        ]
        outside = (successes[:, units - 1] < kept[0]) | (successes[:, units - 1] > kept[-1])
        missed |= outside
    assert 0.005 < np.mean(missed) <= 0.05


def test_without_any_success_the_interval_begins_at_0_and_one_unit_says_nothing() -> None:
    assert proportion_sequence(0, 50, concentration=10).low == 0.0
    assert proportion_sequence(50, 50, concentration=10).high == 1.0
    for successes in (0, 1):
        found = proportion_sequence(successes, 1, concentration=10)
        assert (found.low, found.high) == (0.0, 1.0)


def test_a_tiny_proportion_keeps_its_digits() -> None:
    found = proportion_sequence(20, 10**9, concentration=1e6)
    evidence = log_mixture_ratio(20, 10**9, at=found.low, concentration=1e6)
    assert 0 < found.low < 2e-8 < found.high
    assert evidence == pytest.approx(np.log(20), abs=1e-3)


def test_the_planned_size_has_nearly_the_narrowest_interval() -> None:
    def width(planned: int) -> float:
        found = proportion_sequence(300, 1000, concentration=concentration_for_sample_size(planned))
        return found.high - found.low

    assert width(1000) < width(100)
    assert width(1000) < width(10_000)


def test_a_plan_of_a_few_units_has_the_least_concentration() -> None:
    assert concentration_for_sample_size(1) == LEAST_CONCENTRATION


@pytest.mark.parametrize(("successes", "units"), [(-1, 5), (6, 5), (0, 0)])
def test_impossible_counts_are_refused(successes: int, units: int) -> None:
    with pytest.raises(AnalysisError, match="0 <= successes <= units"):
        proportion_sequence(successes, units, concentration=10)


@pytest.mark.parametrize("concentration", [0.0, -1.0, float("inf"), float("nan")])
def test_an_impossible_concentration_is_refused(concentration: float) -> None:
    with pytest.raises(AnalysisError, match="concentration above 0"):
        proportion_sequence(1, 5, concentration=concentration)


def test_other_impossible_arguments_are_refused() -> None:
    with pytest.raises(AnalysisError, match="above 0 and below 1"):
        log_mixture_ratio(1, 5, at=0.0, concentration=1.0)
    with pytest.raises(AnalysisError, match="sample_size must be above 0"):
        concentration_for_sample_size(0)
    with pytest.raises(AnalysisError, match="alpha must be above 0"):
        proportion_sequence(1, 5, concentration=1.0, alpha=1.0)
