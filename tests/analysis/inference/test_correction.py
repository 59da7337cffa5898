from collections.abc import Callable, Sequence

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from abkit.analysis.inference.correction import (
    benjamini_hochberg,
    bonferroni,
    effective_alphas,
    holm,
)
from abkit.errors import AnalysisError

Correction = Callable[[Sequence[float]], tuple[float, ...]]

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=20)


def test_bonferroni_multiplies_by_the_number() -> None:
    assert bonferroni([0.01, 0.02, 0.5]) == pytest.approx((0.03, 0.06, 1.0))


def test_holm_multiplies_by_the_number_that_remains() -> None:
    """By hand: .01·4, .02·3, then max(.03·2, .06), max(.04·1, .06)."""
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx((0.06, 0.04, 0.06, 0.06))


@given(p_values)
def test_benjamini_hochberg_is_scipys(values: list[float]) -> None:
    expected = scipy.stats.false_discovery_control(values)
    assert benjamini_hochberg(values) == pytest.approx(tuple(expected), rel=1e-12)


@given(p_values)
def test_the_corrections_are_ordered_by_how_much_they_promise(values: list[float]) -> None:
    every = zip(values, benjamini_hochberg(values), holm(values), bonferroni(values), strict=True)
    for raw, discovery, step_down, single in every:
        assert raw <= discovery * (1 + 1e-12)
        assert discovery <= step_down * (1 + 1e-12)
        assert step_down <= single * (1 + 1e-12)
        assert single <= 1


@pytest.mark.parametrize("correction", [bonferroni, holm, benjamini_hochberg])
@given(values=p_values)
def test_the_order_of_the_comparisons_stays(correction: Correction, values: list[float]) -> None:
    adjusted = correction(values)
    pairs = sorted(zip(values, adjusted, strict=True))
    assert [after for _, after in pairs] == sorted(adjusted)


@pytest.mark.parametrize("correction", [bonferroni, holm, benjamini_hochberg])
def test_one_comparison_needs_no_correction(correction: Correction) -> None:
    assert correction([0.03]) == (0.03,)
    assert correction([]) == ()


@pytest.mark.parametrize("correction", [bonferroni, holm, benjamini_hochberg])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(correction: Correction, value: float) -> None:
    with pytest.raises(AnalysisError, match="between 0 and 1"):
        correction([0.5, value])


@given(
    st.lists(st.one_of(st.floats(0, 1), st.floats(0, 1e-3), st.just(0.0)), min_size=1, max_size=12),
    st.sampled_from([bonferroni, holm, benjamini_hochberg]),
    st.sampled_from([0.01, 0.05, 0.2, 0.5]),
)
def test_effective_alphas_give_each_comparison_the_verdict_of_the_correction(
    found: list[float], correct: Correction, level: float
) -> None:
    alphas = effective_alphas(found, correct, level=level)
    rejected = [adjusted <= level for adjusted in correct(found)]
    assert [p <= alpha for p, alpha in zip(found, alphas, strict=True)] == rejected
    assert all(0 <= alpha <= level * (1 + 1e-12) for alpha in alphas)
    assert all(
        alpha >= level / len(found) * (1 - 1e-9)
        for alpha, r in zip(alphas, rejected, strict=True)
        if r
    )


def test_effective_alphas_are_the_level_over_the_factor() -> None:
    """Holm multiplies by 3, 2 and 1; Bonferroni by 3, though 3 times 0.6 is clipped."""
    assert effective_alphas([0.001, 0.02, 0.6], holm, level=0.05) == pytest.approx(
        (0.05 / 3, 0.05 / 2, 0.05)
    )
    assert effective_alphas([0.001, 0.02, 0.6], bonferroni, level=0.05) == pytest.approx(
        (0.05 / 3,) * 3
    )
    assert effective_alphas([], holm, level=0.05) == ()


@pytest.mark.parametrize("correct", [holm, bonferroni])
def test_the_chance_of_any_false_alarm_stays_at_the_level(correct: Correction) -> None:
    """Ten comparisons, three of them with a difference of three standard errors; 4,000 runs."""
    alarms, found, _ = error_rates(correct)
    assert alarms <= 0.05 + 0.007
    assert found > 0.5


def test_the_share_of_false_alarms_among_the_alarms_stays_at_the_level() -> None:
    alarms, found, share = error_rates(benjamini_hochberg)
    assert share <= 0.05 * 7 / 10 + 0.007
    assert alarms > 0.05
    assert found > error_rates(holm)[1]


def error_rates(correct: Correction) -> tuple[float, float, float]:
    """Runs with a false alarm; differences found; the mean share of false alarms."""
    random = np.random.default_rng(12)
    real = np.array([True] * 3 + [False] * 7)
    scores = random.normal(np.where(real, 3.0, 0.0), 1, (4_000, 10))
    p_values = 2 * ndtr(-np.abs(scores))
    rejected = np.array([correct(run) for run in p_values.tolist()]) <= 0.05
    false = (rejected & ~real).sum(axis=1)
    share = false / np.maximum(rejected.sum(axis=1), 1)
    return float((false > 0).mean()), float(rejected[:, real].mean()), float(share.mean())
