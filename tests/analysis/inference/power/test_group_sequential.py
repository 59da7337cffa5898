"""The sizes of group sequential tests, beside those that others have published."""

from collections.abc import Sequence

import numpy as np
import pytest

from abkit.analysis.inference.continuing import stopping
from abkit.analysis.inference.group_sequential import (
    Spending,
    boundaries,
    hwang_shih_decani,
    obrien_fleming,
    pocock,
)
from abkit.analysis.inference.power import (
    Effect,
    GroupSequentialTest,
    characteristics,
    conversion_effect,
    sample_size,
    size,
)
from abkit.analysis.inference.power.searching import drift_with
from abkit.errors import AnalysisError

FIVE = (0.2, 0.4, 0.6, 0.8, 1.0)


@pytest.mark.parametrize(
    ("bounds", "power", "inflation"),
    [
        ([2.413] * 5, 0.8, 1.229),
        ([2.413] * 5, 0.9, 1.207),
        ([2.040 / share**0.5 for share in FIVE], 0.8, 1.028),
        ([2.040 / share**0.5 for share in FIVE], 0.9, 1.026),
    ],
    ids=["Pocock, 80%", "Pocock, 90%", "O'Brien-Fleming, 80%", "O'Brien-Fleming, 90%"],
)
def test_it_has_the_inflation_factors_of_jennison_and_turnbull(
    bounds: Sequence[float], power: float, inflation: float
) -> None:
    """Jennison and Turnbull (2000, "Group Sequential Methods"), tables 2.1 to 2.4: five looks, 5%."""
    found = characteristics(FIVE, bounds, power=power)
    assert found.inflation(alpha=0.05, power=power) == pytest.approx(inflation, abs=0.001)


def test_it_has_the_characteristics_that_gsdesign_prints() -> None:
    """The design that gsDesign 3.6 prints by default, which its own tests keep.

    `gsDesign(k = 5, test.type = 2)`: Hwang, Shih and DeCani's spending with gamma -4, 90% power.
    """
    bounds = boundaries(FIVE, alpha=0.05, spending=hwang_shih_decani(-4))
    found = characteristics(FIVE, bounds, power=0.9)
    inflation = found.inflation(alpha=0.05, power=0.9)
    assert [round(bound, 2) for bound in bounds] == [3.25, 2.99, 2.69, 2.37, 2.03]
    assert round(inflation, 3) == 1.023
    assert round(found.mean * inflation, 4) == 0.7366
    assert round(found.mean_without_effect * inflation, 4) == 1.0160
    steps = np.diff([0.0, *found.power]).round(4)
    assert list(steps) == [0.0370, 0.1512, 0.2647, 0.2699, 0.1771]


def test_it_has_the_characteristics_of_rpact() -> None:
    """A one-sided design of rpact's own tests: three looks, a user's spending, alpha 3%, power 86%."""
    found = characteristics(
        (0.2, 0.4, 1.0), (2.5121443, 2.4228747, 2.0280392), power=0.86, one_sided=True
    )
    inflation = found.inflation(alpha=0.03, power=0.86, one_sided=True)
    assert found.drift**2 == pytest.approx(9.4594102, rel=1e-7)
    assert inflation == pytest.approx(1.0788327, rel=1e-7)
    assert found.power == pytest.approx((0.12783451, 0.34055165, 0.86), abs=1e-7)
    assert found.mean * inflation == pytest.approx(0.83081135, rel=1e-7)
    assert found.mean_without_effect * inflation == pytest.approx(1.0697705, rel=1e-7)


def test_the_bounds_and_the_power_are_those_of_rpacts_own_slides() -> None:
    """Three looks, O'Brien-Fleming-type spending: 3.710, 2.511, 1.993 (rpact, ROeS 2025, Graz).

    There the one-sided level is 2.5%, and the second look has found 43.7%; but that design stops for
    futility too, so that it has more power early for a larger size.
    """
    needed = size(
        conversion_effect(0.2, change=0.05), test=GroupSequentialTest(looks=(1 / 3, 2 / 3, 1))
    )
    assert [round(look.bound, 3) for look in needed.looks] == [3.710, 2.511, 1.993]
    assert 0.40 < needed.looks[1].power < 0.437


