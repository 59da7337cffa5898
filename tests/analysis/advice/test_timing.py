"""Whether the days suffice."""

from datetime import timedelta
from typing import Any

import pytest

from abkit.analysis.advice.timing import timing
from abkit.experiments.declaring.analysis_plan import AnalysisPlan


def days(number: float, **plan: Any) -> tuple[str | None, str | None]:
    found = timing(AnalysisPlan(**plan), timedelta(days=number))
    return found.too_early, found.partial_weeks


def test_nothing_is_rolled_out_in_the_first_week() -> None:
    early, _ = days(2.5)
    assert early == (
        "Wait until 7 days are over (2 are over): the users of a Monday are not those of a Sunday."
    )
    assert "(none is over yet)" in str(days(0.5)[0])
    assert "(1 is over)" in str(days(1.2)[0])


@pytest.mark.parametrize(
    ("number", "plan", "early"),
    [
        (6.9, {}, True),
        (6.97, {}, False),  # the last exposure of a day comes before its end
        (7, {}, False),
        (7, {"min_days": 14}, True),
        (14, {"min_days": 14}, False),
        (0.1, {"min_days": 0}, False),
        (0.1, {"min_days": None}, False),
    ],
)
def test_the_plan_says_how_long(number: float, plan: dict[str, int | None], early: bool) -> None:
    assert (days(number, **plan)[0] is not None) is early


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (
            0.4,
            "No day is over yet: the users of the other days of the week may behave differently.",
        ),
        (
            3,
            "Only 3 days are over: the users of the other days of the week may behave differently.",
        ),
        (7, None),
        (
            10,
            "10 days are 1 week and 3 days: some days of the week count once more than the others.",
        ),
        (14, None),
        (
            27,
            "27 days are 3 weeks and 6 days: some days of the week count once more than the others.",
        ),
        (29, None),
    ],
)
def test_days_that_are_no_whole_weeks(number: float, told: str | None) -> None:
    assert days(number, min_days=0)[1] == told


def test_an_experiment_that_has_ended_does_not_wait() -> None:
    found = timing(AnalysisPlan(), timedelta(days=3), ended=True)
    assert found.too_early is None
    assert found.partial_weeks is not None


def test_without_times_nothing_is_said() -> None:
    found = timing(AnalysisPlan(), None)
    assert (found.too_early, found.partial_weeks) == (None, None)
