"""The sizes of the arms beside weights that changed while the experiment ran."""

from math import exp, inf, log, sqrt
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import betaln, chdtrc, logsumexp

from abkit.analysis.inference.srm import (
    ALPHA,
    CONCENTRATIONS,
    SampleRatioMethod,
    log_bayes_factor,
    pearson,
    sample_ratio,
)
from abkit.analysis.inference.srm_of_phases import Sizes, sample_ratio_of_phases
from abkit.errors import AnalysisError

EARLY, LATE = {"a": 0.9, "b": 0.1}, {"a": 0.5, "b": 0.5}
Floats: TypeAlias = NDArray[np.float64]
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


EXPERIMENTS = 4_000
NOISE = 2.6 * sqrt(ALPHA * (1 - ALPHA) / EXPERIMENTS)


@pytest.mark.parametrize("weight", [0.5, 0.1, 0.01])
def test_the_fixed_test_holds_its_level_whatever_the_weights(weight: float) -> None:
    """4,000 experiments of 20,000 units, with their own weights and ramped up to these."""
    random = np.random.default_rng(4)
    weights = weight / 2, weight
    before, after = (random.binomial(20_000, of, EXPERIMENTS) for of in weights)
    statistics = [
        (few - 20_000 * of) ** 2 / (20_000 * of * (1 - of))
        for few, of in zip((before, after), weights, strict=True)
    ]
    p_values = chdtrc(1, statistics[1]), chdtrc(2, statistics[0] + statistics[1])
    for found in p_values:
        assert (found <= ALPHA).mean() <= ALPHA + NOISE
    for run in range(20):
        phases = [
            _sizes(int(few[run]), 20_000, of)
            for few, of in zip((before, after), weights, strict=True)
        ]
        for number, found in enumerate(p_values, start=1):
            ratio = sample_ratio_of_phases(phases[-number:], method=CHI_SQUARE)
            assert ratio.p_value == pytest.approx(found[run], rel=1e-6)


@pytest.mark.parametrize("weight", [0.5, 0.1, 0.01])
def test_the_sequential_test_holds_its_level_over_all_looks(weight: float) -> None:
    """2,000 experiments that are looked at twenty times, ten in each phase; some of them by the function."""
    random = np.random.default_rng(5)
    weights = np.repeat([weight / 2, weight], 10)
    few = random.binomial(1_000, weights, (2_000, 20)).astype(float)
    before: Floats = few[:, :10].cumsum(axis=1)
    after: Floats = few[:, 10:].cumsum(axis=1)
    units = np.arange(1_000.0, 10_001.0, 1_000.0)
    first = evidence(before, units, weight / 2)
    second = first[:, -1:] + evidence(after, units, weight)
    assert (np.hstack([first, second]) >= -log(ALPHA)).any(axis=1).mean() <= ALPHA
    for run in range(20):
        phases = [
            _sizes(int(before[run, -1]), 10_000, weight / 2),
            _sizes(int(after[run, 4]), 5_000, weight),
        ]
        found = sample_ratio_of_phases(phases).sequential_p
        assert found == pytest.approx(min(1.0, exp(-second[run, 4])), rel=1e-9)


def evidence(few: Floats, units: Floats, weight: float) -> Floats:
    """`log_bayes_factor` of two variants, of many counts."""
    logs = []
    for many in CONCENTRATIONS:
        a, b = many * weight, many * (1 - weight)
        likelihood = few * log(weight) + (units - few) * log(1 - weight)
        logs.append(betaln(a + few, b + units - few) - betaln(a, b) - likelihood)
    return np.asarray(logsumexp(logs, axis=0) - log(len(CONCENTRATIONS)))


def _sizes(few: int, units: int, weight: float) -> Sizes:
    counts = {"a": units - int(few), "b": int(few)}
    return Sizes(counts, {"a": 1 - weight, "b": weight})
