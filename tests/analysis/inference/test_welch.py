from math import inf
from typing import get_args

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from abkit.analysis.inference.comparison import Interval
from abkit.analysis.inference.decision import Alternative
from abkit.analysis.inference.welch import welch
from abkit.analysis.statistics.aggregates import Moments
from abkit.errors import AnalysisError

GB_CONTROL = Moments.from_sums(3407, 1396.87, 52377.9767)
GB_TREATMENT = Moments.from_sums(3461, 2422.7, 134698.29)


def of(values: list[float]) -> Moments:
    return Moments(len(values), float(np.mean(values)), float(np.var(values, ddof=1)))


@pytest.mark.parametrize(
    ("alpha", "low", "high"), [(0.01, -1.255391, -0.841735), (0.001, -1.314140, -0.782024)]
)
def test_other_confidence_levels_are_those_of_spotify(
    alpha: float, low: float, high: float
) -> None:
    control, treatment = Moments.from_sums(104, 312, 984), Moments.from_sums(1009, 1969, 5767)
    found = welch(control, treatment, alpha=alpha)
    assert found.interval.low == pytest.approx(low, rel=1e-3)
    assert found.interval.high == pytest.approx(high, rel=1e-3)


@given(
    st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30).filter(lambda x: np.ptp(x) > 1e-2),
    st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30).filter(lambda x: np.ptp(x) > 1e-2),
    st.sampled_from(get_args(Alternative)),
)
def test_it_is_scipys_test_of_the_units(
    control: list[float], treatment: list[float], alternative: Alternative
) -> None:
    oracle = scipy.stats.ttest_ind(treatment, control, equal_var=False, alternative=alternative)
    interval = oracle.confidence_interval(0.9)
    found = welch(of(control), of(treatment), alpha=0.1, alternative=alternative)
    assert found.p_value == pytest.approx(oracle.pvalue, rel=1e-6, abs=1e-12)
    assert found.interval.low == pytest.approx(interval.low, rel=1e-6, abs=1e-6)
    assert found.interval.high == pytest.approx(interval.high, rel=1e-6, abs=1e-6)


def test_one_sided_intervals_have_one_infinite_end() -> None:
    greater = welch(GB_CONTROL, GB_TREATMENT, alternative="greater")
    less = welch(GB_CONTROL, GB_TREATMENT, alternative="less")
    assert greater.interval.high == inf
    assert less.interval.low == -inf
    assert greater.lift_interval is not None
    assert greater.lift_interval.high == inf
    assert less.lift_interval is not None
    assert less.lift_interval.low == -inf


def test_one_sided_lower_end_is_that_of_gbstats() -> None:
    control, treatment = (
        Moments.from_sums(3000, 1396.87, 52377.9767),
        Moments.from_sums(3461, 2422.7, 134698.29),
    )
    found = welch(control, treatment, alternative="greater")
    assert found.difference == pytest.approx(0.234377, abs=1e-6)
    assert found.interval.low == pytest.approx(0.020791, abs=1e-6)
    assert found.p_value == pytest.approx(0.035543, abs=1e-6)


def test_identical_means_have_p_one_and_a_centred_interval() -> None:
    found = welch(Moments(50, 3.0, 2.0), Moments(60, 3.0, 4.0))
    assert found.p_value == 1.0
    assert found.interval.low == -found.interval.high


def test_one_arm_without_variance_is_tested_by_the_other() -> None:
    found = welch(Moments(50, 0.0, 0.0), Moments(50, 0.5, 0.25))
    assert found.details["degrees_of_freedom"] == pytest.approx(49)
    assert found.significant


@pytest.mark.parametrize(
    ("control", "treatment"),
    [
        (Moments(5, 0.0, 0.0), Moments(5, 1.0, 0.0)),
        (Moments(5, 1.0, 0.0), Moments(5, 1.0, 0.0)),
        (Moments(1, 1.0, 0.0), Moments(500, 2.0, 1.0)),
        (Moments(500, 1.0, 1.0), Moments(1, 2.0, 0.0)),
        (Moments(0, 0.0, 0.0), Moments(0, 0.0, 0.0)),
    ],
    ids=["constant", "constant and equal", "one control", "one treated", "nobody"],
)
def test_data_without_known_uncertainty_decide_nothing(
    control: Moments, treatment: Moments
) -> None:
    found = welch(control, treatment)
    assert found.p_value == 1.0
    assert found.interval == Interval(-inf, inf)
    assert found.lift_interval is None
    assert not found.significant


@pytest.mark.parametrize("alpha", [0.0, -0.05, 0.6, 1.0, float("nan")])
def test_an_impossible_alpha_is_refused(alpha: float) -> None:
    with pytest.raises(AnalysisError, match="alpha must be above 0"):
        welch(GB_CONTROL, GB_TREATMENT, alpha=alpha)


def test_an_unknown_alternative_is_refused() -> None:
    with pytest.raises(AnalysisError, match="'two-sided', 'greater', 'less'"):
        welch(GB_CONTROL, GB_TREATMENT, alternative="larger")  # type: ignore[arg-type]
