"""Badges by their truth table, and the recommendation."""

from itertools import product
from typing import Any

import pytest
from attrs import evolve

from abkit.analysis.advice.verdict import (
    Badge,
    Recommendation,
    RecommendedAction,
    badges,
    is_last_look,
    recommend,
)
from abkit.analysis.findings.metric_result import (
    Arm,
    Flag,
    MetricResult,
    Treatment,
    missing,
)
from abkit.analysis.inference.bayesian import bayesian_means
from abkit.analysis.inference.comparison import Comparison, Interval
from abkit.analysis.statistics.aggregates import Moments
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Conversion, Direction, Mean, Metric

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
        method="sequential",
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


def test_a_goal_is_reached_whatever_the_rounding() -> None:
    """21% beside 20% is a difference of 0.00999... in binary."""
    found = comparison(0.21 - 0.2, (0.005, 0.015), significant=True, control=0.2)
    assert AG in badges(found, Mean("m", goal=0.05))


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
            ("some variation: all units of both arms have one value",),
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
    *metrics: MetricResult, mismatch: bool = False, last_look: bool = False
) -> Recommendation:
    deciding = metrics[0].metric
    return recommend(metrics, deciding=deciding, mismatch=mismatch, last_look=last_look)


M = Mean("m", goal=GOAL)
DOWN = Mean("m", goal=GOAL, direction="decrease")
ANY = Mean("m", goal=GOAL, direction="any")
GUARD = Conversion("g", direction="decrease", role="guardrail")


# What was found in the deciding metric, in a guardrail, and the recommendation:
# of one treatment, then of two. "wait": the gates are not passed.
#   m         guardrail   what to do            which  the first reason says
RECOMMENDATIONS: list[tuple[str, str, RecommendedAction, str | None, str]] = [
    (
        "better",
        "",
        RecommendedAction.ROLL_OUT,
        "a",
        "a is significantly better than the control in m",
    ),
    (
        "worse",
        "",
        RecommendedAction.ROLL_BACK,
        None,
        "a is significantly worse than the control in m",
    ),
    (
        "open",
        "",
        RecommendedAction.CONTINUE,
        None,
        "a is not significant in m yet; more units may decide",
    ),
    ("none", "", RecommendedAction.ROLL_BACK, None, "a change as large as the goal is ruled out"),
    (
        "wait",
        "",
        RecommendedAction.CONTINUE,
        None,
        "a cannot be compared in m yet: it needs 95 more units",
    ),
    # a guardrail
    ("better", "open", RecommendedAction.ROLL_OUT, "a", "a is significantly better"),
    ("better", "better", RecommendedAction.ROLL_OUT, "a", "a is significantly better"),
    (
        "better",
        "worse",
        RecommendedAction.ROLL_BACK,
        None,
        "a is better in m, but significantly worse in g",
    ),
    ("better", "wait", RecommendedAction.CONTINUE, None, "a is significantly better"),
    ("open", "worse", RecommendedAction.ROLL_BACK, None, "a is significantly worse in g"),
    ("wait", "worse", RecommendedAction.ROLL_BACK, None, "a is significantly worse in g"),
    ("worse", "worse", RecommendedAction.ROLL_BACK, None, "a is significantly worse in g"),
    # two treatments
    ("worse open", "", RecommendedAction.CONTINUE, None, "b is not significant in m yet"),
    ("worse wait", "", RecommendedAction.CONTINUE, None, "b cannot be compared in m yet"),
    ("worse none", "", RecommendedAction.ROLL_BACK, None, "a is significantly worse"),
    ("worse better", "", RecommendedAction.ROLL_OUT, "b", "b is significantly better"),
    ("better best", "", RecommendedAction.ROLL_OUT, "b", "b is significantly better"),
    ("better better", "worse open", RecommendedAction.ROLL_OUT, "b", "b is significantly better"),
    (
        "better open",
        "worse open",
        RecommendedAction.CONTINUE,
        None,
        "b is not significant in m yet",
    ),
    ("better better", "worse worse", RecommendedAction.ROLL_BACK, None, "a is better in m, but"),
]
STATES: dict[str, dict[str, Any] | None] = {
    "better": GOOD,
    "best": {**GOOD, "difference": 2.4},
    "worse": BAD,
    "open": OPEN,
    "none": NONE,
    "wait": None,
}
RISING_GUARD = Mean("g", role="guardrail")


def in_states(metric: Metric, states: str) -> MetricResult:
    return measured(metric, **{v: STATES[s] for v, s in zip("ab", states.split(), strict=False)})


