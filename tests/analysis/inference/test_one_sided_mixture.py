from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.analysis.inference import one_sided_mixture as one_sided
from abkit.analysis.inference.sequential import half_width, tau_for_sample_size
from abkit.errors import AnalysisError


def test_the_one_sided_normal_mixture_of_confseq_is_the_same() -> None:
    """confseq's unit tests: v = v_opt = 100, alpha .05: log-mixture(10), bound."""
    tau = tau_for_sample_size(1 / 100, units=100, sample_size=100, alpha=0.1)
    ratio = one_sided.log_likelihood_ratio(0.1, variance=1 / 100, tau=tau)
    assert ratio == pytest.approx(-0.06502391, abs=5e-9)
    bound = 100 * one_sided.half_width(1 / 100, tau=tau, alpha=0.05)
    assert bound == pytest.approx(27.66071, abs=5e-6)


@given(st.floats(1e-6, 10), st.floats(1e-2, 10), st.sampled_from([0.5, 0.05, 1e-6]))
def test_at_the_half_width_the_evidence_is_one_over_alpha(
    variance: float, tau: float, alpha: float
) -> None:
    width = one_sided.half_width(variance, tau=tau, alpha=alpha)
    ratio = one_sided.log_likelihood_ratio(width, variance=variance, tau=tau)
    assert ratio == pytest.approx(-log(alpha), rel=1e-6)
    assert width < half_width(variance, tau=tau, alpha=alpha)


def test_a_difference_below_0_is_no_evidence() -> None:
    assert one_sided.log_likelihood_ratio(-5.0, variance=1e-4, tau=1.0) < 0
    assert one_sided.log_likelihood_ratio(5.0, variance=1e-4, tau=1.0) > 1e4


def test_it_stops_rarely_at_any_of_all_looks() -> None:
    """Two thousand A/A walks of a thousand steps."""
    random = np.random.default_rng(9)
    means = random.normal(size=(2000, 1000)).cumsum(axis=1) / np.arange(1, 1001)
    tau = tau_for_sample_size(1.0, units=1, sample_size=300, alpha=0.1)
    widths = [one_sided.half_width(1 / n, tau=tau, alpha=0.05) for n in range(1, 1001)]
    assert 0.01 < (means >= widths).any(axis=1).mean() <= 0.05


@pytest.mark.parametrize(("variance", "tau"), [(0.0, 1.0), (1.0, 0.0), (1.0, 1e-200), (-1.0, 1.0)])
def test_impossible_variances_and_taus_are_refused(variance: float, tau: float) -> None:
    with pytest.raises(AnalysisError, match="above 0"):
        one_sided.log_likelihood_ratio(sqrt(2), variance=variance, tau=tau)


def test_an_impossible_alpha_is_refused() -> None:
    with pytest.raises(AnalysisError, match="alpha must be above 0"):
        one_sided.half_width(1.0, tau=1.0, alpha=0.6)
