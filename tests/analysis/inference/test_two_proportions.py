from collections.abc import Callable
from math import inf, sqrt
from typing import Any

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.special import ndtri

from abkit.analysis.inference.comparison import Interval
from abkit.analysis.inference.two_proportions import (
    Proportion,
    agresti_caffo_difference,
    katz_ratio,
    newcombe_difference,
    score_difference,
    score_odds_ratio,
    score_ratio,
    wald_difference,
    wilson,
)
from abkit.errors import AnalysisError

proportions = st.integers(1, 500).flatmap(
    lambda n: st.builds(Proportion, st.integers(0, n), st.just(n))
)
DIFFERENCES = [wald_difference, agresti_caffo_difference, newcombe_difference, score_difference]
RATIOS = [katz_ratio, score_ratio, score_odds_ratio]
SCORES = [(score_difference, 0.0), (score_ratio, 1.0), (score_odds_ratio, 1.0)]
SEVEN, ONE = Proportion(7, 34), Proportion(1, 34)


def test_mees_interval_with_the_unbiased_variance_is_that_of_propcis() -> None:
    """diffscoreci(7, 34, 1, 34, .95) of R's PropCIs."""
    found = score_difference(ONE, SEVEN, unbiased=True)
    assert (found.low, found.high) == pytest.approx((0.0270416, 0.3452912), abs=6e-8)


@given(proportions)
def test_wilsons_interval_is_scipys(proportion: Proportion) -> None:
    oracle = scipy.stats.binomtest(proportion.successes, proportion.units).proportion_ci(
        method="wilson"
    )
    found = wilson(proportion)
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high), abs=1e-12)


@pytest.mark.parametrize(("method", "nothing"), SCORES)
@given(control=proportions, treatment=proportions, alpha=st.sampled_from([0.2, 0.05, 0.001]))
def test_a_score_interval_excludes_no_change_when_the_pooled_z_test_does(
    method: Any, nothing: float, control: Proportion, treatment: Proportion, alpha: float
) -> None:
    successes = control.successes + treatment.successes
    pooled = successes / (control.units + treatment.units)
    assume(0 < pooled < 1)
    spread = pooled * (1 - pooled) * (1 / control.units + 1 / treatment.units)
    z = (treatment.rate - control.rate) / sqrt(spread)
    assume(abs(abs(z) + ndtri(alpha / 2)) > 1e-6)
    found = method(control, treatment, alpha=alpha)
    assert (found.low <= nothing <= found.high) == (abs(z) < -ndtri(alpha / 2))


@given(proportions, proportions, st.sampled_from([0.2, 0.05, 0.001]))
def test_both_ends_of_mees_interval_are_those_of_the_likeliest_rates(
    control: Proportion, treatment: Proportion, alpha: float
) -> None:
    found = score_difference(control, treatment, alpha=alpha)
    for end in (found.low, found.high):
        if abs(end) > 0.999:
            continue

        def loss(rate: float, end: float = end) -> float:
            likelihood = scipy.stats.binom.logpmf(control.successes, control.units, rate)
            likelihood += scipy.stats.binom.logpmf(treatment.successes, treatment.units, rate + end)
            return -float(likelihood)

        bounds = max(0.0, -end), min(1.0, 1 - end)
        rate = scipy.optimize.minimize_scalar(
            loss, bounds=bounds, method="bounded", options={"xatol": 1e-10}
        ).x
        changed = rate + end
        variance = rate * (1 - rate) / control.units + changed * (1 - changed) / treatment.units
        assume(variance > 1e-7)
        z = (treatment.rate - control.rate - end) / sqrt(variance)
        assert abs(z) == pytest.approx(-ndtri(alpha / 2), rel=2e-3)


@pytest.mark.parametrize("method", DIFFERENCES)
@given(control=proportions, treatment=proportions)
def test_exchanged_arms_have_the_negative_difference(
    method: Callable[..., Interval], control: Proportion, treatment: Proportion
) -> None:
    found, mirrored = method(control, treatment), method(treatment, control)
    assert (-mirrored.high, -mirrored.low) == pytest.approx((found.low, found.high), abs=1e-9)


