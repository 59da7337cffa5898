"""Which metrics are drawn at once."""

from pathlib import Path

import pytest
from tests.panel.shop import analysis_of

from abkit.analysis.result import Result
from abkit.panel import drawn_metrics as module
from abkit.panel.drawn_metrics import drawn_metrics, with_fewer_pairs


@pytest.fixture
def result(shop_events: Path) -> Result:
    """Of two metrics, two variants beside the control, and three weeks."""
    return analysis_of(shop_events).run()


def test_what_there_is_room_for_is_drawn(result: Result) -> None:
    found = drawn_metrics(result, asked=False)
    assert found.shown == ("purchase", "revenue")
    assert found.others == ()
    assert found.result.metrics == result.metrics
    assert found.over_time


def test_of_many_points_the_deciding_metric_is_drawn_and_the_others_are_named(
    result: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_POINTS", 50)
    found = drawn_metrics(result, asked=False)
    assert (found.shown, found.others) == (("purchase",), ("revenue",))
    assert [each.metric.name for each in found.result.metrics] == ["purchase"]
    asked = drawn_metrics(result, asked=True)
    assert asked.others == ()


def test_of_very_many_pairs_those_of_the_deciding_metric_are_shown(
    result: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert with_fewer_pairs(result, asked=False) is result
    monkeypatch.setattr(module, "MOST_PAIRS", 1)
    shown = with_fewer_pairs(result, asked=False).pairs
    assert [pair.metric.name for pair in shown] == ["purchase"]
    assert len(with_fewer_pairs(result, asked=True).pairs) == 2
