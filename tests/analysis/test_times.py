"""How times are written."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from abkit.analysis.times import daily, duration, frame, look, spread, within

MIDNIGHT = datetime(2026, 11, 3, tzinfo=UTC)


def test_a_day_is_called_by_its_date_though_it_ends_on_the_next() -> None:
    assert daily([MIDNIGHT])
    assert look(MIDNIGHT, by_day=True) == "2026-11-02"


def test_an_hour_is_called_by_its_end_in_utc() -> None:
    paris = MIDNIGHT.replace(hour=14, tzinfo=timezone(timedelta(hours=1)))
    assert not daily([paris])
    assert look(paris, by_day=False) == "2026-11-03 13:00"
    assert look(MIDNIGHT.replace(hour=5, tzinfo=None), by_day=False) == "2026-11-03 05:00"


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        ((None, None), None),
        ((MIDNIGHT, None), "from 2026-11-03 UTC"),
        ((None, MIDNIGHT.replace(hour=7)), "until 2026-11-03 07:00 UTC"),
        ((MIDNIGHT, MIDNIGHT), "from 2026-11-03 until 2026-11-03 UTC"),
    ],
)
def test_a_frame_says_which_ends_it_has(
    bounds: tuple[datetime | None, datetime | None], text: str | None
) -> None:
    assert frame(bounds) == text


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(days=14), "14 days"),
        (timedelta(days=1), "1 day"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(minutes=90), "1.5 hours"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(seconds=30), "30 seconds"),
    ],
)
def test_lengths_are_in_a_unit_that_suits_them(span: timedelta, text: str) -> None:
    assert duration(span) == text


def test_a_spread_has_both_ends() -> None:
    assert spread(3, at_most=5) == [0, 1, 2]
    assert spread(100, at_most=5) == [0, 25, 50, 74, 99]


def test_a_moment_lies_in_a_day_that_midnight_ends() -> None:
    noon, midnight = datetime(2026, 11, 2, 12, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC)
    assert within(noon, by_day=True) == within(midnight, by_day=True) == "2026-11-02"
    assert within(noon + timedelta(minutes=20), by_day=False) == "2026-11-02 12:00"
