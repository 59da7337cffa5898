"""What the numbers mean: badges, and a recommendation with its reasons."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from math import inf, isnan

from attrs import evolve, frozen

from abkit.analysis.findings.badges import (
    Badge,
    badges,
    goal_distance,
    harmed,
    moved,
    rules_out_goal,
)
from abkit.analysis.findings.metric_result import Flag, MetricResult, Treatment
from abkit.analysis.inference.comparison import Comparison
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Method
from abkit.experiments.declaring.metrics import Direction, Metric, Role

__all__ = [
    "Badge",
    "Recommendation",
    "RecommendedAction",
    "badges",
    "is_last_look",
    "recommend",
    "rules_out_goal",
]

IMBALANCE = 3.0
"""Arms whose units differed by more standard errors before their exposure were not alike."""


class RecommendedAction(StrEnum):
    """What to do with the experiment."""

    ROLL_OUT = "roll out"
    ROLL_BACK = "roll back"
    CONTINUE = "continue"
    INVESTIGATE = "investigate"
    """The data are doubtful: find the fault before anything else."""


@frozen(kw_only=True)
class Recommendation:
    """What to do, and why.

    Attributes:
        action: What to do.
        variant: Which variant to roll out; None for other actions.
        reasons: Sentences, the weightiest first.
    """

    action: RecommendedAction
    variant: str | None = None
    reasons: tuple[str, ...]


@frozen(kw_only=True)
class Verdict:
    """The result at a glance.

    Attributes:
        badges: Of the metric that decides, by variant.
        recommendation: What to do.
    """

    badges: Mapping[str, tuple[Badge, ...]]
    recommendation: Recommendation

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, the weightiest first."""
        return self.recommendation.reasons


class _Standing(StrEnum):
    """Where one variant stands."""

    WON = "won"
    DOUBTFUL = "doubtful"
    UNJUDGED = "unjudged"
    OPEN = "open"
    LOST = "lost"


@frozen
class _Judged:
    """One variant, where it stands, and why."""

    treatment: Treatment
    standing: _Standing
    reason: str


def is_last_look(plan: AnalysisPlan, *, units: int, found: MetricResult) -> bool:
    """Whether waiting does not help any more.

    So it is wherever the planned size has been reached; with a group sequential test, once the last of
    its looks has been made. Without a planned size nobody knows.

    Args:
        plan: How the test is made.
        units: The units of all arms so far.
        found: The metric that decides.
    """
    if plan.method is Method.GROUP_SEQUENTIAL:
        compared = [t.comparison for t in found.treatments if t.comparison is not None]
        return any(each.details["look"] == len(plan.looks) for each in compared)
    return plan.sample_size is not None and units >= plan.sample_size


def recommend(
    metrics: Sequence[MetricResult],
    *,
    deciding: Metric,
    mismatch: bool,
    last_look: bool,
    too_early: str | None = None,
) -> Recommendation:
    """What to do with the experiment.

    | what was found | recommendation |
    |---|---|
    | the arms' sizes contradict the weights | investigate: fix the assignment or the logging first |
    | a variant is significantly better, no guardrail worse | roll it out; of several, the best |
    | the same, but one with a better mean is doubtful | investigate: the fault may be in all |
    | the same, but a guardrail cannot be judged yet | continue |
    | the same, before the plan's `min_days` | continue |
    | the same, but a flag makes it doubtful | investigate |
    | the same, but no direction is declared | continue: whether it is good is yours to say |
    | every variant is worse, harms a guardrail, or can no longer reach the goal | roll back |
    | not significant, and this was the last planned look | roll back |
    | anything else | continue |

    Args:
        metrics: What was found.
        deciding: The metric that decides.
        mismatch: Whether the sizes of the arms contradict the design.
        last_look: Whether waiting does not help any more: `is_last_look`.
        too_early: Why nothing is to be rolled out yet, in a sentence; None: it may be.
    """
    if mismatch:
        reason = (
            "The sizes of the variants contradict their weights (sample ratio mismatch): find the "
            "cause, and fix the assignment or the logging, before you act on any of these numbers."
        )
        return Recommendation(action=RecommendedAction.INVESTIGATE, reasons=(reason,))
    main = next(result for result in metrics if result.metric == deciding)
    guardrails = [result for result in metrics if result.metric.role is Role.GUARDRAIL]
    judged = [_judge(t, main, guardrails, last_look=last_look) for t in main.treatments]
    ranked = sorted(judged, key=lambda each: _goodness(each, main), reverse=True)
    best = next((each for each in ranked if each.standing is _Standing.WON), None)
    if best is not None:
        ahead = ranked[: ranked.index(best)]
        doubtful = [each for each in ahead if each.standing is _Standing.DOUBTFUL]
        if doubtful:
            return _doubt(doubtful, best)
        others = [each.reason for each in ranked if each in ahead or each.standing is _Standing.WON]
        advice = _roll_out(best, main, guardrails, too_early=too_early)
        more = tuple(reason for reason in others if reason != best.reason)
        return evolve(advice, reasons=(*advice.reasons, *more))
    standings = {each.standing for each in judged}
    action = (
        RecommendedAction.ROLL_BACK if standings == {_Standing.LOST} else RecommendedAction.CONTINUE
    )
    if _Standing.DOUBTFUL in standings:
        action = RecommendedAction.INVESTIGATE
    weightiest = sorted(judged, key=lambda each: list(_Standing).index(each.standing))
    return Recommendation(action=action, reasons=tuple(each.reason for each in weightiest))


