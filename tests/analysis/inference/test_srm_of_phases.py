"""The sizes of the arms beside weights that changed while the experiment ran."""

from functools import cache
from math import exp, inf, sqrt

import numpy as np
import pytest
from scipy.special import chdtrc

from abkit.analysis.inference.srm import (
    ALPHA,
    SampleRatioMethod,
    log_bayes_factor,
    pearson,
    sample_ratio,
)
from abkit.analysis.inference.srm_of_phases import Sizes, sample_ratio_of_phases
from abkit.errors import AnalysisError

EARLY, LATE = {"a": 0.9, "b": 0.1}, {"a": 0.5, "b": 0.5}
CHI_SQUARE = SampleRatioMethod.CHI_SQUARE


def test_one_phase_is_an_ordinary_sample_ratio() -> None:
    counts = {"a": 905, "b": 95}
    assert sample_ratio_of_phases([Sizes(counts, EARLY)]) == sample_ratio(counts, EARLY)


def test_a_planned_ramp_is_as_designed_though_no_weights_fit_all_units() -> None:
    phases = [Sizes({"a": 9_010, "b": 990}, EARLY), Sizes({"a": 4_980, "b": 5_020}, LATE)]
    for method in SampleRatioMethod:
        found = sample_ratio_of_phases(phases, method=method)
        assert not found.alarm
        assert dict(found.expected) == {"a": 14_000, "b": 6_000}
        assert dict(found.weights) == {"a": 0.7, "b": 0.3}
        assert dict(found.counts) == {"a": 13_990, "b": 6_010}
        assert found.largest_deviation == pytest.approx(10 / 6_000)
        assert found.phases == 2
    assert sample_ratio(found.counts, LATE).alarm
    assert sample_ratio(found.counts, EARLY).alarm


def test_statistics_and_degrees_of_freedom_add_up_and_bayes_factors_are_multiplied() -> None:
    third = {"a": 1, "b": 1, "c": 1}
    phases = [Sizes({"a": 9_200, "b": 800}, EARLY), Sizes({"a": 500, "b": 520, "c": 480}, third)]
    found = sample_ratio_of_phases(phases)
    one, two = pearson([9_200, 800], [9, 1]), pearson([500, 520, 480], [1, 1, 1])
    assert (one[1], two[1]) == (1, 2)
    assert found.chi_square_p == pytest.approx(chdtrc(3, one[0] + two[0]))
    evidence = log_bayes_factor([9_200, 800], [9, 1])
    evidence += log_bayes_factor([500, 520, 480], [1, 1, 1])
    assert found.sequential_p == pytest.approx(exp(-evidence))


def test_mismatches_that_cancel_each_other_are_found() -> None:
    phases = [Sizes({"a": 8_700, "b": 1_300}, EARLY), Sizes({"a": 5_300, "b": 4_700}, LATE)]
    assert sum(of.counts["a"] for of in phases) == 14_000
    assert all(sample_ratio_of_phases(phases, method=m).alarm for m in SampleRatioMethod)


def test_units_of_a_variant_of_weight_0_are_a_mismatch() -> None:
    phases = [Sizes({"a": 100, "b": 1}, {"a": 1, "b": 0}), Sizes({"a": 500, "b": 500}, LATE)]
    found = sample_ratio_of_phases(phases)
    assert found.alarm
    assert (found.chi_square_p, found.sequential_p, found.largest_deviation) == (0.0, 0.0, inf)


def test_a_phase_of_one_variant_tests_nothing() -> None:
    phases = [Sizes({"a": 900}, {"a": 1, "b": 0}), Sizes({"a": 500, "b": 500}, LATE)]
    found = sample_ratio_of_phases(phases)
    assert found.chi_square_p == 1.0
    assert dict(found.expected) == {"a": 1_400, "b": 500}


def test_no_phase_is_an_error() -> None:
    with pytest.raises(AnalysisError, match="one phase or more"):
        sample_ratio_of_phases([])


EXPERIMENTS = 500
NOISE = 2.6 * sqrt(ALPHA * (1 - ALPHA) / EXPERIMENTS)


@pytest.mark.parametrize("weight", [0.5, 0.1, 0.01])
def test_the_fixed_test_holds_its_level_whatever_the_weights(weight: float) -> None:
    """500 experiments of 20,000 units, with their own weights and ramped up to these."""
    random = np.random.default_rng(4)
    alarms, ramped = [], []

    @cache  # many experiments have the same counts
    def alarm(*few: int) -> bool:
        """Of the units of b in the last phase, and in the one before."""
        weights = (weight, weight / 2)
        phases = [_sizes(n, 20_000, w) for n, w in zip(few, weights, strict=False)]
        return sample_ratio_of_phases(phases[::-1], method=CHI_SQUARE).alarm

    for few, many in zip(
        random.binomial(20_000, weight, EXPERIMENTS).tolist(),
        random.binomial(20_000, weight / 2, EXPERIMENTS).tolist(),
        strict=True,
    ):
        alarms.append(alarm(few))
        ramped.append(alarm(few, many))
    assert np.mean(alarms) <= ALPHA + NOISE
    assert np.mean(ramped) <= ALPHA + NOISE


@pytest.mark.parametrize("weight", [0.5, 0.1, 0.01])
def test_the_sequential_test_holds_its_level_over_all_looks(weight: float) -> None:
    """400 experiments that are looked at four times, twice in each phase."""
    random = np.random.default_rng(5)
    weights = [weight / 2] * 10 + [weight] * 10
    new_units = np.stack([random.binomial(1_000, w, 400) for w in weights], axis=1)
    alarms = []
    for experiment in new_units:
        half, before = experiment[:10].cumsum()[[4, 9]].tolist()
        first = _sizes(before, 10_000, weight / 2)
        looks = [[_sizes(half, 5_000, weight / 2)], [first]]
        for place, units in ((4, 5_000), (9, 10_000)):
            few = experiment[10:].cumsum()[place]
            looks.append([first, _sizes(few, units, weight)])
        alarms.append(any(sample_ratio_of_phases(look).alarm for look in looks))
    assert np.mean(alarms) <= ALPHA


def _sizes(few: int, units: int, weight: float) -> Sizes:
    counts = {"a": units - int(few), "b": int(few)}
    return Sizes(counts, {"a": 1 - weight, "b": weight})
