"""Of a holdout there is nothing to roll out or back: what is recommended says what to do instead."""

from types import SimpleNamespace
from typing import Any

import pytest

from abkit.analysis.advice.verdict import RecommendedAction
from abkit.analysis.presentation.advice import advised, compared


def outcome(action: RecommendedAction, variant: str | None, *holdout_of: str) -> Any:
    return SimpleNamespace(
        recommendation=SimpleNamespace(action=action, variant=variant),
        design=SimpleNamespace(holdout_of=holdout_of),
    )


@pytest.mark.parametrize(
    ("action", "variant", "of_an_experiment", "of_a_holdout"),
    [
        (
            RecommendedAction.ROLL_OUT,
            "shipped",
            "roll out shipped",
            "end the holdout, and keep what was shipped",
        ),
        (RecommendedAction.ROLL_BACK, None, "roll back", "find out what of it did harm"),
        (RecommendedAction.CONTINUE, None, "continue", "continue"),
        (RecommendedAction.INVESTIGATE, None, "investigate", "investigate"),
    ],
)
def test_the_recommendation_is_in_the_words_of_what_was_compared(
    action: RecommendedAction, variant: str | None, of_an_experiment: str, of_a_holdout: str
) -> None:
    assert advised(outcome(action, variant)) == of_an_experiment
    assert advised(outcome(action, variant, "Search")) == of_a_holdout


def test_only_a_holdout_says_what_it_compares() -> None:
    assert compared(outcome(RecommendedAction.CONTINUE, None)) is None
    said = compared(outcome(RecommendedAction.CONTINUE, None, "Search", "Cart"))
    assert said == "all that was shipped by Search, Cart, against the units that were held out"