def _judge(
    treatment: Treatment,
    main: MetricResult,
    guardrails: Sequence[MetricResult],
    *,
    last_look: bool,
) -> _Judged:
    """Where a variant stands."""
    name, comparison, metric = treatment.arm.variant, treatment.comparison, main.metric
    change = moved(comparison, metric)
    violated = _violated(name, guardrails)
    if violated:
        but = f"is better in {metric.name}, but " if change > 0 else "is "
        reason = f"{name} {but}significantly worse in {', '.join(violated)}."
        return _Judged(treatment, _Standing.LOST, reason)
    if comparison is None:
        reason = (
            f"{name} cannot be compared in {metric.name} yet: it needs {_all(treatment.missing)}."
        )
        return _Judged(treatment, _Standing.OPEN, reason)
    if comparison.significant and metric.direction is Direction.ANY:
        reason = (
            f"{name} differs significantly from the control in {metric.name}, which declares no "
            "wanted direction: whether the change is good is yours to say."
        )
        return _Judged(treatment, _Standing.UNJUDGED, reason)
    if change > 0:
        doubts = [DOUBTS[flag] for flag in treatment.flags if flag in DOUBTS]
        if doubts:
            reason = f"{_won(treatment, metric)[:-1]}, but {'; and '.join(doubts)}."
            return _Judged(treatment, _Standing.DOUBTFUL, reason)
        return _Judged(treatment, _Standing.WON, _won(treatment, metric))
    if change < 0:
        reason = f"{name} is significantly worse than the control in {metric.name}."
        return _Judged(treatment, _Standing.LOST, reason)
    return _undecided(treatment, comparison, metric, last_look=last_look)


def _undecided(
    treatment: Treatment, comparison: Comparison, metric: Metric, *, last_look: bool
) -> _Judged:
    name = treatment.arm.variant
    if rules_out_goal(comparison, metric):
        reason = (
            f"{name} is not significantly better in {metric.name}, and a change as large as the "
            "goal is ruled out."
        )
        return _Judged(treatment, _Standing.LOST, reason)
    if last_look:
        reason = (
            f"{name} did not reach significance in {metric.name}, and the test has no further look."
        )
        return _Judged(treatment, _Standing.LOST, reason)
    if comparison.method == Method.WELCH:
        reason = (
            f"{name} is not significant in {metric.name}. Whether it could have been, with so many "
            "units, only a sample size planned beforehand would say."
        )
        return _Judged(treatment, _Standing.OPEN, reason)
    reason = f"{name} is not significant in {metric.name} yet; more units may decide."
    return _Judged(treatment, _Standing.OPEN, reason)


def _goodness(judged: _Judged, main: MetricResult) -> float:
    """The mean of a variant, the higher the better; minus infinity if it has none."""
    mean = judged.treatment.arm.moments.mean
    sign = -1 if main.metric.direction is Direction.DECREASE else 1
    return -inf if isnan(mean) else sign * mean


