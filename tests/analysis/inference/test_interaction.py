"""Whether an effect is the same in all parts of the units."""

from math import exp, log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from abkit.analysis.inference.interaction import (
    Pair,
    cochran,
    evidence,
    evidence_of_any,
    evidence_of_each,
    normal_p_value,
    standardized_contrast,
)
from abkit.analysis.inference.sequential import sequential
from abkit.analysis.statistics.aggregates import Moments


def rates(control: float, treatment: float, *, units: int = 1_000) -> Pair:
    return Pair(
        Moments.from_successes(units, round(control * units)),
        Moments.from_successes(units, round(treatment * units)),
    )


def means(control: float, treatment: float, *, units: int = 1_000, variance: float = 1.0) -> Pair:
    return Pair(Moments(units, control, variance), Moments(units, treatment, variance))


def test_the_same_difference_is_no_different_reaction_even_where_the_lifts_differ() -> None:
    low, high = rates(0.1, 0.15, units=100_000), rates(0.4, 0.45, units=100_000)
    assert standardized_contrast(low, high) == pytest.approx(0)
    assert cochran([low, high]) == pytest.approx(1)


def test_the_same_lift_is_no_different_reaction_even_where_the_differences_differ() -> None:
    low, high = rates(0.1, 0.15, units=100_000), rates(0.4, 0.6, units=100_000)
    assert standardized_contrast(low, high) == pytest.approx(0)
    assert cochran([low, high]) == pytest.approx(1, abs=1e-6)


def test_a_part_that_reacts_more_on_one_scale_and_less_on_the_other_is_not_different() -> None:
    assert standardized_contrast(rates(0.1, 0.15), rates(0.4, 0.52)) == 0


def test_the_contrast_is_the_difference_between_the_effects_in_its_standard_errors() -> None:
    """Where the parts have the same mean of the control, both scales say about the same."""
    part, rest = means(10, 10.5), means(10, 10.1)
    expected = 0.4 / sqrt(4 / 1_000)
    assert standardized_contrast(part, rest) == pytest.approx(expected, rel=0.05)
    assert standardized_contrast(part, rest) <= expected
    assert standardized_contrast(rest, part) == -standardized_contrast(part, rest)


def test_where_a_lift_is_undefined_the_differences_are_compared() -> None:
    part, rest = means(0, 0.5), means(10, 10.1)
    assert standardized_contrast(part, rest) == pytest.approx(0.4 / sqrt(4 / 1_000))


def test_parts_that_do_not_vary_decide_nothing() -> None:
    same = means(1, 1, variance=0)
    assert standardized_contrast(same, same) == 0
    assert cochran([same, same, means(1, 2)]) == 1


def test_evidence_is_that_of_the_sequential_test() -> None:
    control, treatment = Moments(5_000, 0.0, 1.0), Moments(5_000, 0.06, 1.0)
    error = sqrt(2 / 5_000)
    p_value = sequential(control, treatment, tau=0.03).p_value
    assert exp(-evidence(0.06 / error, tau=0.03 / error)) == pytest.approx(p_value)


def test_cochrans_q_of_the_bcg_trials_is_that_of_the_literature() -> None:
    """Of 13 trials with effects and variances: Viechtbauer 2010 (J. Stat. Softw. 36(3)) has Q = 152.23.

    The effects are log risk ratios, which are no means: so the control's mean is 0, and its variance.
    """
    effects = [-0.8893, -1.5854, -1.3481, -1.4416, -0.2175, -0.7861, -1.6209]
    effects += [0.0120, -0.4694, -1.3713, -0.3394, 0.4459, -0.0173]
    variances = [0.3256, 0.1946, 0.4154, 0.0200, 0.0512, 0.0069, 0.2230]
    variances += [0.0040, 0.0564, 0.0730, 0.0124, 0.5325, 0.0714]
    pairs = [
        Pair(Moments(1_000, 0.0, 500 * v), Moments(1_000, y, 500 * v))
        for y, v in zip(effects, variances, strict=True)
    ]
    assert cochran(pairs) == pytest.approx(stats.chi2.sf(152.23, 12), rel=0.05)


def test_cochrans_q_of_two_parts_is_the_square_of_their_contrast() -> None:
    part, rest = means(0, 0.1), means(0, 0.2)
    assert cochran([part, rest]) == pytest.approx(
        normal_p_value(standardized_contrast(part, rest)), rel=1e-9
    )


@given(st.lists(st.floats(-5, 50), min_size=1, max_size=8), st.integers(0, 4))
def test_what_names_a_part_is_the_smallest_average_over_all_sets_with_it(
    logs: list[float], waiting: int
) -> None:
    parts = len(logs) + waiting
    values = [*np.exp(logs), *[0.0] * waiting]
    each = evidence_of_each(logs, parts=parts)
    for own, found in zip(logs, each, strict=True):
        others = sorted(values)
        others.remove(float(np.exp(own)))
        sets = [[np.exp(own), *others[:size]] for size in range(len(others) + 1)]
        assert found == pytest.approx(log(min(np.mean(of) for of in sets)), abs=1e-9)
        assert found <= own + 1e-12
    anywhere = evidence_of_any(logs, parts=parts)
    assert anywhere == pytest.approx(log(np.mean(values)), abs=1e-9)
    assert max(each) <= anywhere + 1e-9


def test_parts_that_all_wait_are_no_evidence() -> None:
    assert evidence_of_any([], parts=3) == -np.inf
