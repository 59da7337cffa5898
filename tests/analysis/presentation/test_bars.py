"""The interval bars within tables."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit import Mean
from abkit.analysis.findings.metric_result import Arm, MetricResult, Treatment
from abkit.analysis.inference.comparison import Comparison, Interval
from abkit.analysis.presentation.bars import Scale, interval_bars, lift_bars
from abkit.analysis.statistics.aggregates import Moments

numbers = st.floats(allow_nan=True, allow_infinity=True)


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_a_scale_keeps_order_and_stays_on_the_canvas(a: float, b: float, c: float) -> None:
    scale = Scale.over([a, b], start=0, end=200)
    assert 0 <= scale(c) <= 200
    assert scale(min(a, b)) <= scale(max(a, b))
    assert (scale(-inf), scale(inf)) == (0, 200)


def found(
    interval: Interval,
    *,
    direction: str = "any",
    lift: float | None = None,
    difference: float = 1.0,
) -> MetricResult:
    control, treatment = Moments(500, 10.0, 4.0), Moments(500, 11.0, 4.0)
    comparison = Comparison(
        method="welch",
        control=control,
        treatment=treatment,
        difference=difference,
        interval=interval,
        lift=lift,
        lift_interval=None if lift is None else Interval(lift - 0.01, lift + 0.01),
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
    (bars,) = interval_bars([found(Interval(-1.0, 3.0), direction=direction)], width=200)
    assert set(bars) == {"b"}
    bar = bars["b"]
    assert 0 < bar.low < bar.zero < bar.estimate < bar.high < 200
    assert len(bar.goals) == goals
    assert (min(bar.goals) < bar.zero) == (direction != "increase")
    assert (max(bar.goals) > bar.zero) == (direction != "decrease")


def test_an_infinite_end_is_drawn_open_at_the_edge() -> None:
    (bars,) = interval_bars([found(Interval(-inf, 3.0))], width=200)
    bar = bars["b"]
    assert (bar.low, bar.open_low, bar.open_high) == (0, True, False)


def test_segments_share_one_scale() -> None:
    small, large = interval_bars(
        [found(Interval(0.5, 1.5)), found(Interval(-9.0, 11.0))], width=200
    )
    assert small["b"].zero == large["b"].zero
    assert small["b"].high - small["b"].low < (large["b"].high - large["b"].low) / 5


def test_differences_are_drawn_for_all_if_one_has_no_lift() -> None:
    """Lifts and differences have no common scale."""
    with_lift, without = found(Interval(0.5, 1.5), lift=0.1), found(Interval(0.5, 1.5))
    first, second = interval_bars([with_lift, without], width=200)
    assert first["b"].low == second["b"].low


@given(numbers, numbers, numbers)
def test_every_bar_stays_on_the_canvas(low: float, high: float, difference: float) -> None:
    (bars,) = interval_bars([found(Interval(low, high), difference=difference)], width=200)
    for bar in bars.values():
        places = [bar.zero, bar.estimate, *bar.goals]
        places += [place for place in (bar.low, bar.high) if place == place]
        assert all(0 <= place <= 200 for place in places)


def test_an_estimate_that_is_no_number_has_no_bar() -> None:
    assert interval_bars([found(Interval(-1.0, 1.0), difference=nan)], width=200) == ({},)


def test_the_lifts_of_several_metrics_are_on_one_scale_each_with_its_own_goal() -> None:
    small = found(Interval(0.5, 1.5), lift=0.1, direction="increase")
    large = found(Interval(0.5, 1.5), lift=0.4, direction="decrease")
    without = found(Interval(-1.0, 3.0))
    first, second, third = lift_bars([small, large, without], width=200)
    assert first["b"].zero == second["b"].zero
    assert first["b"].estimate < second["b"].estimate
    assert first["b"].high - first["b"].low == pytest.approx(
        second["b"].high - second["b"].low, abs=0.03
    )
    assert first["b"].goals[0] > first["b"].zero > second["b"].goals[0]
    assert third == {}
