"""Ratios of organizations of very unequal sizes: where their intervals hold, and what is flagged."""

from collections.abc import Sequence

import numpy as np
import pytest

from abkit.analysis.findings.evaluate import evaluate
from abkit.analysis.findings.metric_result import Flag
from abkit.analysis.findings.validity import FEWEST_IN_DIVISOR
from abkit.analysis.statistics.aggregates import Sums
from abkit.experiments.declaring.analysis_plan import AnalysisPlan

from .samples import design, sums
from .unequal import ESTIMAND, PER_USER, Experiment, Sizes, coverage, experiments

LARGE_CLICK_MORE = 0.3


@pytest.fixture(scope="module")
def found() -> Sequence[Experiment]:
    """Large organizations click more, which is the hardest case."""
    random = np.random.default_rng(6)
    return [
        each
        for sizes in (Sizes("log-normal", 1.5), Sizes("log-normal", 2), Sizes("Pareto", 1.2))
        for n in (50, 200, 1_000)
        for each in experiments(random, sizes, n, slope=LARGE_CLICK_MORE, runs=200)
    ]


def test_intervals_hold_where_nothing_is_flagged(found: Sequence[Experiment]) -> None:
    assert 0.93 <= coverage(found, least=FEWEST_IN_DIVISOR) <= 0.97


def test_what_is_flagged_does_not_hold(found: Sequence[Experiment]) -> None:
    assert coverage(found, below=FEWEST_IN_DIVISOR) < 0.92
    assert coverage(found, below=3) < 0.75


def arm(*users: float) -> Sums:
    random = np.random.default_rng(1)
    return sums(random.binomial(np.array(users, int), 0.3).astype(float), users)


def flags(control: Sums, treatment: Sums) -> tuple[Flag, ...]:
    (metric,) = evaluate(
        {"0": control, "1": treatment}, [ESTIMAND], design(PER_USER), AnalysisPlan(method="welch")
    )
    return metric["1"].flags


def test_one_organization_of_half_of_the_users_is_flagged() -> None:
    alike, dominated = arm(*[50] * 200), arm(*[50] * 199, 50 * 199)
    assert ESTIMAND.divisor_units(alike) == pytest.approx(200)
    assert ESTIMAND.divisor_units(dominated) == pytest.approx(3.98)
    assert Flag.FEW_LARGE_UNITS not in flags(alike, alike)
    assert Flag.FEW_LARGE_UNITS in flags(alike, dominated)
    assert Flag.FEW_LARGE_UNITS in flags(dominated, alike)


def test_the_effective_number_is_that_of_plain_python() -> None:
    users = [3.0, 1, 4, 1, 5, 9, 2, 6]
    expected = sum(users) ** 2 / sum(each * each for each in users)
    assert ESTIMAND.divisor_units(sums(users, users)) == pytest.approx(expected, rel=1e-12)
    assert ESTIMAND.divisor_units(sums([0.0, 0.0], [0.0, 0.0])) == 0
