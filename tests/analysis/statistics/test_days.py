"""Which time after the exposure is looked at, and of which metrics."""

import pytest

from abkit.analysis.statistics.days import are_additive, chosen_length, early_days
from abkit.experiments.declaring.metrics import (
    Average,
    Conversion,
    Mean,
    Metric,
    Retention,
    Sum,
    Total,
    Winsorize,
)


@pytest.mark.parametrize(
    ("units", "most", "length"),
    [
        ({0: 500, 6: 500}, 28, None),
        ({0: 999, 7: 1}, 28, 7),
        ({7: 76, 14: 24}, 28, 7),
        ({7: 75, 14: 25}, 28, 14),
        ({7: 50, 14: 25, 28: 25}, 28, 28),
        ({7: 50, 14: 25, 28: 25}, 20, 14),
        ({28: 100}, 6, None),
        ({}, 28, None),
    ],
)
def test_the_longest_time_that_a_quarter_of_the_units_have_behind_them_is_compared(
    units: dict[int, int], most: int, length: int | None
) -> None:
    assert chosen_length(units, most=most) == length


def test_the_parts_of_two_and_of_four_weeks_have_each_day_of_the_week_equally_often() -> None:
    assert [early_days(length) for length in (7, 14, 28)] == [3, 7, 14]


def test_conversions_counts_and_sums_are_made_of_days() -> None:
    made_of_days: tuple[Metric, ...] = (
        Conversion("buy"),
        Total("buys", action="buy"),
        Sum("x", property="p"),
        Total("capped", action="buy", winsorize=Winsorize(upper=3)),
    )
    others: tuple[Metric, ...] = (
        Conversion("twice", action="buy", times=2),
        Total("log", action="buy", log=True),
        Average("price", action="buy", property="price"),
        Mean("x"),
        Retention("back", start="a", returning="a", n=1),
    )
    assert are_additive([*made_of_days, *others]) == made_of_days
