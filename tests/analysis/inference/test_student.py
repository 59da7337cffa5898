from math import inf
from typing import get_args

import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from abkit.analysis.inference.decision import Alternative
from abkit.analysis.inference.student import critical_value, interval, p_value

ALTERNATIVES = get_args(Alternative)


@given(st.floats(-30, 30), st.floats(0.5, 1e6))
def test_p_values_are_scipys(statistic: float, freedom: float) -> None:
    distribution = scipy.stats.t(freedom)
    upper, lower = distribution.sf(statistic), distribution.cdf(statistic)
    found = [p_value(statistic, freedom=freedom, alternative=each) for each in ALTERNATIVES]
    assert found == pytest.approx([2 * min(upper, lower), upper, lower], rel=1e-8, abs=1e-300)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("freedom", [3.4, 200, inf])
@pytest.mark.parametrize("alpha", [0.2, 0.05, 1e-6])
def test_the_critical_value_has_the_p_value_alpha(
    alternative: Alternative, freedom: float, alpha: float
) -> None:
    critical = critical_value(alpha, freedom=freedom, alternative=alternative)
    statistic = -critical if alternative == "less" else critical
    assert p_value(statistic, freedom=freedom, alternative=alternative) == pytest.approx(alpha)


def test_infinite_freedom_is_the_normal_distribution() -> None:
    assert critical_value(0.05, freedom=inf) == pytest.approx(1.959963984540054)
    assert p_value(1.959963984540054, freedom=inf) == pytest.approx(0.05)


def test_a_one_sided_interval_has_one_infinite_end() -> None:
    greater = interval(2.0, standard_error=1.0, freedom=inf, alternative="greater")
    less = interval(2.0, standard_error=1.0, freedom=inf, alternative="less")
    assert greater.low == pytest.approx(2 - 1.6448536)
    assert greater.high == inf
    assert less.low == -inf
    assert less.high == pytest.approx(2 + 1.6448536)
