"""Whether the variants of two experiments are independent."""

import numpy as np
import pytest
from scipy import stats

from abkit.analysis.inference.independence import CrossTable, independence


def table(counts: list[list[int]]) -> CrossTable:
    return {(str(i), str(j)): n for i, row in enumerate(counts) for j, n in enumerate(row)}


def test_the_statistic_of_hair_and_eye_colors_is_that_of_the_literature() -> None:
    """Snee 1974 (The American Statistician 28(1)): 592 students, chi-square 138.29 with 9 degrees."""
    found = independence(
        [table([[68, 119, 26, 7], [20, 84, 17, 94], [15, 54, 14, 10], [5, 29, 14, 16]])]
    )
    assert found.statistic == pytest.approx(138.29, abs=0.01)
    assert found.freedom == 9


@pytest.mark.parametrize("counts", [[[500, 520], [480, 501]], [[90, 30, 55], [70, 50, 60]]])
def test_it_is_pearsons_test(counts: list[list[int]]) -> None:
    expected = stats.chi2_contingency(counts, correction=False)
    found = independence([table(counts)])
    assert (found.statistic, found.p_value) == pytest.approx((expected.statistic, expected.pvalue))


def test_weights_that_change_together_are_no_dependence() -> None:
    """Both experiments were ramped up on one day: together the two phases look dependent."""
    before, after = [[810, 90], [90, 10]], [[250, 250], [250, 250]]
    together = [[1060, 340], [340, 260]]
    assert independence([table(together)]).p_value < 1e-9
    assert independence([table(before), table(after)]).p_value == pytest.approx(1)


def test_a_stratum_that_is_too_small_says_nothing() -> None:
    assert independence([table([[3, 1], [1, 3]])]).freedom == 0
    assert independence([table([[900, 100]])]).p_value == 1
    assert independence([{}]).p_value == 1
    assert independence([table([[500, 520], [480, 501]]), table([[3, 1], [1, 3]])]).freedom == 1


def test_variants_that_no_unit_has_together_count_as_0() -> None:
    assert independence([{("a", "x"): 500, ("b", "y"): 500}]).p_value < 1e-100


def test_with_a_look_every_day_the_strict_level_raises_few_alarms() -> None:
    """50 looks at a growing table: at 0.001 about one in a hundred alarms at some look."""
    random, alarms = np.random.default_rng(11), 0
    for _ in range(200):
        counts = random.multinomial(400, [0.3, 0.2, 0.3, 0.2], size=50).cumsum(axis=0)
        alarms += any(
            independence([table(of.reshape(2, 2).tolist())]).p_value <= 0.001 for of in counts
        )
    assert alarms <= 6