def test_a_drift_with_which_everything_stops_leaves_nothing() -> None:
    ends = list(stopping([(1.0, 2.0), (2.0, 2.0), (3.0, 2.0)], drift=40.0))
    assert ends == [(pytest.approx(1.0), pytest.approx(0.0)), (0.0, 0.0), (0.0, 0.0)]


def test_a_power_that_jumps_is_found_and_one_that_never_comes_is_refused() -> None:
    jumps = drift_with(0.8, lambda drift: 0.0 if drift < 5 else 0.99, precision=1e-4)
    assert 5 <= jumps < 5.001
    with pytest.raises(AnalysisError, match="No number of units has this power"):
        drift_with(0.8, lambda _: 0.0, precision=1e-4)


@pytest.mark.parametrize("spending", [obrien_fleming, pocock])
def test_simulated_experiments_are_as_computed(spending: Spending) -> None:
    """100,000 experiments: their power, and the units that they take on average."""
    effect = conversion_effect(0.1, change=0.1, treatment_share=0.3)
    needed = size(effect, test=GroupSequentialTest(spending=spending, alpha=0.025), power=0.9)
    for present, mean in ((1.0, needed.mean), (0.0, needed.mean_without_effect)):
        ends, found = _stopped(effect, needed.units, spending, present=present)
        assert ends.mean() == pytest.approx(mean, rel=0.01)
        assert found.mean() == pytest.approx(0.9 if present else 0.0125, abs=0.004)


def _stopped(
    effect: Effect, units: int, spending: Spending, *, present: float
) -> tuple[np.ndarray, np.ndarray]:
    """The units at which each simulated experiment stops, and whether it stops above its bound."""
    random = np.random.default_rng(11)
    looks = np.asarray(FIVE) * units
    information = looks / effect.units_of_one
    steps = np.diff(information, prepend=0.0)
    scores = np.cumsum(random.normal(present * steps, np.sqrt(steps), (100_000, 5)), axis=1)
    z = scores / np.sqrt(information)
    crossed = np.abs(z) >= boundaries(FIVE, alpha=0.025, spending=spending)
    first = np.where(crossed.any(axis=1), crossed.argmax(axis=1), 4)
    rows = np.arange(len(z))
    return looks[first], crossed[rows, first] & (z[rows, first] > 0)


def test_each_look_says_its_units_its_bound_and_its_power() -> None:
    needed = size(conversion_effect(0.2, change=0.05), test=GroupSequentialTest())
    assert [round(look.units) for look in needed.looks] == [10485, 20969, 31454, 41939, 52424]
    assert [round(look.bound, 3) for look in needed.looks] == [4.877, 3.357, 2.680, 2.290, 2.031]
    powers = [look.power for look in needed.looks]
    assert powers == sorted(powers)
    assert powers[-1] == pytest.approx(0.8)


def test_one_look_is_the_test_of_one_look() -> None:
    effect = conversion_effect(0.2, change=-0.05)
    needed = size(effect, test=GroupSequentialTest(looks=(1.0,)))
    assert needed.units == pytest.approx(sample_size(effect), abs=1)
    assert needed.mean == pytest.approx(needed.units, abs=1)


def test_the_bound_of_a_cautious_variance_is_reached_later() -> None:
    """Where the larger arm varies more, the analysis takes the pooled variance, which is larger."""
    effect = Effect(0.02, 0.09, 0.16, 0.8)
    test = GroupSequentialTest(looks=(1.0,))
    assert effect.caution > 1.1
    assert size(effect, test=test).units == pytest.approx(sample_size(effect), abs=1)
