"""How many units an experiment reaches a day."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

from abkit.analysis.advice.daily_units import daily_units
from abkit.analysis.findings.cumulative import CumulativeUnits, cumulative

START = datetime(2026, 11, 2, tzinfo=UTC)


def curve(
    new: Sequence[int], *, step: timedelta = timedelta(days=1), complete: bool = True
) -> CumulativeUnits:
    """Two variants, of which each gets half."""
    half = {START + step * i: units // 2 for i, units in enumerate(new)}
    until = START + step * len(new) - timedelta(minutes=0 if complete else 1)
    return cumulative({"a": half, "b": half}, step=step, until=until)


def test_it_is_the_mean_of_the_last_seven_whole_days() -> None:
    found = daily_units(curve([9000, 9000, 100, 110, 120, 130, 140, 150, 160, 7], complete=False))
    assert found is not None
    assert (found.units, found.days) == (130.0, 7)
    assert (found.first, found.last) == (date(2026, 11, 4), date(2026, 11, 10))


def test_neither_the_first_day_nor_one_that_is_not_over_counts() -> None:
    assert daily_units(curve([50, 100, 30], complete=False)) == daily_units(curve([50, 100]))
    assert daily_units(curve([50])) is None
    assert daily_units(curve([50, 30], complete=False)) is None


def test_hours_add_up_to_days() -> None:
    hours = curve([2] * 24 + [4] * 24 + [100] * 5, step=timedelta(hours=1))
    found = daily_units(hours)
    assert found is not None
    assert (found.units, found.first, found.days) == (96.0, date(2026, 11, 3), 1)


def test_a_day_without_new_units_counts_as_one() -> None:
    found = daily_units(curve([50, 100, 0]))
    assert found is not None
    assert (found.units, found.days) == (50.0, 2)


def test_a_week_without_new_units_says_nothing_of_a_day() -> None:
    assert daily_units(curve([50, 100, *[0] * 7])) is None


def test_without_units_nothing_is_known() -> None:
    assert daily_units(CumulativeUnits(ends=(), units=MappingProxyType({"a": (), "b": ()}))) is None
