"""A plan is a value: it can be copied, sent to another process, and used as a key."""

import copy
import pickle
from datetime import timedelta
from typing import Any

import pytest

from abkit import AnalysisPlan
from abkit.errors import AnalysisError
from abkit.experiments.declaring.exclusion import BOTS

PLANS = [
    AnalysisPlan(),
    AnalysisPlan(confidence=0.9, taus={"revenue": {0.004: 0.6, 0.02: 0.4}}),
    AnalysisPlan(method="welch", cuped={"revenue": "revenue_before"}, exclude=[BOTS]),
    AnalysisPlan(method="group-sequential", looks=3, sample_size=900, cuped=timedelta(days=14)),
]


@pytest.mark.parametrize("plan", PLANS)
def test_a_copy_says_the_same(plan: AnalysisPlan) -> None:
    for other in (copy.copy(plan), copy.deepcopy(plan), pickle.loads(pickle.dumps(plan))):
        assert other == plan
        assert other.given == plan.given


@pytest.mark.parametrize("plan", PLANS)
def test_equal_plans_have_the_same_hash(plan: AnalysisPlan) -> None:
    assert {plan: 1}[copy.deepcopy(plan)] == 1


@pytest.mark.parametrize(
    "said",
    [
        {"segments": 5},
        {"segments": None},
        {"segments": [1]},
        {"exclude": 5},
        {"exclude": None},
        {"taus": {1: 0.1}},
    ],
)
def test_what_is_no_list_of_the_right_kind_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(AnalysisError, match=f"{next(iter(said))} must be"):
        AnalysisPlan(**said)
