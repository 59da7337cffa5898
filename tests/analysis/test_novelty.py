"""The effect by days since exposure, all the way from events to a result."""

from datetime import timedelta
from typing import Any

import pytest

from abkit.analysis import Analysis, AnalysisPlan, Design
from abkit.analysis.findings.novelty import Trend
from abkit.errors import AnalysisError
from abkit.experiments.declaring.metrics import Conversion, Total

from .conftest import START, Tables

DAYS = 15
LISTENED = Total("listened")
DESIGN = Design(
    name="Exp",
    salt="s",
    control="a",
    metrics=(LISTENED, Conversion("listened at all", action="listened")),
)


@pytest.fixture(scope="module")
def data(tables: Tables) -> dict[str, Any]:
    """400 units of two phases; the variant b listens twice as often in the first week."""
    exposures, actions = [], []
    for number in range(400):
        variant, late = "ab"[number % 2], number >= 200
        weights = '{"a":0.5,"b":0.5}' if late else '{"a":0.6,"b":0.4}'
        hour = 24 if late else 0
        unit = {"unit_id": f"u{number}", "variant": variant, "hour": hour, "weights": weights}
        exposures.append(unit)
        for day in range(DAYS - 1):
            times = 1 + (variant == "b" and day < 7) + number * (day + 1) % 11 // 9
            done = {"action": "listened", "user_id": f"u{number}", "hour": hour + 24 * day + 1}
            actions += [done] * times
    last = {"action": "other", "user_id": "nobody", "hour": DAYS * 24}
    numbered = [{**each, "insert_id": f"a{i}"} for i, each in enumerate([*actions, last])]
    return tables(exposures, numbered)


def test_it_is_in_the_result_within_phases(data: dict[str, Any]) -> None:
    sums = Analysis(DESIGN, **data).gather()
    (daily,) = sums.daily
    assert [len(strata) for strata in daily.days] == [2] * DAYS
    assert daily.halves[1]["b"].n == 100
    (found,) = sums.result().novelty
    assert (found.metric, found.length) == (LISTENED, 14)
    assert found["b"].trend is Trend.WEARS_OFF
    assert found["b"].early is not None
    assert found["b"].early.lift == pytest.approx(0.85, abs=0.03)
    turned = sums.result(control="b", confidence=0.99).novelty[0]["a"]
    assert turned.trend is Trend.WEARS_OFF
    assert turned.share is not None
    assert turned.share.alpha == pytest.approx(0.01)


def test_of_an_earlier_day_and_without_it_nothing_is_said(data: dict[str, Any]) -> None:
    sums = Analysis(DESIGN, **data).gather()
    early = sums.result(until=START + timedelta(days=10))
    assert early.novelty == ()
    assert any("the effect by days since exposure" in warning for warning in early.warnings)
    assert sums.result(plan=AnalysisPlan(novelty=False)).novelty == ()
    without = Analysis(DESIGN, **data, plan=AnalysisPlan(novelty=False)).gather()
    assert without.result().novelty == ()
    assert "unit_days" not in without.queries
    with pytest.raises(AnalysisError, match="Another novelty needs other sums"):
        without.result(plan=AnalysisPlan(novelty=True))
