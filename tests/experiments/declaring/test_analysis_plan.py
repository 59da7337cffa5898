"""An experiment declares how it will be judged."""

from datetime import timedelta
from typing import Any

import pytest

from abkit import AnalysisPlan, Conversion, OrgExperiment
from abkit.errors import AnalysisError, ArgumentError, DeclarationError
from abkit.experiments.declaring.analysis_words import Correction, Method
from abkit.experiments.declaring.exclusion import BOTS


def test_a_class_declares_its_plan() -> None:
    class Declared(OrgExperiment):
        variants = {"0": 0.5, "1": 0.5}
        metrics = [Conversion("clicked", goal=0.02)]
        plan = AnalysisPlan(
            confidence=0.9,
            sample_size=50_000,
            cuped=timedelta(days=14),
            segments=["plan"],
            min_days=14,
        )

    plan = Declared.declaration.plan
    assert plan is Declared.plan
    assert plan is not None
    assert plan.method is Method.SEQUENTIAL
    assert plan.segments == ("plan",)
    assert plan.given == {"confidence", "sample_size", "cuped", "segments", "min_days"}


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"confidence": 0.9}, "`plan` must be an AnalysisPlan"),
        (AnalysisPlan(taus={"other": 0.1}), "`plan`: taus names other; the metrics are clicked"),
        (AnalysisPlan(cuped={"clicked": "before"}), "`plan`: cuped must be a length of time"),
        (
            AnalysisPlan(method="group-sequential"),
            "`plan`: method='group-sequential' needs sample_size",
        ),
        (AnalysisPlan(looks=3), "`plan`: looks are planned with method='group-sequential'"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_where_it_is_declared(plan: Any, message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        type(
            "Declared",
            (OrgExperiment,),
            {"variants": ["0", "1"], "metrics": [Conversion("clicked")], "plan": plan},
        )


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"confidence": 95}, "at least 0.5 and below 1, such as 0.95 for 95%"),
        ({"confidence": "0.95"}, "at least 0.5 and below 1"),
        ({"min_days": -1}, "a whole number of days, such as 14, or 0 for none"),
        ({"min_days": 1.5}, "a whole number of days"),
        ({"novelty": "yes"}, "novelty must be True or False"),
        ({"sample_size": -1}, "the planned units of all arms"),
        ({"cuped": 14}, "timedelta above 0, such as timedelta"),
        ({"cuped": {"revenue": 3}}, "columns by metric"),
        ({"segments": "plan"}, r"such as \['plan'\]"),
        ({"exclude": BOTS}, r"such as \[BOTS\]"),
        ({"method": "ttest"}, "Did you mean 'welch'"),
        ({"method": "group-sequential", "over_time": None}, "over_time='day'"),
        ({"method": "welch", "taus": {"clicked": 0.1}}, "taus are those of method='sequential'"),
    ],
)
def test_bad_input_says_what_would_be_right(said: dict[str, Any], message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        AnalysisPlan(**said)


def test_an_unknown_argument_says_which_one_may_be_meant() -> None:
    with pytest.raises(ArgumentError, match="did you mean 'confidence'"):
        AnalysisPlan(confidnce=0.9)  # type: ignore[call-arg]


class TestOver:
    def test_what_is_said_holds_and_the_rest_is_the_others(self) -> None:
        both = AnalysisPlan(confidence=0.9).over(AnalysisPlan(confidence=0.99, sample_size=500))
        assert (both.confidence, both.sample_size) == (0.9, 500)
        assert both.given == {"confidence", "sample_size"}

    def test_a_default_that_is_said_holds(self) -> None:
        assert AnalysisPlan(confidence=0.95).over(AnalysisPlan(confidence=0.9)).confidence == 0.95

    def test_another_method_leaves_out_what_belongs_to_the_former(self) -> None:
        planned = AnalysisPlan(
            method="group-sequential", sample_size=5_000, looks=3, spending="pocock", confidence=0.9
        )
        welch = AnalysisPlan(method="welch").over(planned)
        assert welch.looks == ()
        assert (welch.sample_size, welch.confidence) == (5_000, 0.9)

    def test_another_method_leaves_out_what_it_does_not_offer(self) -> None:
        planned = AnalysisPlan(cuped=timedelta(days=7), correction="holm", alternative="one-sided")
        bayesian = AnalysisPlan(method="bayesian").over(planned)
        assert bayesian.cuped is None
        assert bayesian.correction is Correction.NONE
        assert bayesian.alternative == "two-sided"

    def test_a_part_of_a_plan_may_need_the_rest(self) -> None:
        sized = AnalysisPlan(sample_size=5_000)
        assert AnalysisPlan(method="group-sequential").over(sized).sample_size == 5_000
        planned = AnalysisPlan(method="group-sequential", sample_size=5_000)
        assert len(AnalysisPlan(looks=3).over(planned).looks) == 3

    def test_what_contradicts_is_refused(self) -> None:
        with pytest.raises(AnalysisError, match="looks are planned with method='group-sequential'"):
            AnalysisPlan(looks=3).over(AnalysisPlan(method="welch"))


@pytest.mark.parametrize("attribute", ["confidence", "cuped", "method", "min_days", "sample_size"])
def test_what_belongs_to_the_plan_is_no_attribute_of_the_class(attribute: str) -> None:
    with pytest.raises(
        DeclarationError, match=rf"belongs to the plan: plan = AnalysisPlan\({attribute}"
    ):
        type("Declared", (OrgExperiment,), {"variants": ["0", "1"], attribute: 1})
