"""From counts per day or hour to the cumulative curve."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.analysis.findings.cumulative import cumulative
from abkit.errors import AnalysisError

FIRST = datetime(2024, 5, 1, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def on(*days: int) -> dict[datetime, int]:
    """Ten units on each of these days."""
    return {FIRST + day * DAY: 10 for day in days}


def test_days_without_new_units_are_filled() -> None:
    found = cumulative({"0": on(0, 3), "1": on(1)})
    assert found.ends == tuple(FIRST + day * DAY for day in (1, 2, 3, 4))
    assert found.units == {"0": (10, 10, 10, 20), "1": (0, 10, 10, 10)}
    assert found.complete


@given(st.dictionaries(st.integers(0, 30), st.integers(0, 1000), min_size=1))
def test_the_curve_never_falls_and_ends_with_all_units(counts: dict[int, int]) -> None:
    found = cumulative({"0": {FIRST + day * DAY: units for day, units in counts.items()}})
    assert list(found.units["0"]) == sorted(found.units["0"])
    assert found.units["0"][-1] == sum(counts.values())
    assert len(found.ends) == len(found.units["0"]) == max(counts) - min(counts) + 1


@pytest.mark.parametrize(
    ("until", "days", "complete"),
    [
        (FIRST + 2 * DAY, 2, True),
        (FIRST + 2 * DAY - HOUR, 2, False),
        (FIRST + 2 * DAY + HOUR, 3, False),
        (FIRST + 4 * DAY, 4, True),
        (FIRST, 2, False),
    ],
)
def test_up_to_the_last_event_the_absence_of_units_is_known(
    until: datetime, days: int, complete: bool
) -> None:
    """Units on two days; the first day whose end is not reached may still grow."""
    found = cumulative({"0": on(0, 1)}, until=until)
    assert len(found.ends) == days
    assert found.complete is complete


def test_hours_are_added_up_alike() -> None:
    found = cumulative({"0": {FIRST: 5, FIRST + 2 * HOUR: 7}}, step=HOUR)
    assert found.ends == tuple(FIRST + hour * HOUR for hour in (1, 2, 3))
    assert found.units == {"0": (5, 5, 12)}


def test_hours_are_diagnosed_by_day() -> None:
    counts = {FIRST + hour * HOUR: 100 + hour % 24 for hour in range(5, 24 * 7)}
    found = cumulative({"0": counts, "1": counts}, step=HOUR)
    assert found.diagnosis == ("New units arrive steadily, about 5,352 a day.",)


def test_a_day_that_is_not_over_is_not_diagnosed() -> None:
    flat = {FIRST + day * DAY: 1000 if day < 6 else 0 for day in range(9)}
    over, running = FIRST + 9 * DAY, FIRST + 9 * DAY - HOUR
    assert "last 3 days" in cumulative({"0": flat, "1": flat}, until=over).diagnosis[0]
    assert cumulative({"0": flat, "1": flat}, until=running).diagnosis == ()


def test_the_weights_decide_what_is_apart() -> None:
    new = {"0": {k: 30 * v for k, v in on(*range(8)).items()}, "1": on(*range(8))}
    assert "though its weight is 50%" in cumulative(new).diagnosis[0]
    assert "steadily" in cumulative(new, weights={"0": 30, "1": 1}).diagnosis[0]


def test_without_units_there_is_no_curve() -> None:
    found = cumulative({"0": {}, "1": {}}, until=FIRST)
    assert (found.ends, found.units) == ((), {"0": (), "1": ()})
    assert found.complete


def test_a_clock_that_was_wrong_by_years_does_not_fill_them() -> None:
    found = cumulative({"0": {datetime(1970, 1, 1, tzinfo=UTC): 1, FIRST: 5}})
    assert len(found.ends) == 2


def test_periods_that_are_no_periods_are_refused() -> None:
    with pytest.raises(AnalysisError, match="must start whole steps of 1 day"):
        cumulative({"0": {FIRST: 1, FIRST + HOUR: 1}})
