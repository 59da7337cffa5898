"""What each choice loses on average, beside the best one."""

import numpy as np
import pytest
from attrs import evolve

from abkit.analysis.inference.expected_loss import expected_losses
from abkit.analysis.inference.shrinkage import ShrunkLift

ONE = (ShrunkLift(mean=0.02, own=0.01, shared=0.01),)
TWO = (*ONE, ShrunkLift(mean=0.015, own=0.02, shared=0.01))
SIX = tuple(ShrunkLift(mean=0.02 * i - 0.05, own=0.01 * (i + 1), shared=0.02) for i in range(6))
UNEQUAL = (
    ShrunkLift(mean=-0.02, own=0.001, shared=0.03),
    ShrunkLift(mean=-0.015, own=0.0005, shared=0.02),
)


@pytest.mark.parametrize("believed", [ONE, TWO, SIX, UNEQUAL])
def test_the_losses_are_those_of_a_million_draws(believed: tuple[ShrunkLift, ...]) -> None:
    random, draws = np.random.default_rng(4), 1_000_000
    control = random.standard_normal(draws)
    best = np.zeros(draws)
    for each in believed:
        own = random.standard_normal(draws)
        np.maximum(best, each.mean + each.shared * control + each.own * own, out=best)
    drawn = [best.mean() - mean for mean in (0.0, *(each.mean for each in believed))]
    scale = max(each.deviation for each in believed)
    assert expected_losses(believed) == pytest.approx(drawn, abs=0.006 * scale)


def test_of_one_variant_the_two_losses_differ_by_its_lift() -> None:
    control, variant = expected_losses(ONE)
    assert control - variant == pytest.approx(0.02)
    assert variant == pytest.approx(0.0005025, abs=1e-7)


def test_a_variant_that_cannot_be_best_changes_no_loss() -> None:
    hopeless = ShrunkLift(mean=-9.0, own=0.01, shared=0.01)
    two, three = expected_losses(TWO), expected_losses((*TWO, hopeless))
    assert three[:-1] == pytest.approx(two, abs=1e-6)
    assert three[-1] == pytest.approx(9.0 + two[0], abs=1e-6)


@pytest.mark.parametrize("believed", [ONE, TWO, SIX])
def test_where_lower_is_better_all_is_mirrored(believed: tuple[ShrunkLift, ...]) -> None:
    mirrored = [evolve(each, mean=-each.mean, shared=-each.shared) for each in believed]
    assert expected_losses(mirrored, lower_is_better=True) == pytest.approx(
        expected_losses(believed)
    )


def test_what_is_certain_has_no_risk() -> None:
    assert expected_losses([ShrunkLift(mean=0.1, own=0.0, shared=0.0)]) == (0.1, 0.0)
