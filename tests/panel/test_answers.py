"""The last answers are kept."""

from pathlib import Path

import pytest
from attrs import evolve
from tests.panel.shop import analysis_of

from abkit.analysis.experiment_sums import ExperimentSums
from abkit.panel.answers import MOST_ANSWERS, Answers
from abkit.panel.controls import Controls
from abkit.panel.questions import Question

CHECKOUT = Question("Checkout")


@pytest.fixture(scope="module")
def sums(shop_events: Path) -> ExperimentSums:
    return analysis_of(shop_events).gather()


def test_what_was_asked_just_now_is_not_computed_again(sums: ExperimentSums) -> None:
    answers = Answers()
    first = answers.of(CHECKOUT, sums, Controls(confidence=0.9))
    assert answers.of(CHECKOUT, sums, Controls(confidence=0.9)) is first
    other = answers.of(CHECKOUT, sums, Controls(confidence=0.8))
    assert other.result is not None
    assert other.result.plan.confidence == 0.8


def test_other_sums_have_another_answer(sums: ExperimentSums) -> None:
    answers = Answers()
    first = answers.of(CHECKOUT, sums, Controls())
    later = evolve(sums, made=sums.made.replace(year=2100))
    assert answers.of(CHECKOUT, later, Controls()) is not first
    assert answers.of(Question("Checkout", by="plan"), sums, Controls()) is not first


def test_only_the_last_ones_are_kept(sums: ExperimentSums) -> None:
    answers = Answers()
    first = answers.of(CHECKOUT, sums, Controls(control="nobody"))
    for number in range(MOST_ANSWERS):
        answers.of(CHECKOUT, sums, Controls(control=f"nobody {number}"))
    assert answers.of(CHECKOUT, sums, Controls(control="nobody")) is not first