def _doubt(doubtful: Sequence[_Judged], best: _Judged) -> Recommendation:
    """The variant with the best mean is doubtful: the next best is not rolled out past it."""
    name = best.treatment.arm.variant
    but = (
        f"{name} is significantly better too, but not as much: what is wrong with the better one may be "
        "wrong with all, and if nothing is, the better one is to be rolled out."
    )
    return Recommendation(
        action=RecommendedAction.INVESTIGATE, reasons=(*(each.reason for each in doubtful), but)
    )


def _roll_out(
    best: _Judged,
    main: MetricResult,
    guardrails: Sequence[MetricResult],
    *,
    too_early: str | None,
) -> Recommendation:
    treatment = best.treatment
    name = treatment.arm.variant
    unknown = [
        f"The guardrail {result.metric.name} cannot be judged yet: it needs {_all(other.missing)}."
        for result in guardrails
        for other in result.treatments
        if other.arm.variant == name and other.missing
    ]
    if unknown:
        return Recommendation(action=RecommendedAction.CONTINUE, reasons=(best.reason, *unknown))
    if too_early is not None:
        return Recommendation(action=RecommendedAction.CONTINUE, reasons=(best.reason, too_early))
    reasons = [best.reason]
    distance = treatment.comparison and goal_distance(treatment.comparison, main.metric)
    if treatment.comparison and distance and abs(treatment.comparison.difference) < distance:
        reasons.append("Its mean has not reached the goal: the change may be smaller than wanted.")
    if guardrails:
        reasons.append("No guardrail is significantly worse.")
    reasons.extend(_CAVEATS[flag] for flag in treatment.flags if flag in _CAVEATS)
    if main.adjustment is not None and main.adjustment.balance > IMBALANCE:
        reasons.append(
            f"Before their exposure, the units of the variants differed by "
            f"{main.adjustment.balance:.1f} standard errors in {main.metric.name} already: they may "
            "not be alike."
        )
    return Recommendation(action=RecommendedAction.ROLL_OUT, variant=name, reasons=tuple(reasons))


DOUBTS = {
    Flag.SUSPICIOUS_LIFT: "the lift is surely larger than changes usually are: look for a fault in the data",
    Flag.NO_VARIANCE: "one of the variants does not vary at all: look for a fault in the data",
    Flag.SMALL_ERROR: "its standard error is too small to be believed",
    Flag.FLIPPED_INTERVAL: (
        "its intervals over time have no point in common: the effect changed, so look at a "
        "stable part of the time"
    ),
    Flag.ESTIMATE_OUTSIDE: (
        "the estimate lies outside the interval of all looks: the effect changed over time"
    ),
    Flag.IMPOSSIBLE_MEAN: "a mean is impossible: look for a fault in the data",
}
"""Flags with which a winner is not to be rolled out."""

_CAVEATS = {
    Flag.FEW_UNITS: "There are fewer than 1,000 units in a variant: a direction rather than a proof.",
    Flag.MANY_CAPPED: (
        "The limits of the metric changed more than 5% of the units: what is compared is no longer "
        "what was measured."
    ),
}
"""Flags that a reader must know of."""


def _won(treatment: Treatment, metric: Metric) -> str:
    name, chance = treatment.arm.variant, treatment.chance_to_beat
    if chance is None:
        return (
            f"{name} is significantly better than the control in {metric.name}{_look(treatment)}."
        )
    shown = "more than 99.9%" if chance > 0.999 else f"{chance:.1%}"
    return f"{name} is better than the control in {metric.name} with a chance of {shown}."


def _look(treatment: Treatment) -> str:
    """Which planned look found it; empty for other tests."""
    details = {} if treatment.comparison is None else treatment.comparison.details
    return f", at look {details['look']:.0f} of {details['looks']:.0f}" if "look" in details else ""


def _violated(variant: str, guardrails: Sequence[MetricResult]) -> list[str]:
    """The guardrails in which a variant is significantly worse than the control."""
    return [
        result.metric.name
        for result in guardrails
        for treatment in result.treatments
        if treatment.arm.variant == variant and harmed(treatment.comparison, result.metric)
    ]


def _all(needed: Sequence[str]) -> str:
    return " and ".join(needed)
