"""Skewed and rare metrics on a split of 90:10: what the variance rule does to the tests of a few looks.

A/A experiments of five looks, 4,000 of them, with fixed seeds; nominal are 5%. Where the arms have one
size, both rules are the same.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from abkit.analysis.inference.comparison import Comparison
from abkit.analysis.inference.group_sequential import boundaries, group_sequential, pocock
from abkit.analysis.inference.variance import at_least_pooled, separate
from abkit.analysis.inference.welch import welch
from abkit.analysis.statistics.aggregates import Moments

RUNS, LOOKS, A_LOOK = 4_000, 5, 40
BOUNDS = np.array(boundaries([0.2, 0.4, 0.6, 0.8, 1.0], spending=pocock))
ONE_LOOK = 1.96

Values: TypeAlias = NDArray[np.float64]
Draw: TypeAlias = Callable[[np.random.Generator, tuple[int, int]], Values]


def clicks(random: np.random.Generator, size: tuple[int, int]) -> Values:
    return (random.random(size) < 0.01).astype(np.float64)


def revenue(random: np.random.Generator, size: tuple[int, int]) -> Values:
    """One in ten buys, for a lognormal amount."""
    return np.asarray((random.random(size) < 0.1) * random.lognormal(3, 1.2, size))


def rounds(random: np.random.Generator, size: tuple[int, int]) -> Values:
    return random.lognormal(0, 1, size)


def normal(random: np.random.Generator, size: tuple[int, int]) -> Values:
    return random.normal(0, 1, size)


def arm(values: Values) -> tuple[Values, Values, Values]:
    """Units, mean and variance of each run at each look."""
    runs, units = values.shape
    n = np.arange(1, LOOKS + 1, dtype=np.float64) * (units // LOOKS)
    by_look = values.reshape(runs, LOOKS, -1)
    total = by_look.sum(axis=2).cumsum(axis=1)
    squares = np.square(by_look).sum(axis=2).cumsum(axis=1)
    return n, np.asarray(total / n), np.asarray((squares - total * total / n) / (n - 1))


def statistics(
    draw: Draw, share: int, *, rise: float = 0.0, runs: int = RUNS
) -> Mapping[str, Values]:
    """|z| of each run at each look, by variance rule; the control has `share` times the units."""
    random = np.random.default_rng(4)
    n_c, mean_c, var_c = arm(draw(random, (runs, LOOKS * A_LOOK * share)))
    n_t, mean_t, var_t = arm(draw(random, (runs, LOOKS * A_LOOK)) + rise)
    own = var_c / n_c + var_t / n_t
    spread = ((n_c - 1) * var_c + (n_t - 1) * var_t) / (n_c + n_t - 2)
    pooled = np.maximum(own, spread * (1 / n_c + 1 / n_t))
    return {
        rule: np.abs(mean_t - mean_c) / np.sqrt(np.where(variance > 0, variance, np.inf))
        for rule, variance in (("separate", own), ("at least pooled", pooled))
    }


def rejected(found: Values) -> tuple[float, float]:
    """The share of runs that Pocock's five looks reject, and that one look at the end does."""
    return float((found >= BOUNDS).any(axis=1).mean()), float((found[:, -1] >= ONE_LOOK).mean())


@pytest.mark.parametrize(
    ("draw", "least"),
    [(clicks, (0.2, 0.1)), (revenue, (0.2, 0.1)), (rounds, (0.08, 0.055))],
    ids=["rare conversions", "revenue", "lognormal"],
)
def test_on_an_unequal_split_the_pooled_variance_keeps_the_level(
    draw: Draw, least: tuple[float, float]
) -> None:
    """Measured of Pocock: 44%, 26% and 10% with Welch's rule; 0%, 0% and 1.3% with the pooled one."""
    found = statistics(draw, 9)
    with_welchs = rejected(found["separate"])
    assert with_welchs[0] > least[0]
    assert with_welchs[1] > least[1]
    assert max(rejected(found["at least pooled"])) < 0.045


def test_on_ordinary_data_it_costs_next_to_nothing() -> None:
    """A rise that one look finds with 80%: nothing at 50:50; 2 points or less at 90:10."""
    for share in (1, 9):
        rise = 2.8016 * np.sqrt(1 / (LOOKS * A_LOOK) * (1 + 1 / share))
        found = statistics(normal, share, rise=rise)
        ours, theirs = rejected(found["at least pooled"]), rejected(found["separate"])
        most = 0.0 if share == 1 else 0.03
        assert all(0 <= b - a <= most for a, b in zip(ours, theirs, strict=True))


units = st.integers(2, 5_000)
means = st.builds(Moments, units, st.floats(-10, 10), st.floats(0.01, 100))


@given(means, means)
def test_the_rule_never_makes_a_variance_smaller(control: Moments, treatment: Moments) -> None:
    own = welch(control, treatment)
    ours = welch(control, treatment, variance_rule=at_least_pooled)
    assert ours.details["standard_error"] >= own.details["standard_error"] * (1 - 1e-12)


@given(means, means, st.floats(0.5, 8))
def test_interval_and_p_value_are_of_one_mind(
    control: Moments, treatment: Moments, bound: float
) -> None:
    def agree(found: Comparison) -> bool:
        return (not found.interval.low <= 0 <= found.interval.high) is found.significant

    for rule in (separate, at_least_pooled):
        assert agree(welch(control, treatment, variance_rule=rule))
        look = group_sequential(control, treatment, bound=bound, details={}, variance_rule=rule)
        assert agree(look)