@pytest.mark.parametrize(
    "row", RECOMMENDATIONS, ids=lambda row: f"{row[0]}, {row[1] or 'no'} guardrail"
)
def test_the_truth_table_of_recommendations(
    row: tuple[str, str, RecommendedAction, str | None, str],
) -> None:
    states, guards, action, variant, reason = row
    metrics = [in_states(M, states), *([in_states(RISING_GUARD, guards)] if guards else [])]
    found = advice(*metrics)
    assert (found.action, found.variant) == (action, variant)
    assert reason in found.reasons[0]
    assert advice(*metrics, mismatch=True).action is RecommendedAction.INVESTIGATE


def test_where_less_is_better_a_fall_wins() -> None:
    assert advice(measured(DOWN, a=BAD)).action is RecommendedAction.ROLL_OUT
    assert advice(measured(DOWN, a=GOOD)).action is RecommendedAction.ROLL_BACK
    lowest = advice(measured(DOWN, a=BAD, b={**BAD, "difference": -2.4}))
    assert (lowest.action, lowest.variant) == (RecommendedAction.ROLL_OUT, "b")
    assert (
        advice(measured(M, a=GOOD), measured(GUARD, a=GOOD)).action is RecommendedAction.ROLL_BACK
    )


def test_without_a_direction_a_difference_is_yours_to_judge() -> None:
    found = advice(measured(ANY, a=GOOD, b=NONE), last_look=True)
    assert found.action is RecommendedAction.CONTINUE
    assert "whether the change is good is yours to say" in found.reasons[0]


def test_a_guardrail_without_a_direction_is_hurt_by_any_change() -> None:
    guard = Mean("g", direction="any", role="guardrail")
    for change in (GOOD, BAD):
        assert (
            advice(measured(M, a=GOOD), measured(guard, a=change)).action
            is RecommendedAction.ROLL_BACK
        )
    assert advice(measured(M, a=GOOD), measured(guard, a=OPEN)).action is RecommendedAction.ROLL_OUT


def test_at_the_last_look_waiting_does_not_help() -> None:
    """The seed: an experiment that failed to reach significance is to be rolled back."""
    assert advice(measured(M, a=OPEN), last_look=True).action is RecommendedAction.ROLL_BACK
    assert advice(measured(M, a=None), last_look=True).action is RecommendedAction.CONTINUE
    assert advice(measured(M, a=GOOD), last_look=True).action is RecommendedAction.ROLL_OUT


@pytest.mark.parametrize(
    ("plan", "units", "last"),
    [
        (AnalysisPlan(), 10**9, False),
        (AnalysisPlan(sample_size=1000), 999, False),
        (AnalysisPlan(sample_size=1000), 1000, True),
        (AnalysisPlan(method="bayesian"), 10**9, False),
        (AnalysisPlan(method="welch"), 10**9, False),
        (AnalysisPlan(method="welch", sample_size=1000), 999, False),
        (AnalysisPlan(method="welch", sample_size=1000), 1000, True),
    ],
)
def test_the_last_look_is_at_the_planned_size(plan: AnalysisPlan, units: int, last: bool) -> None:
    assert is_last_look(plan, units=units, found=measured(M, a=OPEN)) is last


def test_a_test_of_one_look_without_a_planned_size_says_that_nobody_knows() -> None:
    found = measured(M, a=OPEN)
    (treatment,) = found.treatments
    assert treatment.comparison is not None
    once = evolve(treatment, comparison=evolve(treatment.comparison, method="welch"))
    told = advice(evolve(found, treatments=(once,)))
    assert told.action is RecommendedAction.CONTINUE
    (reason,) = told.reasons
    assert reason.endswith("only a sample size planned beforehand would say.")


@pytest.mark.parametrize(("look", "last"), [(4, False), (5, True)])
def test_the_last_planned_look_is_the_last_one_that_was_made(look: int, last: bool) -> None:
    """The units of a day that is not over do not make it."""
    plan = AnalysisPlan(method="group-sequential", sample_size=1000)
    found = measured(M, a=None, b=OPEN)
    assert not is_last_look(plan, units=1000, found=measured(M, a=None))
    waiting, compared = found.treatments
    assert compared.comparison is not None
    made = evolve(compared.comparison, details={"look": look, "looks": 5})
    found = evolve(found, treatments=(waiting, evolve(compared, comparison=made)))
    assert is_last_look(plan, units=1000, found=found) is last


def flagged(result: MetricResult, *flags: Flag) -> MetricResult:
    return evolve(result, treatments=tuple(evolve(t, flags=flags) for t in result.treatments))


