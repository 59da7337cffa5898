"""Badges by their truth table, and the recommendation."""

from itertools import product
from typing import Any

import pytest

from abkit.analysis.aggregates import Moments
from abkit.analysis.findings.metric_result import Arm, MetricResult, Treatment, missing
from abkit.analysis.findings.verdict import Action, Badge, Recommendation, badges, recommend
from abkit.analysis.inference.comparison import Comparison, Interval
from abkit.experiments.metrics import Conversion, Direction, Mean, Metric

S, N, INC = Badge.SIGNIFICANT, Badge.NOT_SIGNIFICANT, Badge.INCONCLUSIVE
AG, BG = Badge.ABOVE_GOAL, Badge.BELOW_GOAL
AC, BC = Badge.ABOVE_CONTROL, Badge.BELOW_CONTROL

CONTROL_MEAN = 10.0
GOAL = 0.1  # that is, a difference of 1

# The difference, its interval, whether it is significant; and the badges for
# (no goal), (goal: increase), (goal: decrease), (goal: any).
TABLE: list[tuple[float, tuple[float, float], bool, tuple[set[Badge], ...]]] = [
    # significant: far above, a little above, a little below, far below
    (2.0, (1.5, 2.5), True, ({S, AC}, {S, AC, AG}, {S, AC}, {S, AC, AG})),
    (0.5, (0.2, 0.8), True, ({S, AC}, {S, AC}, {S, AC}, {S, AC})),
    (-0.5, (-0.8, -0.2), True, ({S, BC}, {S, BC}, {S, BC}, {S, BC})),
    (-2.0, (-2.5, -1.5), True, ({S, BC}, {S, BC}, {S, BC, BG}, {S, BC, BG})),
    # exactly at the goal counts as having reached it
    (1.0, (0.5, 1.5), True, ({S, AC}, {S, AC, AG}, {S, AC}, {S, AC, AG})),
    (-1.0, (-1.5, -0.5), True, ({S, BC}, {S, BC}, {S, BC, BG}, {S, BC, BG})),
    # not significant, the interval reaches both goals
    (0.0, (-1.5, 1.5), False, ({N, INC}, {N, INC}, {N, INC}, {N, INC})),
    # not significant, the interval excludes both goals: nothing worthwhile is there
    (0.0, (-0.5, 0.5), False, ({N, INC}, {N}, {N}, {N})),
    # not significant, only the goal above is ruled out
    (-0.5, (-1.5, 0.5), False, ({N, INC}, {N}, {N, INC}, {N, INC})),
    # not significant, only the goal below is ruled out
    (0.5, (-0.5, 1.5), False, ({N, INC}, {N, INC}, {N}, {N, INC})),
    # not significant, though the mean is beyond the goal
    (2.0, (-1.0, 5.0), False, ({N, INC}, {N, INC, AG}, {N, INC}, {N, INC, AG})),
    (-2.0, (-5.0, 1.0), False, ({N, INC}, {N, INC}, {N, INC, BG}, {N, INC, BG})),
]
COLUMNS: list[tuple[str, float | None]] = [
    ("increase", None),
    ("increase", GOAL),
    ("decrease", GOAL),
    ("any", GOAL),
]


def comparison(
    difference: float,
    interval: tuple[float, float],
    *,
    significant: bool,
    control: float = CONTROL_MEAN,
) -> Comparison:
    return Comparison(
        method="welch",
        control=Moments(1000, control, 1.0),
        treatment=Moments(1000, control + difference, 1.0),
        difference=difference,
        interval=Interval(*interval),
        lift=None,
        lift_interval=None,
        p_value=0.01 if significant else 0.5,
        alpha=0.05,
    )


@pytest.mark.parametrize(("row", "column"), list(product(range(len(TABLE)), range(len(COLUMNS)))))
def test_the_truth_table_of_badges(row: int, column: int) -> None:
    difference, interval, significant, wanted = TABLE[row]
    direction, goal = COLUMNS[column]
    metric = Mean("m", direction=direction, goal=goal)
    found = badges(comparison(difference, interval, significant=significant), metric)
    assert set(found) == wanted[column]
    assert len(found) == len(set(found))


@pytest.mark.parametrize("direction", list(Direction))
def test_without_a_goal_the_direction_changes_no_badge(direction: Direction) -> None:
    for difference, interval, significant, wanted in TABLE:
        compared = comparison(difference, interval, significant=significant)
        assert set(badges(compared, Mean("m", direction=direction))) == wanted[0]


@pytest.mark.parametrize(("direction", "goal"), COLUMNS)
def test_below_the_gates_nothing_is_said_of_means(direction: str, goal: float | None) -> None:
    assert badges(None, Mean("m", direction=direction, goal=goal)) == (N, INC)


def test_the_goal_of_a_negative_mean_lies_on_the_wanted_side() -> None:
    """10% above -10 is -9."""
    metric = Mean("m", goal=GOAL)
    risen = comparison(1.5, (1.0, 2.0), significant=True, control=-10.0)
    fallen = comparison(-1.5, (-2.0, -1.0), significant=True, control=-10.0)
    assert AG in badges(risen, metric)
    assert not {AG, BG} & set(badges(fallen, metric))


def test_a_goal_relative_to_a_mean_of_zero_has_no_badge() -> None:
    compared = comparison(0.5, (0.2, 0.8), significant=True, control=0.0)
    assert set(badges(compared, Mean("m", goal=GOAL))) == {S, AC}


def arm(variant: str, n: int, conversions: int | None = None) -> Arm:
    if conversions is None:
        return Arm(variant=variant, moments=Moments(n, 1.0, 1.0))
    moments = Moments.from_successes(n, conversions)
    return Arm(variant=variant, moments=moments, conversions=conversions)


