from typing import get_args

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from abkit.analysis.inference.binomial import exact_binomial, normal_binomial
from abkit.analysis.inference.decision import Alternative
from abkit.analysis.inference.srm import chi_square
from abkit.errors import AnalysisError

alternatives = st.sampled_from(get_args(Alternative))
designs = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(designs, st.floats(0.01, 0.99), alternatives)
def test_the_exact_test_is_scipys(
    design: tuple[int, int], share: float, alternative: Alternative
) -> None:
    count, total = design
    oracle = scipy.stats.binomtest(count, total, share, alternative).pvalue
    found = exact_binomial(count, total, share=share, alternative=alternative)
    assert found == pytest.approx(oracle, rel=1e-7, abs=1e-290)


@pytest.mark.parametrize(
    ("count", "total", "share"), [(3, 10, 0.5), (12, 40, 0.25), (0, 7, 0.5), (2, 2, 0.1)]
)
def test_it_is_the_probability_of_all_counts_that_are_no_more_likely(
    count: int, total: int, share: float
) -> None:
    likely = scipy.stats.binom.pmf(np.arange(total + 1), total, share)
    oracle = likely[likely <= likely[count] * (1 + 1e-9)].sum()
    assert exact_binomial(count, total, share=share) == pytest.approx(oracle)


def test_a_hundred_million_units_are_no_harder() -> None:
    exact = exact_binomial(50_010_000, 100_000_000)
    assert exact == pytest.approx(normal_binomial(50_010_000, 100_000_000), rel=1e-6)


@pytest.mark.parametrize(("count", "total"), [(47, 100), (53, 100), (4700, 10_000), (0, 3)])
def test_without_the_correction_it_is_the_chi_square(count: int, total: int) -> None:
    found = normal_binomial(count, total, share=0.4, continuity=0)
    assert found == pytest.approx(chi_square((count, total - count), (0.4, 0.6)))


@given(designs, st.floats(0.01, 0.99))
def test_one_sided_corrected_tails_are_those_of_half_a_count_more(
    design: tuple[int, int], share: float
) -> None:
    count, total = design
    normal = scipy.stats.norm(total * share, np.sqrt(total * share * (1 - share)))
    found = normal_binomial(count, total, share=share, alternative="greater")
    assert found == pytest.approx(normal.sf(count - 0.5), rel=1e-9, abs=1e-290)
    found = normal_binomial(count, total, share=share, alternative="less")
    assert found == pytest.approx(normal.cdf(count + 0.5), rel=1e-9, abs=1e-290)


def test_the_correction_never_moves_a_count_past_the_expected_one() -> None:
    assert normal_binomial(50, 100) == 1.0
    assert normal_binomial(3, 10, share=0.33) == 1.0


def test_nobody_is_no_mismatch() -> None:
    assert exact_binomial(0, 0) == 1.0
    assert normal_binomial(0, 0) == 1.0


@pytest.mark.parametrize(
    ("count", "total", "share"), [(-1, 5, 0.5), (6, 5, 0.5), (1, 5, 0.0), (1, 5, 1.0), (1, 5, 50.0)]
)
def test_impossible_counts_and_shares_are_refused(count: int, total: int, share: float) -> None:
    for test in (exact_binomial, normal_binomial):
        with pytest.raises(AnalysisError, match="0 <= count <= total and a share above 0"):
            test(count, total, share=share)


def test_other_impossible_arguments_are_refused() -> None:
    with pytest.raises(AnalysisError, match="continuity must be between 0 and 0.5"):
        normal_binomial(1, 5, continuity=1.0)
    with pytest.raises(AnalysisError, match="alternative must be one of"):
        exact_binomial(1, 5, alternative="both")  # type: ignore[arg-type]
