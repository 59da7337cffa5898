"""How long an experiment still takes, and why."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import evolve
from tests.panel.shop import analysis_of

from abkit.analysis.advice.verdict import RecommendedAction
from abkit.analysis.result import Result
from abkit.panel.remaining_time import remaining_time
from abkit.panel.states import State

ENDS = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def result(shop_events: Path) -> Result:
    return analysis_of(shop_events).run()


def said(result: Result, state: State = State.RUNNING) -> dict[str, str]:
    return dict(remaining_time(result, state, ends=ENDS))


def test_the_numbers_that_it_follows_from_stand_beside_it(result: Result) -> None:
    told = said(result)
    assert told["Units so far"] == "3,000 of the planned 6,000 (50%)"
    assert told["New units a day"].endswith("the mean of 2026-11-15 to 2026-11-21")
    assert told["Declared end"] == "2026-12-01 00:00 UTC"
    assert told["Looked for"] == "purchase should increase, goal +5%"
    assert {"Found so far, express", "Found so far, one_page"} <= told.keys()


def test_what_is_waited_for_is_told_and_if_nothing_is_why(result: Result) -> None:
    assert result.remaining is not None
    waiting = evolve(
        result,
        recommendation=evolve(
            result.recommendation, action=RecommendedAction.CONTINUE, variant=None
        ),
    )
    assert said(waiting)["Still to come"] == result.remaining.message
    assert said(result)["Still to come"] == (
        "Nothing to wait for: the recommendation is to roll out express."
    )
    over = said(waiting, State.ROLLED_BACK)["Still to come"]
    assert over == "Nothing: the experiment is rolled back."
    doubtful = evolve(waiting, sample_ratio=evolve(result.sample_ratio, sequential_p=0.0))
    assert said(doubtful)["Still to come"].startswith("No estimate: the sample ratio is wrong")
