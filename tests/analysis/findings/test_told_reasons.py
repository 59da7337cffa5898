"""The reasons of a recommendation say what holds, in sentences."""

from collections.abc import Mapping

from abkit.analysis.result import Result
from abkit.analysis.sums import SumsAnalysis
from abkit.experiments.declaring.metrics import Conversion, Direction, Metric, Role

ALIKE = {"a": 10_000, "b": 10_000, "c": 10_000}


def judged(
    converted: Mapping[Metric, Mapping[str, int]], units: Mapping[str, int] | None = None
) -> Result:
    return SumsAnalysis("Test", sums=converted, units=units or ALIKE, control="a").run()


def test_without_a_wanted_direction_nothing_is_called_better() -> None:
    metric = Conversion("click", direction=Direction.ANY, goal=0.1)
    found = judged({metric: {"a": 1_000, "b": 1_000, "c": 1_300}})
    assert found.recommendation.reasons[-1] == (
        "b is not significantly different in click, and a change as large as the goal is ruled out."
    )


def test_a_guardrail_that_must_not_change_is_not_called_worse() -> None:
    same = Conversion("visit", direction=Direction.ANY, role=Role.GUARDRAIL)
    errors = Conversion("error", direction=Direction.DECREASE, role=Role.GUARDRAIL)
    converted = {"a": 1_000, "b": 1_000, "c": 1_300}
    won = {"a": 1_000, "b": 1_300, "c": 1_400}
    reasons = judged({Conversion("click"): won, same: converted}).recommendation.reasons
    assert reasons[-1] == (
        "c is better in click, but significantly different in visit, which must not change."
    )
    both = judged({Conversion("click"): won, same: converted, errors: converted})
    assert both.recommendation.reasons[-1] == (
        "c is better in click, but significantly worse in error and significantly different in visit, "
        "which must not change."
    )


def test_what_is_missing_is_one_list() -> None:
    few = judged({Conversion("click"): {"a": 3, "b": 20}}, {"a": 40, "b": 2_000})
    (reason,) = few.recommendation.reasons
    assert reason == (
        "b cannot be compared in click yet: it needs 60 more units in variant a, 22 more conversions in "
        "variant a and 5 more conversions in variant b."
    )


def test_a_variant_without_units_is_named() -> None:
    found = judged(
        {Conversion("click"): {"a": 1_000, "b": 1_000, "c": 0}},
        {"a": 10_000, "b": 10_000, "c": 0},
    )
    assert found.warnings[-1].startswith("c has no units: it is not compared")