@pytest.mark.parametrize("flag", list(Flag))
def test_a_doubtful_winner_is_not_rolled_out_and_a_caveat_is_told(flag: Flag) -> None:
    found = advice(flagged(measured(M, a=GOOD), flag))
    if flag in (Flag.FEW_UNITS, Flag.MANY_CAPPED, Flag.FEW_LARGE_UNITS):
        assert found.action is RecommendedAction.ROLL_OUT
        assert len(found.reasons) == len(advice(measured(M, a=GOOD)).reasons) + 1
    else:
        assert found.action is RecommendedAction.INVESTIGATE
        assert found.reasons[0].startswith("a is significantly better than the control in m, but ")


@pytest.mark.parametrize("flag", list(Flag))
def test_no_flag_keeps_a_loser(flag: Flag) -> None:
    assert advice(flagged(measured(M, a=BAD), flag)).action is RecommendedAction.ROLL_BACK


BETTER = {**GOOD, "difference": 2.4}


def test_a_doubt_about_the_best_is_one_about_the_experiment() -> None:
    both = measured(M, a=GOOD, b=BETTER)
    first, second = both.treatments
    doubtful = evolve(both, treatments=(first, evolve(second, flags=(Flag.SUSPICIOUS_LIFT,))))
    found = advice(doubtful)
    assert (found.action, found.variant) == (RecommendedAction.INVESTIGATE, None)
    assert found.reasons[0].startswith("b is significantly better")
    assert found.reasons[1].startswith("a is significantly better too, but not as much")


def test_a_doubt_about_the_second_best_keeps_nothing_back() -> None:
    both = measured(M, a=GOOD, b=BETTER)
    first, second = both.treatments
    doubtful = evolve(both, treatments=(evolve(first, flags=(Flag.SUSPICIOUS_LIFT,)), second))
    assert advice(doubtful).variant == "b"


def test_of_two_winners_the_other_is_named() -> None:
    found = advice(measured(M, a=GOOD, b=BETTER))
    assert found.variant == "b"
    assert found.reasons[0].startswith("b is significantly better")
    assert found.reasons[-1].startswith("a is significantly better")


def test_a_better_variant_that_harms_a_guardrail_is_named() -> None:
    found = advice(measured(M, a=GOOD, b=BETTER), measured(RISING_GUARD, a=GOOD, b=BAD))
    assert found.variant == "a"
    assert found.reasons[-1] == "b is better in m, but significantly worse in g."


@pytest.mark.parametrize(
    ("score", "held", "action"),
    [
        (1.97, {S, AC}, RecommendedAction.ROLL_OUT),
        (1.95, {N, INC}, RecommendedAction.CONTINUE),
        (-1.95, {N, INC}, RecommendedAction.CONTINUE),
        (-1.97, {S, BC}, RecommendedAction.ROLL_BACK),
    ],
)
def test_a_bayesian_verdict_needs_97_and_a_half_percent(
    score: float, held: set[Badge], action: RecommendedAction
) -> None:
    """The difference in its standard errors: 1.96 are a chance of 97.5%, -1.96 one of 2.5%."""
    control = Moments(1000, CONTROL_MEAN, 50.0)
    treatment = Moments(1000, CONTROL_MEAN + score * (100 / 1000) ** 0.5, 50.0)
    compared = bayesian_means(control, treatment)
    metric = Mean("m")
    assert set(badges(compared, metric)) == held
    result = MetricResult(
        metric=metric,
        control=Arm(variant="0", moments=control),
        treatments=(
            Treatment(
                arm=Arm(variant="a", moments=treatment),
                comparison=compared,
                chance_to_beat=compared.details["chance_to_beat_control"],
            ),
        ),
    )
    found = advice(result)
    assert found.action is action
    if action is RecommendedAction.ROLL_OUT:
        assert found.reasons[0] == "a is better than the control in m with a chance of 97.6%."


def test_a_mismatch_is_the_only_reason_that_counts() -> None:
    (reason,) = advice(measured(M, a=GOOD), mismatch=True).reasons
    assert "sample ratio mismatch" in reason


def test_a_winner_below_its_goal_is_told_as_such() -> None:
    small = {"difference": 0.5, "interval": (0.2, 0.8), "significant": True}
    found = advice(measured(M, a=small))
    assert found.action is RecommendedAction.ROLL_OUT
    assert any("has not reached the goal" in reason for reason in found.reasons)


def test_what_the_gates_wait_for_is_a_reason() -> None:
    (reason,) = advice(measured(M, a=None)).reasons
    assert "95 more units in variant a" in reason
