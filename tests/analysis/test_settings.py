"""What goes together in the plan, and what does not."""

from datetime import timedelta
from typing import Any

import pytest

from abkit.errors import AnalysisError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Correction, Method
from abkit.experiments.declaring.metrics import Conversion


def test_the_defaults_are_amplitudes() -> None:
    plan = AnalysisPlan()
    assert plan.method is Method.SEQUENTIAL
    assert plan.confidence == 0.95
    assert plan.level == 0.05
    assert plan.correction is Correction.BONFERRONI
    assert plan.cuped is None
    assert plan.warnings == ()


def test_chances_are_never_corrected() -> None:
    assert AnalysisPlan(method="bayesian").correction is Correction.NONE


def test_a_number_of_looks_means_even_steps() -> None:
    planned = AnalysisPlan(method="group-sequential", sample_size=1_000, looks=4)
    assert planned.looks == (0.25, 0.5, 0.75, 1.0)
    usual = AnalysisPlan(method="group-sequential", sample_size=1_000)
    assert len(usual.looks) == 5
    uneven = AnalysisPlan(method="group-sequential", sample_size=1_000, looks=[0.5, 1])
    assert uneven.looks == (0.5, 1.0)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (
            {"method": "msprt"},
            "method must be one of sequential, welch, bayesian, group-sequential",
        ),
        ({"confidence": 95}, "confidence must be at least 0.5 and below 1, such as 0.95"),
        (
            {"alternative": "greater"},
            "not 'greater'. Did you mean 'one-sided'",
        ),
        (
            {
                "method": "group-sequential",
                "sample_size": 10,
                "looks": 5,
                "alternative": "one-sided",
            },
            "offered with method='sequential' and 'welch', not with 'group-sequential'",
        ),
        ({"method": "bayesian", "alternative": "one-sided"}, "not with 'bayesian'"),
        ({"correction": "sidak"}, "correction must be one of bonferroni, holm"),
        ({"correction": "bh"}, "not 'bh'. Did you mean 'benjamini-hochberg'?"),
        ({"correction": "Bonferoni"}, "Did you mean 'bonferroni'?"),
        ({"method": "t-test"}, "Did you mean 'welch'?"),
        ({"method": "bayesian", "correction": "bonferroni"}, "corrects no chances"),
        ({"method": "bayesian", "cuped": timedelta(days=7)}, "CUPED is not offered"),
        ({"method": "group-sequential"}, "needs sample_size, the planned units of all arms"),
        ({"method": "group-sequential", "sample_size": 9, "looks": ()}, "needs looks"),
        (
            {"method": "group-sequential", "sample_size": 9, "correction": "holm"},
            "use correction='bonferroni' or 'none'",
        ),
        ({"looks": 5}, "planned with method='group-sequential', not with 'sequential'"),
        ({"looks": (0.5, 0.4, 1)}, "rising shares of the sample size that end with 1"),
        ({"looks": (0.5, 0.8)}, "rising shares of the sample size that end with 1"),
        ({"looks": 0}, "looks must be a number of looks such as 5"),
        ({"looks": True}, "looks must be a number of looks such as 5"),
        ({"looks": "5"}, "looks must be a number of looks such as 5"),
        ({"spending": "power"}, "spending must be one of obrien-fleming, pocock"),
        ({"sample_size": 0}, "sample_size must be the planned units of all arms together"),
        ({"sample_size": 1e5}, "sample_size must be the planned units of all arms together"),
        ({"taus": {"m": 0}}, "The tau of 'm' must be a difference above 0"),
        ({"taus": {"m": [0.1]}}, "The tau of 'm' must be a difference above 0"),
        ({"method": "welch", "taus": {"m": 1.0}}, "taus are those of method='sequential'"),
        ({"cuped": 14}, "cuped must be a timedelta above 0, such as timedelta"),
        ({"window": timedelta(0)}, "window must be a timedelta above 0"),
    ],
)
def test_what_does_not_go_together_is_refused(wrong: dict[str, Any], problem: str) -> None:
    with pytest.raises(AnalysisError, match=problem):
        AnalysisPlan(**wrong).check([Conversion("clicked")])


def test_a_one_sided_test_needs_a_side() -> None:
    plan = AnalysisPlan(method="welch", alternative="one-sided")
    plan.check([Conversion("up"), Conversion("down", direction="decrease")])
    with pytest.raises(AnalysisError, match="either has direction='any'"):
        plan.check([Conversion("up"), Conversion("either", direction="any")])
    AnalysisPlan(method="welch").check([Conversion("either", direction="any")])


def test_taus_are_of_declared_metrics() -> None:
    with pytest.raises(AnalysisError, match="taus names clics; the metrics are clicks"):
        AnalysisPlan(taus={"clics": 0.01}).check([Conversion("clicks")])


@pytest.mark.parametrize(
    ("confidence", "warned"), [(0.5, True), (0.79, True), (0.8, False), (0.95, False)]
)
def test_a_confidence_below_80_percent_is_warned_of(confidence: float, warned: bool) -> None:
    assert bool(AnalysisPlan(confidence=confidence).warnings) is warned


def test_welch_without_a_planned_size_is_warned_of() -> None:
    assert "read it once" in AnalysisPlan(method="welch").warnings[0]
    assert AnalysisPlan(method="welch", sample_size=1_000).warnings == ()


@pytest.mark.parametrize("method", list(Method))
def test_segments_are_neither_corrected_nor_adjusted(method: Method) -> None:
    cuped = None if method is Method.BAYESIAN else timedelta(days=7)
    found = AnalysisPlan(method=method, sample_size=100, cuped=cuped).for_segments
    assert (found.correction, found.cuped) == (Correction.NONE, None)
    assert (found.method, found.sample_size) == (method, 100)
