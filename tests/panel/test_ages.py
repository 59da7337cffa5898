"""How old what is shown is, in words."""

from datetime import UTC, datetime, timedelta

import pytest

from abkit.panel.ages import age, oldest
from abkit.panel.reading import Reading

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def read(minutes: float, *, tried: float | None = None, problem: str = "") -> Reading:
    made = NOW - timedelta(minutes=minutes)
    seen = made if tried is None else NOW - timedelta(minutes=tried)
    return Reading(made=made, tried=seen, problem=problem)


@pytest.mark.parametrize(
    ("reading", "said"),
    [
        (Reading(), ""),
        (read(0.5), "read just now"),
        (read(1), "read 1 minute ago"),
        (read(119), "read 1 hour ago"),
        (read(300), "read 5 hours ago"),
        (read(300, tried=3), "read 5 hours ago; no new events since"),
        (read(300, tried=3, problem="data/events is not there"), "read 5 hours ago"),
    ],
)
def test_an_age_is_told_in_words(reading: Reading, said: str) -> None:
    assert age(reading, NOW) == said


def test_how_long_a_reading_took_is_no_time_without_events() -> None:
    made, took = NOW - timedelta(minutes=10), timedelta(minutes=5)
    assert age(Reading(made=made, tried=made + took, took=took), NOW) == "read 10 minutes ago"


def test_of_many_the_oldest_is_told() -> None:
    assert oldest([Reading(), read(3), read(500, tried=70)], NOW) == "1 hour ago"
    assert oldest([Reading()], NOW) == ""
