from math import exp, inf, lgamma, log

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import betaln, logsumexp

from abkit.analysis.inference.srm import (
    CONCENTRATIONS,
    SampleRatioMethod,
    chi_square,
    sample_ratio,
    sequential_srm,
)
from abkit.errors import AnalysisError

HALVES = (0.5, 0.5)


@pytest.mark.parametrize(
    ("counts", "p_100", "p_10000", "p_chi_square"),
    [
        ((5100, 4900), 1.0, 0.52023, 0.0455003),
        ((5200, 4800), 0.0036479, 0.0258905, 6.334e-05),
        ((5300, 4700), 1.811e-07, 1.742e-04, 1.973e-09),
    ],
)
def test_reference_values(
    counts: tuple[int, int], p_100: float, p_10000: float, p_chi_square: float
) -> None:
    assert sequential_srm(counts, HALVES, concentrations=[100]) == pytest.approx(p_100, rel=3e-4)
    found = sequential_srm(counts, HALVES, concentrations=[10_000])
    assert found == pytest.approx(p_10000, rel=3e-4)
    assert chi_square(counts, HALVES) == pytest.approx(p_chi_square, rel=3e-4)


def test_a_gross_mismatch_is_found_by_both() -> None:
    counts = (9463, 7681)
    found = sequential_srm(counts, HALVES, concentrations=[10_000])
    assert found == pytest.approx(6.2e-26, rel=0.01)
    assert sequential_srm(counts, HALVES, concentrations=[100]) < 1e-25
    assert chi_square(counts, HALVES) == pytest.approx(3.5e-42, rel=0.02)


def test_cookie_cats() -> None:
    assert round(chi_square((44700, 45489), HALVES), 4) == 0.0086


def test_the_mixture_is_dirichlets() -> None:
    """Of ten units in one arm of three, Dirichlet(1, 1, 1) has the probability 2! 10! / 12!."""
    under_design = 10 * log(1 / 3)
    under_mixture = lgamma(3) + lgamma(11) - lgamma(13)
    assert sequential_srm((10, 0, 0), (1, 1, 1), concentrations=[3]) == pytest.approx(
        exp(under_design - under_mixture)
    )


def test_a_sequence_stops_where_savvis_does() -> None:
    """savvi's example: weights .1, .4, .5, truth .1, .3, .6, concentration 100: at 402, p = .0484558."""
    random = np.random.RandomState(1)
    counts = random.multinomial(1, [0.1, 0.3, 0.6], size=1000).cumsum(axis=0)
    p_values = [
        sequential_srm(row, (0.1, 0.4, 0.5), concentrations=[100]) for row in counts.tolist()
    ]
    smallest_so_far = np.minimum.accumulate(p_values)
    stop = int(np.argmax(smallest_so_far <= 0.05))
    assert stop + 1 == 402
    assert smallest_so_far[stop] == pytest.approx(0.04845591105969517, rel=1e-9)


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.floats(0.01, 1)), min_size=2, max_size=6).filter(
        lambda arms: sum(count for count, _ in arms) > 0
    )
)
def test_chi_square_is_scipys(arms: list[tuple[int, float]]) -> None:
    counts, weights = [count for count, _ in arms], [weight for _, weight in arms]
    expected = np.array(weights) / sum(weights) * sum(counts)
    expected *= sum(counts) / sum(expected)  # scipy refuses sums that differ by a rounding error
    oracle = scipy.stats.chisquare(counts, expected)
    assert chi_square(counts, weights) == pytest.approx(oracle.pvalue, rel=1e-9, abs=1e-300)


@given(st.lists(st.integers(0, 10**5), min_size=2, max_size=5), st.floats(0.1, 50))
def test_only_the_ratios_of_the_weights_matter(counts: list[int], factor: float) -> None:
    weights = [index + 1.0 for index in range(len(counts))]
    scaled = [factor * weight for weight in weights]
    assert chi_square(counts, scaled) == pytest.approx(chi_square(counts, weights), rel=1e-6)
    assert sequential_srm(counts, scaled) == pytest.approx(
        sequential_srm(counts, weights), rel=1e-6
    )


def test_a_design_that_holds_seldom_alarms_however_often_one_looks() -> None:
    """1,000 experiments of weights 80/20, a look each 100 units, 100 looks, alarm at p <= .05."""
    random = np.random.default_rng(7)
    treated = random.binomial(100, 0.2, size=(1000, 100)).cumsum(axis=1)
    seen = 100 * np.arange(1, 101)
    alarms = {"sequential": 0, "chi-square": 0}
    for path in treated:
        furthest = int(np.argmax(np.abs(path - 0.2 * seen) / np.sqrt(seen)))
        looks = {furthest, 99, 49, 9}
        counts = [(int(seen[look] - path[look]), int(path[look])) for look in looks]
        alarms["sequential"] += any(sequential_srm(pair, (0.8, 0.2)) <= 0.05 for pair in counts)
        alarms["chi-square"] += any(chi_square(pair, (0.8, 0.2)) <= 0.05 for pair in counts)
    assert alarms["sequential"] <= 50
    assert alarms["chi-square"] > 200


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_evidence_is_the_mean_of_that_of_each_concentration(found: tuple[int, int]) -> None:
    counts = (found[0], found[1] - found[0])
    factors = [
        betaln(k / 2 + counts[0], k / 2 + counts[1]) - betaln(k / 2, k / 2) - found[1] * log(0.5)
        for k in CONCENTRATIONS
    ]
    evidence = float(logsumexp(factors)) - log(len(factors))
    assert sequential_srm(counts, HALVES) == pytest.approx(exp(-max(0.0, evidence)), rel=1e-6)


