"""The geometry of charts."""

from datetime import date
from itertools import pairwise
from math import inf
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit import Mean
from abkit.analysis.aggregates import Moments
from abkit.analysis.findings.metric_result import Arm, MetricResult, Treatment
from abkit.analysis.inference.comparison import Comparison, Interval
from abkit.analysis.presentation.charts import Scale, cumulative_chart, interval_bars, nice_ticks
from abkit.analysis.result import CumulativeUnits


@given(st.integers(0, 10**12))
def test_ticks_begin_at_0_rise_evenly_and_reach_the_highest_value(highest: int) -> None:
    ticks = nice_ticks(highest)
    assert ticks[0] == 0
    assert ticks[-1] >= highest
    assert 2 <= len(ticks) <= 6
    assert len({b - a for a, b in pairwise(ticks)}) == 1


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_a_scale_keeps_order_and_stays_on_the_canvas(a: float, b: float, c: float) -> None:
    scale = Scale.over([a, b], start=0, end=200)
    assert 0 <= scale(c) <= 200
    assert scale(min(a, b)) <= scale(max(a, b))
    assert (scale(-inf), scale(inf)) == (0, 200)


def found(interval: Interval, *, direction: str) -> MetricResult:
    control, treatment = Moments(500, 10.0, 4.0), Moments(500, 11.0, 4.0)
    comparison = Comparison(
        method="welch",
        control=control,
        treatment=treatment,
        difference=1.0,
        interval=interval,
        lift=0.1,
        lift_interval=None,
        p_value=0.5,
        alpha=0.05,
    )
    return MetricResult(
        metric=Mean("m", goal=0.2, direction=direction),
        control=Arm(variant="a", moments=control),
        treatments=(
            Treatment(arm=Arm(variant="b", moments=treatment), comparison=comparison),
            Treatment(arm=Arm(variant="c", moments=treatment), comparison=None, missing=("x",)),
        ),
    )


@pytest.mark.parametrize(("direction", "goals"), [("increase", 1), ("decrease", 1), ("any", 2)])
def test_a_bar_has_its_estimate_within_and_its_goals_on_their_sides(
    direction: str, goals: int
) -> None:
    bars = interval_bars(found(Interval(-1.0, 3.0), direction=direction), width=200)
    assert set(bars) == {"b"}
    bar = bars["b"]
    assert 0 < bar.low < bar.zero < bar.estimate < bar.high < 200
    assert len(bar.goals) == goals
    assert (min(bar.goals) < bar.zero) == (direction != "increase")
    assert (max(bar.goals) > bar.zero) == (direction != "decrease")


def test_an_infinite_end_is_drawn_open_at_the_edge() -> None:
    bar = interval_bars(found(Interval(-inf, 3.0), direction="any"), width=200)["b"]
    assert (bar.low, bar.open_low, bar.open_high) == (0, True, False)


def test_one_day_is_a_chart_too() -> None:
    units = CumulativeUnits(
        days=(date(2024, 3, 1),), units=MappingProxyType({"a": (7,), "b": (0,)})
    )
    chart = cumulative_chart(units, width=640, height=260)
    assert [line.total for line in chart.lines] == [7, 0]
    assert [tick.label for tick in chart.x_ticks] == ["Mar 1"]
    assert chart.lines[1].last[1] == chart.bottom