@pytest.mark.parametrize(
    ("control", "treatment", "lacking"),
    [
        (arm("0", 100, 25), arm("1", 100, 25), ()),
        (arm("0", 100, 25), arm("1", 100, 24), ("1 more conversion in variant 1",)),
        (arm("0", 100, 13), arm("1", 100, 25), ("12 more conversions in variant 0",)),
        (arm("0", 99, 30), arm("1", 100, 30), ("1 more unit in variant 0",)),
        (
            arm("0", 90, 30),
            arm("1", 0, 0),
            (
                "10 more units in variant 0",
                "100 more units in variant 1",
                "25 more conversions in variant 1",
            ),
        ),
        (arm("0", 100), arm("1", 100), ()),
        (arm("0", 100), arm("1", 99), ("1 more unit in variant 1",)),
        (
            arm("0", 100, 100),
            arm("1", 100, 100),
            ("any variation: all units of both arms have one value",),
        ),
    ],
)
def test_the_gates_say_what_is_missing(
    control: Arm, treatment: Arm, lacking: tuple[str, ...]
) -> None:
    assert missing([control, treatment]) == lacking


GOOD: dict[str, Any] = {"difference": 2.0, "interval": (1.5, 2.5), "significant": True}
BAD: dict[str, Any] = {"difference": -2.0, "interval": (-2.5, -1.5), "significant": True}
OPEN: dict[str, Any] = {"difference": 0.0, "interval": (-1.5, 1.5), "significant": False}
NONE: dict[str, Any] = {"difference": 0.0, "interval": (-0.5, 0.5), "significant": False}


def measured(metric: Metric, **treatments: dict[str, Any] | None) -> MetricResult:
    def treatment(variant: str, found: dict[str, Any] | None) -> Treatment:
        compared = None if found is None else comparison(**found)
        moments = compared.treatment if compared else Moments(5, 0, 1)
        return Treatment(
            arm=Arm(variant=variant, moments=moments),
            comparison=compared,
            missing=() if compared else ("95 more units in variant " + variant,),
        )

    return MetricResult(
        metric=metric,
        control=Arm(variant="0", moments=Moments(1000, CONTROL_MEAN, 1.0)),
        treatments=tuple(treatment(variant, found) for variant, found in treatments.items()),
    )


def advice(
    *metrics: MetricResult, mismatch: bool = False, one_look: bool = False
) -> Recommendation:
    deciding = metrics[0].metric
    return recommend(metrics, deciding=deciding, mismatch=mismatch, one_look=one_look)


M = Mean("m", goal=GOAL)
DOWN = Mean("m", goal=GOAL, direction="decrease")
ANY = Mean("m", goal=GOAL, direction="any")
GUARD = Conversion("g", direction="decrease", role="guardrail")


@pytest.mark.parametrize(
    ("metrics", "action", "variant"),
    [
        ([measured(M, a=GOOD)], Action.ROLL_OUT, "a"),
        ([measured(M, a=BAD)], Action.ROLL_BACK, None),
        ([measured(DOWN, a=BAD)], Action.ROLL_OUT, "a"),
        ([measured(DOWN, a=GOOD)], Action.ROLL_BACK, None),
        ([measured(ANY, a=GOOD)], Action.CONTINUE, None),
        ([measured(M, a=OPEN)], Action.CONTINUE, None),
        ([measured(M, a=NONE)], Action.ROLL_BACK, None),
        ([measured(M, a=None)], Action.CONTINUE, None),
        ([measured(M, a=BAD, b=OPEN)], Action.CONTINUE, None),
        ([measured(M, a=BAD, b=None)], Action.CONTINUE, None),
        ([measured(M, a=BAD, b=GOOD)], Action.ROLL_OUT, "b"),
        ([measured(M, a=GOOD, b={**GOOD, "difference": 2.4})], Action.ROLL_OUT, "b"),
        ([measured(DOWN, a=BAD, b={**BAD, "difference": -2.4})], Action.ROLL_OUT, "b"),
        ([measured(M, a=GOOD), measured(GUARD, a=OPEN)], Action.ROLL_OUT, "a"),
        ([measured(M, a=GOOD), measured(GUARD, a=GOOD)], Action.ROLL_BACK, None),
        ([measured(M, a=GOOD), measured(GUARD, a=None)], Action.CONTINUE, None),
        (
            [measured(M, a=GOOD, b=GOOD), measured(GUARD, a=GOOD, b=OPEN)],
            Action.ROLL_OUT,
            "b",
        ),
    ],
)
def test_the_recommendation(
    metrics: list[MetricResult], action: Action, variant: str | None
) -> None:
    found = advice(*metrics)
    assert (found.action, found.variant) == (action, variant)
    assert found.reasons
    assert advice(*metrics, mismatch=True).action is Action.CONTINUE


def test_after_the_one_look_of_welch_waiting_does_not_help() -> None:
    """The seed: an experiment that failed to reach significance is to be rolled back."""
    assert advice(measured(M, a=OPEN), one_look=True).action is Action.ROLL_BACK
    assert advice(measured(M, a=None), one_look=True).action is Action.CONTINUE


def test_a_mismatch_is_the_only_reason_that_counts() -> None:
    (reason,) = advice(measured(M, a=GOOD), mismatch=True).reasons
    assert "sample ratio mismatch" in reason


def test_a_winner_below_its_goal_is_told_as_such() -> None:
    small = {"difference": 0.5, "interval": (0.2, 0.8), "significant": True}
    found = advice(measured(M, a=small))
    assert found.action is Action.ROLL_OUT
    assert any("has not reached the goal" in reason for reason in found.reasons)


def test_what_the_gates_wait_for_is_a_reason() -> None:
    (reason,) = advice(measured(M, a=None)).reasons
    assert "95 more units in variant a" in reason
