"""A holdout says whom it keeps out, and what all that is shipped should change."""

from typing import Any

import pytest

from abkit import AnalysisPlan, Conversion, DeclarationError, Holdout, OrgExperiment


def test_it_declares_what_an_experiment_declares() -> None:
    metrics = [Conversion("signed up")]
    plan = AnalysisPlan(confidence=0.9)
    holdout = Holdout("q3", 0.05, metrics=metrics, plan=plan, hypothesis="All of it helps.")
    assert holdout.metrics == (Conversion("signed up"),)
    assert holdout.plan == plan
    assert holdout.weights == {"holdout": 0.05, "shipped": 0.95}
    assert holdout == Holdout("q3", 0.05, metrics=metrics, plan=plan, hypothesis="All of it helps.")


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"metrics": "signed up"}, "`metrics` must be a list of Metric"),
        ({"metrics": ["signed up"]}, "`metrics` must hold Metric declarations"),
        ({"metrics": 1}, "`metrics` must be a list of Metric"),
        ({"metrics": [Conversion("a"), Conversion("a")]}, "two metrics named 'a'"),
        ({"salt": 3}, "`salt` must be a text, not 3"),
        ({"plan": 0.9}, "`plan` must be an AnalysisPlan"),
        ({"plan": AnalysisPlan(taus={"b": 1.0}), "metrics": [Conversion("a")]}, "taus names b"),
    ],
)
def test_what_cannot_be_measured_is_refused(attributes: dict[str, Any], says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        Holdout("q3", 0.05, **attributes)


def test_a_name_is_not_blank() -> None:
    with pytest.raises(DeclarationError, match="`name` must be a name that is not empty, not ' '"):
        Holdout(" ", 0.05)


@pytest.mark.parametrize(
    ("holdouts", "says"),
    [
        ([Holdout("Both", 0.1)], "has a holdout of its own name"),
        ([Holdout("q3", 0.1), Holdout("q3", 0.2)], "two holdouts named 'q3'"),
    ],
)
def test_exposures_to_two_of_one_name_could_not_be_told_apart(
    holdouts: list[Holdout], says: str
) -> None:
    with pytest.raises(DeclarationError, match=says):
        type("Both", (OrgExperiment,), {"variants": ["0", "1"], "holdouts": holdouts})