def first_alarms(truth: float, units: int, runs: int) -> NDArray[np.float64]:
    """The units at the first p <= .01 of each run, for a design of 50:50; infinite where there is none."""
    steps = np.random.default_rng(3).random((runs, units)) < truth
    treated, seen = steps.cumsum(axis=1), np.arange(1, units + 1)
    factors = [
        betaln(k / 2 + treated, k / 2 + seen - treated) - betaln(k / 2, k / 2) - seen * log(0.5)
        for k in CONCENTRATIONS
    ]
    alarms = logsumexp(factors, axis=0) - log(len(CONCENTRATIONS)) >= log(100)
    return np.where(alarms.any(axis=1), alarms.argmax(axis=1) + 1.0, inf)


@pytest.mark.parametrize(("truth", "units"), [(0.8, 60), (0.6, 450), (0.55, 1_600)])
def test_a_mismatch_is_found_soon_however_large_it_is(truth: float, units: int) -> None:
    """Measured on average: 44, 350 and 1,280 units; 10,000 alone needs 520, 1,655 and 3,550."""
    assert first_alarms(truth, 8 * units, runs=200).mean() < units


def test_a_design_that_holds_alarms_in_less_than_one_of_a_hundred_experiments() -> None:
    """A look at each of 5,000 units; found in 0.3% of the runs."""
    assert np.isfinite(first_alarms(0.5, 5_000, runs=600)).mean() <= 0.01


def test_four_hundred_against_one_hundred_is_an_alarm() -> None:
    assert sample_ratio({"a": 400, "b": 100}, {"a": 1, "b": 1}).alarm
    assert sample_ratio({"a": 34, "b": 8}, {"a": 1, "b": 1}).alarm


def test_the_method_decides_the_alarm() -> None:
    """5,150 against 4,850: certain enough for a single look, not for any number of looks."""
    counts, weights = {"a": 5150, "b": 4850}, {"a": 1, "b": 1}
    running = sample_ratio(counts, weights)
    once = sample_ratio(counts, weights, method=SampleRatioMethod.CHI_SQUARE)
    assert not running.alarm
    assert running.p_value == running.sequential_p == once.sequential_p
    assert once.alarm
    assert once.p_value == once.chi_square_p == running.chi_square_p


def test_the_result_says_what_was_expected() -> None:
    found = sample_ratio({"b": 300}, {"a": 3, "b": 1})
    assert found.counts == {"a": 0, "b": 300}
    assert found.weights == {"a": 0.75, "b": 0.25}
    assert found.expected == {"a": 225.0, "b": 75.0}
    assert found.largest_deviation == pytest.approx(3.0)


def test_a_unit_in_a_variant_of_weight_zero_is_a_certain_mismatch() -> None:
    found = sample_ratio({"a": 500, "b": 500, "c": 1}, {"a": 1, "b": 1, "c": 0})
    assert (found.chi_square_p, found.sequential_p) == (0.0, 0.0)
    assert found.largest_deviation == inf
    assert found.alarm


def test_an_empty_variant_of_weight_zero_changes_nothing() -> None:
    found = sample_ratio({"a": 520, "b": 500}, {"a": 1, "b": 1, "c": 0})
    assert found.chi_square_p == chi_square((520, 500), HALVES)
    assert found.sequential_p == sequential_srm((520, 500), HALVES)
    assert found.largest_deviation == pytest.approx(10 / 510)


@pytest.mark.parametrize("counts", [{}, {"a": 0, "b": 0}])
def test_no_units_are_no_mismatch(counts: dict[str, int]) -> None:
    found = sample_ratio(counts, {"a": 1, "b": 1})
    assert (found.chi_square_p, found.sequential_p) == (1.0, 1.0)
    assert not found.alarm
    assert found.largest_deviation == 0.0


def test_one_variant_alone_cannot_mismatch() -> None:
    found = sample_ratio({"a": 1000}, {"a": 1})
    assert (found.chi_square_p, found.sequential_p) == (1.0, 1.0)


def test_a_variant_without_weight_is_refused() -> None:
    with pytest.raises(AnalysisError, match="No weight for 'c': the design has 'a', 'b'"):
        sample_ratio({"a": 1, "c": 2}, {"a": 1, "b": 1})


@pytest.mark.parametrize(
    ("counts", "weights"),
    [((1, 2), (1,)), ((-1, 2), HALVES), ((1, 2), (0, 0)), ((1, 2), (-1, 2)), ((1, inf), HALVES)],
    ids=["lengths", "negative count", "no weight", "negative weight", "infinite count"],
)
def test_impossible_counts_and_weights_are_refused(
    counts: tuple[float, ...], weights: tuple[float, ...]
) -> None:
    for p_value in (chi_square, sequential_srm):
        with pytest.raises(AnalysisError, match="one count >= 0 and one weight >= 0"):
            p_value(counts, weights)


@pytest.mark.parametrize("concentrations", [(), (0.0,), (-1.0,), (10.0, inf), (float("nan"),)])
def test_impossible_concentrations_are_refused(concentrations: tuple[float, ...]) -> None:
    with pytest.raises(AnalysisError, match="concentrations must be numbers above 0"):
        sequential_srm((1, 2), HALVES, concentrations=concentrations)
