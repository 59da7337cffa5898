"""Conversions that got lost are told before there are enough of them."""

import pytest

from abkit.analysis.advice.verdict import RecommendedAction, recommend
from abkit.analysis.findings.evaluate import evaluate
from abkit.analysis.findings.metric_result import Treatment
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Method
from abkit.experiments.declaring.metrics import Conversion

from .samples import alone, conversions, design

CLICKED = Conversion("clicked")


def treated(control: int, treatment: int, plan: AnalysisPlan) -> Treatment:
    arms = {"0": conversions(2_000, control), "1": conversions(2_000, treatment)}
    return evaluate(arms, [alone(CLICKED)], design(CLICKED), plan)[0]["1"]


@pytest.mark.parametrize("method", [Method.SEQUENTIAL, Method.WELCH, Method.BAYESIAN])
def test_a_variant_that_lost_its_conversions_is_named_below_the_gate(method: Method) -> None:
    found = treated(93, 0, AnalysisPlan(method=method))
    assert found.comparison is None
    needed, look = found.missing
    assert needed == "25 more conversions in variant 1"
    assert look == (
        "a look at why variant 1 has 0 conversions where the control's rate makes 93 (p < 0.0001)"
    )


def test_the_recommendation_is_to_investigate() -> None:
    arms = {"0": conversions(2_000, 93), "1": conversions(2_000, 0)}
    found = evaluate(arms, [alone(CLICKED)], design(CLICKED), AnalysisPlan())
    told = recommend(found, deciding=CLICKED, mismatch=False, last_look=False)
    assert told.action is RecommendedAction.INVESTIGATE
    assert told.reasons[0].startswith("1 cannot be compared in clicked yet, and it needs a look")


def test_so_is_a_control_that_lost_them() -> None:
    found = treated(1, 24, AnalysisPlan())
    assert found.missing[-1] == (
        "a look at why variant 0 has 1 conversion where the rate of variant 1 makes 24 (p < 0.0001)"
    )


def test_a_small_arm_that_converts_more_has_lost_nothing() -> None:
    arms = {"0": conversions(5_000, 500), "1": conversions(50, 20)}
    found = evaluate(arms, [alone(CLICKED)], design(CLICKED), AnalysisPlan())[0]["1"]
    assert found.missing == ("50 more units in variant 1", "5 more conversions in variant 1")


@pytest.mark.parametrize("counts", [(0, 0), (12, 9), (24, 12), (93, 90)])
def test_nothing_is_told_of_what_chance_explains_or_can_be_compared(
    counts: tuple[int, int],
) -> None:
    found = treated(*counts, AnalysisPlan())
    assert not any("a look at why" in text for text in found.missing)