@pytest.mark.parametrize("method", RATIOS)
@given(control=proportions, treatment=proportions)
def test_exchanged_arms_have_the_inverse_ratio(
    method: Callable[..., Interval], control: Proportion, treatment: Proportion
) -> None:
    found, mirrored = method(control, treatment), method(treatment, control)
    for end, other in ((found.low, mirrored.high), (found.high, mirrored.low)):
        inverse = inf if other == 0 else 0.0 if other == inf else 1 / other
        assert end == pytest.approx(inverse, rel=1e-8)


@pytest.mark.parametrize("method", [*DIFFERENCES, *RATIOS])
@given(control=proportions, treatment=proportions)
def test_more_confidence_has_a_wider_interval_around_what_was_found(
    method: Callable[..., Interval], control: Proportion, treatment: Proportion
) -> None:
    narrow, wide = method(control, treatment, alpha=0.2), method(control, treatment, alpha=0.01)
    assert wide.low <= narrow.low <= narrow.high <= wide.high


@pytest.mark.parametrize("method", [newcombe_difference, score_difference])
@pytest.mark.parametrize("share", [0.02, 0.1])
def test_small_samples_hold_the_true_difference_as_often_as_they_say(
    method: Callable[..., Interval], share: float
) -> None:
    """Of 60 against 30 units, weighed by the probability of each outcome."""
    units = 60, 30
    likely = [scipy.stats.binom.pmf(np.arange(n + 1), n, share) for n in units]
    held = 0.0
    for control in np.flatnonzero(likely[0] > 1e-6).tolist():
        for treatment in np.flatnonzero(likely[1] > 1e-6).tolist():
            found = method(Proportion(control, 60), Proportion(treatment, 30))
            if found.low <= 0 <= found.high:
                held += likely[0][control] * likely[1][treatment]
    assert 0.93 < held < 1


def test_an_arm_without_success_has_an_infinite_ratio_with_a_finite_end() -> None:
    found = score_ratio(Proportion(0, 50), Proportion(9, 50))
    assert 1 < found.low < inf
    assert found.high == inf
    assert score_ratio(Proportion(9, 50), Proportion(0, 50)).low == 0.0
    assert katz_ratio(Proportion(0, 50), Proportion(9, 50)) == Interval(0.0, inf)


def test_nobody_converted_says_nothing_of_the_ratios() -> None:
    nobody = Proportion(0, 50)
    assert score_ratio(nobody, nobody) == Interval(0.0, inf)
    assert score_odds_ratio(nobody, nobody) == Interval(0.0, inf)
    everybody = Proportion(50, 50)
    assert score_odds_ratio(everybody, everybody) == Interval(0.0, inf)


def test_the_unbiased_variance_widens() -> None:
    for method, _ in SCORES:
        plain, unbiased = method(ONE, SEVEN), method(ONE, SEVEN, unbiased=True)
        assert unbiased.low < plain.low < plain.high < unbiased.high


def test_millions_of_units_are_as_walds() -> None:
    control, treatment = Proportion(300_000, 3_000_000), Proportion(101_000, 1_000_000)
    wald, score = wald_difference(control, treatment), score_difference(control, treatment)
    assert (score.low, score.high) == pytest.approx((wald.low, wald.high), abs=2e-6)


@pytest.mark.parametrize(("successes", "units"), [(-1, 5), (6, 5), (0, 0)])
def test_impossible_counts_are_refused(successes: int, units: int) -> None:
    with pytest.raises(AnalysisError, match="0 <= successes <= units"):
        Proportion(successes, units)


@pytest.mark.parametrize("method", [*DIFFERENCES, *RATIOS])
def test_an_impossible_alpha_is_refused(method: Callable[..., Interval]) -> None:
    with pytest.raises(AnalysisError, match="alpha must be above 0"):
        method(ONE, SEVEN, alpha=0.95)
