"""What is believed of lifts after the data, and the prior that past results make."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.analysis.inference.bayesian import bayesian_means
from abkit.analysis.inference.shrinkage import (
    MeasuredLift,
    Prior,
    ShrunkLift,
    prior_of,
    shrunk,
)
from abkit.analysis.statistics.aggregates import Moments
from abkit.errors import AnalysisError

ERRORS = st.floats(1e-4, 1.0)
LIFTS = st.builds(MeasuredLift, lift=st.floats(-0.5, 2.0), own=ERRORS, shared=ERRORS)
PRIORS = st.builds(Prior, mean=st.floats(-0.1, 0.1), deviation=st.floats(1e-3, 1.0))


@given(LIFTS, PRIORS)
def test_one_lift_is_the_weighted_mean_of_itself_and_the_prior(
    measured: MeasuredLift, prior: Prior
) -> None:
    (found,) = shrunk([measured], prior)
    error, before = measured.standard_error**2, prior.deviation**2
    weight = before / (before + error)
    assert found.mean == pytest.approx(weight * measured.lift + (1 - weight) * prior.mean)
    assert found.deviation**2 == pytest.approx(before * error / (before + error))


@given(st.lists(LIFTS, min_size=1, max_size=5), PRIORS)
def test_several_lifts_are_the_conditional_normal_distribution(
    measured: Sequence[MeasuredLift], prior: Prior
) -> None:
    """By the linear algebra of Lindley and Smith, with the covariance of the shared control."""
    lifts, own, shared = (
        np.array([getattr(each, name) for each in measured]) for name in ("lift", "own", "shared")
    )
    errors = np.diag(own**2) + np.outer(shared, shared)
    before = prior.deviation**2 * np.eye(len(measured))
    gain = before @ np.linalg.inv(before + errors)
    found = shrunk(measured, prior)
    means = prior.mean + gain @ (lifts - prior.mean)
    assert [each.mean for each in found] == pytest.approx(means, abs=1e-6)
    own, shared = (np.array([getattr(each, name) for each in found]) for name in ("own", "shared"))
    assert np.diag(own**2) + np.outer(shared, shared) == pytest.approx(
        before - gain @ before, abs=1e-6
    )


def test_the_error_of_a_lift_is_that_of_the_quotient_of_two_means() -> None:
    comparison = bayesian_means(Moments(10_000, 20.0, 900.0), Moments(5_000, 22.0, 1600.0))
    measured = MeasuredLift.of(comparison)
    assert measured is not None
    assert measured.lift == pytest.approx(0.1)
    random = np.random.default_rng(1)
    control = random.normal(20.0, 0.3, 400_000)
    treatment = random.normal(22.0, 0.32**0.5, 400_000)
    assert measured.standard_error == pytest.approx(np.std(treatment / control), rel=0.01)


def test_an_undefined_lift_is_not_measured() -> None:
    assert MeasuredLift.of(bayesian_means(Moments(100, 0.0, 1.0), Moments(100, 1.0, 1.0))) is None


def test_an_interval_is_that_of_a_normal_distribution() -> None:
    found = ShrunkLift(mean=0.02, own=0.03, shared=0.04).interval(0.05)
    assert (found.low, found.high) == pytest.approx((-0.0779982, 0.1179982))


def test_the_spread_of_true_lifts_is_found() -> None:
    """It is 3%; the uncertainty of their mean, and the penalty, add a little."""
    random, count, found = np.random.default_rng(2), 30, []
    for _ in range(40):
        errors = random.uniform(0.01, 0.04, count)
        lifts = random.normal(0.005, 0.03, count) + errors * random.standard_normal(count)
        found.append(prior_of(lifts.tolist(), errors.tolist()))
    assert np.mean([each.deviation for each in found]) == pytest.approx(0.0315, abs=0.002)
    assert np.mean([each.mean for each in found]) == pytest.approx(0.005, abs=0.003)


def test_results_that_differ_no_more_than_by_chance_still_leave_a_spread() -> None:
    """The likelihood alone has its maximum at 0: then nothing new could ever be believed."""
    found = prior_of([0.01, 0.01, 0.01, 0.01, 0.01], [0.02] * 5)
    assert found.mean == pytest.approx(0.01)
    assert 0.01 < found.deviation < 0.03


@pytest.mark.parametrize(
    ("lifts", "errors"), [([0.1] * 4, [0.1] * 4), ([0.1] * 5, [0.1, 0.1, 0.1, 0.1, 0.0])]
)
def test_no_prior_is_made_of_too_few_results_or_of_no_errors(
    lifts: list[float], errors: list[float]
) -> None:
    with pytest.raises(AnalysisError, match="A prior needs 5 past lifts"):
        prior_of(lifts, errors)


def test_winners_look_better_than_they_are_but_not_once_shrunk() -> None:
    """True lifts of 0 +- 2%, of 20 teams: of those significantly above 0, the measured lift is too high."""
    random, error = np.random.default_rng(3), 0.02
    too_high, too_high_once_shrunk = [], []
    for _ in range(20):
        past = random.normal(0.0, 0.02, 30) + error * random.standard_normal(30)
        prior = prior_of(past.tolist(), [error] * 30)
        true = random.normal(0.0, 0.02, 300)
        measured = true + error * random.standard_normal(300)
        for lift, of in zip(measured.tolist(), true.tolist(), strict=True):
            if lift > 1.96 * error:
                (believed,) = shrunk([MeasuredLift(lift=lift, own=error, shared=0.0)], prior)
                too_high.append(lift - of)
                too_high_once_shrunk.append(believed.mean - of)
    assert float(np.mean(too_high)) > 0.02
    assert abs(float(np.mean(too_high_once_shrunk))) < 0.005
