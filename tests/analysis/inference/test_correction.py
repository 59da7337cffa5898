from collections.abc import Callable, Sequence

import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from abkit.analysis.inference.correction import benjamini_hochberg, bonferroni, holm
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
