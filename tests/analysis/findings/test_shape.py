"""What is said of the curve of exposures, and what is left unsaid."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from abkit.analysis.findings.shape import diagnose

FIRST = datetime(2024, 5, 1, tzinfo=UTC)  # a Wednesday


def said(*new: Sequence[int], weights: Mapping[str, float] | None = None) -> tuple[str, ...]:
    """Of new units a day, by variant."""
    days = [FIRST + timedelta(days=day) for day in range(len(new[0]))]
    by_variant = {str(number): list(units) for number, units in enumerate(new)}
    return diagnose(by_variant, days=days, weights=weights or {})


def alike(*units: int) -> tuple[str, ...]:
    """Two variants that get the same."""
    return said(units, units)


def test_a_steady_curve_is_said_to_be_one() -> None:
    assert alike(40, 500, 510, 490, 505, 500) == ("New units arrive steadily, about 1,002 a day.",)


@pytest.mark.parametrize("days", range(5))
def test_fewer_than_five_days_have_no_shape(days: int) -> None:
    assert said([1000] * days, [10] * days) == ()


def test_fewer_than_a_hundred_units_have_no_shape() -> None:
    assert alike(*[9] * 5) == ()
    assert alike(*[0] * 9) == ()


@pytest.mark.parametrize("start", range(7))
@pytest.mark.parametrize("days", [7, 10, 14, 21])
def test_weekends_are_no_sign_of_anything(start: int, days: int) -> None:
    """Whatever day it begins with; 40% of the units on Saturdays and Sundays."""
    units = [400 if (start + day) % 7 >= 5 else 1000 for day in range(days)]
    assert all("steadily" in sentence for sentence in alike(*units))


def test_chance_is_no_sign_of_anything() -> None:
    random = np.random.default_rng(1)
    for a_day in (20, 100, 5_000):
        for _ in range(300):
            of = random.poisson(a_day, (2, 14)).tolist()
            assert all("steadily" in sentence for sentence in said(*of))


def test_a_flat_end_is_told() -> None:
    (sentence,) = alike(300, 500, 500, 500, 3, 0, 1)
    assert sentence.startswith("Nearly no new units in the last 3 days")
    (longer,) = alike(300, 500, 500, 500, 500, 500, 0, 0, 0, 0)
    assert "the last 4 days" in longer
    assert not any("Nearly no" in sentence for sentence in alike(300, 500, 500, 500, 500, 0, 0))


def test_a_falling_slope_is_told() -> None:
    (sentence,) = alike(900, 1000, 800, 650, 500, 400, 320, 250, 200)
    assert sentence.startswith("New units become fewer from day to day")


def test_a_kink_is_told_with_its_day() -> None:
    (sentence,) = alike(300, 500, 510, 490, 500, 1500, 1490, 1510, 1500)
    assert sentence.startswith("New units a day went from about 1,000 to about 3,000 on 2024-05-06")
    (fallen,) = alike(1300, 1500, 1510, 1490, 1500, 500, 490, 510, 500)
    assert "went from about 3,000 to about 1,000 on 2024-05-06" in fallen


@pytest.mark.parametrize("days", [[500] * 4 + [2500] + [500] * 5, [500] * 8 + [2500]])
def test_one_odd_day_is_no_kink(days: list[int]) -> None:
    assert not any("went from" in sentence for sentence in alike(*days))


def test_a_staggered_start_is_told_and_equal_slopes_are_no_fault() -> None:
    found = said([300, 500, 500, 500, 500, 500, 500], [0, 0, 500, 500, 510, 490, 500])
    assert found[0].startswith("Variant 1 began on 2024-05-03, 2 days after the first one")
    assert not any("weight" in sentence for sentence in found)


def test_a_few_units_before_the_others_are_no_staggered_start() -> None:
    found = said([3, 500, 500, 500, 500, 500], [0, 500, 500, 500, 500, 500])
    assert found == ("New units arrive steadily, about 1,000 a day.",)


def test_shares_that_are_not_the_weights_are_told() -> None:
    found = said([700] * 8, [300] * 8)
    assert found[0].startswith("Variant 1 gets 30% of the new units, though its weight is 50%")
    assert said([700] * 8, [300] * 8, weights={"0": 7, "1": 3}) == (
        "New units arrive steadily, about 1,000 a day.",
    )


def test_shares_that_change_are_told_with_the_day() -> None:
    found = said([500] * 6 + [900] * 2, [500] * 6 + [100] * 2)
    assert found[0].startswith(
        "The share of variant 1 among the new units went from 50% before 2024-05-07 to 10% since"
    )


def test_of_three_variants_those_are_named_whose_share_is_wrong() -> None:
    found = said([1000] * 8, [1000] * 8, [400] * 8)
    assert sum("gets" in sentence for sentence in found) == 3
    slight = said([1000] * 8, [1000] * 8, [900] * 8)
    assert slight == ("New units arrive steadily, about 2,900 a day.",)


def test_a_variant_that_is_not_declared_has_no_share_to_keep() -> None:
    found = said([1000] * 8, [1000] * 8, [400] * 8, weights={"0": 1, "1": 1})
    assert found == ("New units arrive steadily, about 2,400 a day.",)
