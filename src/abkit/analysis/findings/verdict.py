"""What the numbers mean: badges by a truth table, and a recommendation with its reasons."""

from collections.abc import Sequence
from enum import StrEnum

from attrs import frozen

from abkit.analysis.findings.metric_result import MetricResult, Treatment
from abkit.analysis.inference.comparison import Comparison
from abkit.experiments.metrics import Direction, Metric, Role


class Badge(StrEnum):
    """What is true of one variant beside the control, at a glance."""

    SIGNIFICANT = "Significant"
    NOT_SIGNIFICANT = "Not Significant"
    INCONCLUSIVE = "Inconclusive"
    ABOVE_GOAL = "Above Goal"
    BELOW_GOAL = "Below Goal"
    ABOVE_CONTROL = "Above Control"
    BELOW_CONTROL = "Below Control"


class Action(StrEnum):
    """What to do with the experiment."""

    ROLL_OUT = "roll out"
    ROLL_BACK = "roll back"
    CONTINUE = "continue"


@frozen(kw_only=True)
class Recommendation:
    """What to do, and why.

    Attributes:
        action: What to do.
        variant: Which variant to roll out; None for other actions.
        reasons: Sentences, the weightiest first.
    """

    action: Action
    variant: str | None = None
    reasons: tuple[str, ...]


def badges(comparison: Comparison | None, metric: Metric) -> tuple[Badge, ...]:
    """The badges of one variant; several may hold at once.

    | badge | holds when |
    |---|---|
    | Significant | the test rejects "no difference" |
    | Not Significant | it does not, or the gates are not passed yet |
    | Inconclusive | not significant, and a change as large as the goal is not ruled out either |
    | Above Goal | the direction is increase or any, and the mean has reached the goal above |
    | Below Goal | the direction is decrease or any, and the mean has reached the goal below |
    | Above Control, Below Control | significant, and the mean is on that side of the control's |

    The goal lies the metric's `goal` above or below the control's mean, relative to it; a metric
    without a goal has no badge about it. Nothing is said of means until the gates are passed.

    Args:
        comparison: With the control; None if the gates are not passed.
        metric: The metric's direction and goal.
    """
    if comparison is None:
        return (Badge.NOT_SIGNIFICANT, Badge.INCONCLUSIVE)
    held: list[Badge] = []
    if comparison.significant:
        held.append(Badge.SIGNIFICANT)
    else:
        held.append(Badge.NOT_SIGNIFICANT)
        if not rules_out_goal(comparison, metric):
            held.append(Badge.INCONCLUSIVE)
    held.extend(_about_goal(comparison, metric))
    if comparison.significant and comparison.difference != 0:
        above = comparison.difference > 0
        held.append(Badge.ABOVE_CONTROL if above else Badge.BELOW_CONTROL)
    return tuple(held)


def _about_goal(comparison: Comparison, metric: Metric) -> list[Badge]:
    distance = _goal_distance(comparison, metric)
    if distance is None:
        return []
    rise = comparison.difference
    held: list[Badge] = []
    if metric.direction is not Direction.DECREASE and rise >= distance:
        held.append(Badge.ABOVE_GOAL)
    if metric.direction is not Direction.INCREASE and rise <= -distance:
        held.append(Badge.BELOW_GOAL)
    return held


def rules_out_goal(comparison: Comparison, metric: Metric) -> bool:
    """Whether the interval excludes a change as large as the metric's goal, in its direction."""
    distance = _goal_distance(comparison, metric)
    if distance is None:
        return False
    too_high = comparison.interval.high < distance
    too_low = comparison.interval.low > -distance
    match metric.direction:
        case Direction.INCREASE:
            return too_high
        case Direction.DECREASE:
            return too_low
        case _:
            return too_high and too_low


def _goal_distance(comparison: Comparison, metric: Metric) -> float | None:
    """How far from the control's mean the goal is; None if there is none."""
    distance = (metric.goal or 0.0) * abs(comparison.control.mean)
    return distance or None


def recommend(
    metrics: Sequence[MetricResult], *, deciding: Metric, mismatch: bool, one_look: bool
) -> Recommendation:
    """What to do with the experiment.

    Args:
        metrics: What was found.
        deciding: The metric that decides.
        mismatch: Whether the sizes of the arms contradict the design.
        one_look: Whether the test was made for one look, after which waiting does not help.
    """
    if mismatch:
        reason = (
            "The sizes of the variants contradict their weights (sample ratio mismatch): find the "
            "cause before you act on any of these numbers."
        )
        return Recommendation(action=Action.CONTINUE, reasons=(reason,))
    main = next(result for result in metrics if result.metric == deciding)
    if all(treatment.comparison is None for treatment in main.treatments):
        return Recommendation(action=Action.CONTINUE, reasons=_waiting(main))
    guardrails = [result for result in metrics if result.metric.role is Role.GUARDRAIL]
    better = [t for t in main.treatments if _moved(t.comparison, main.metric) > 0]
    safe = [t for t in better if not _violated(t.arm.variant, guardrails)]
    if safe:
        return _roll_out(safe, main, guardrails)
    if better:
        return Recommendation(
            action=Action.ROLL_BACK,
            reasons=tuple(
                f"{t.arm.variant} is better in {deciding.name}, but significantly worse in "
                f"{', '.join(_violated(t.arm.variant, guardrails))}."
                for t in better
            ),
        )
    return _without_winner(main, one_look=one_look)


def _roll_out(
    safe: Sequence[Treatment], main: MetricResult, guardrails: Sequence[MetricResult]
) -> Recommendation:
    sign = -1 if main.metric.direction is Direction.DECREASE else 1
    best = max(safe, key=lambda treatment: sign * treatment.arm.moments.mean)
    name = best.arm.variant
    unknown = [
        f"The guardrail {result.metric.name} cannot be judged yet: it needs {needed}."
        for result in guardrails
        for treatment in result.treatments
        if treatment.arm.variant == name and treatment.missing
        for needed in [" and ".join(treatment.missing)]
    ]
    won = f"{name} is significantly better than the control in {main.metric.name}."
    if unknown:
        return Recommendation(action=Action.CONTINUE, reasons=(won, *unknown))
    reasons = [won]
    distance = best.comparison and _goal_distance(best.comparison, main.metric)
    if best.comparison and distance and abs(best.comparison.difference) < distance:
        reasons.append("Its mean has not reached the goal: the change may be smaller than wanted.")
    if guardrails:
        reasons.append("No guardrail is significantly worse.")
    return Recommendation(action=Action.ROLL_OUT, variant=name, reasons=tuple(reasons))


def _without_winner(main: MetricResult, *, one_look: bool) -> Recommendation:
    metric = main.metric
    tested = [t for t in main.treatments if t.comparison is not None]
    if metric.direction is Direction.ANY and any(
        t.comparison.significant for t in tested if t.comparison
    ):
        reason = (
            f"{metric.name} differs significantly from the control, but declares no wanted "
            "direction: whether the change is good is yours to say."
        )
        return Recommendation(action=Action.CONTINUE, reasons=(reason,))
    reasons: list[str] = []
    undecided = False
    for treatment in main.treatments:
        name, comparison = treatment.arm.variant, treatment.comparison
        if comparison is None:
            reasons.append(f"{name} needs {' and '.join(treatment.missing)}.")
            undecided = True
        elif _moved(comparison, metric) < 0:
            reasons.append(f"{name} is significantly worse than the control in {metric.name}.")
        elif rules_out_goal(comparison, metric):
            reasons.append(
                f"{name} is not significantly better in {metric.name}, and a change as large as "
                "the goal is ruled out."
            )
        elif one_look:
            reasons.append(f"{name} did not reach significance in {metric.name}, in its one look.")
        else:
            reasons.append(
                f"{name} is not significant in {metric.name} yet; more units may decide."
            )
            undecided = True
    action = Action.CONTINUE if undecided else Action.ROLL_BACK
    return Recommendation(action=action, reasons=tuple(reasons))


def _waiting(main: MetricResult) -> tuple[str, ...]:
    return tuple(
        f"{treatment.arm.variant} cannot be compared in {main.metric.name} yet: it needs "
        f"{' and '.join(treatment.missing)}."
        for treatment in main.treatments
    )


def _moved(comparison: Comparison | None, metric: Metric) -> int:
    """1 if significantly better, -1 if significantly worse, else 0; "any" knows neither."""
    if comparison is None or not comparison.significant or metric.direction is Direction.ANY:
        return 0
    sign = -1 if metric.direction is Direction.DECREASE else 1
    return 1 if sign * comparison.difference > 0 else -1


def _violated(variant: str, guardrails: Sequence[MetricResult]) -> list[str]:
    """The guardrails in which a variant is significantly worse than the control."""
    return [
        result.metric.name
        for result in guardrails
        for treatment in result.treatments
        if treatment.arm.variant == variant and _worse(treatment.comparison, result.metric)
    ]


def _worse(comparison: Comparison | None, metric: Metric) -> bool:
    """A guardrail without a direction is hurt by any significant change."""
    if metric.direction is Direction.ANY:
        return comparison is not None and comparison.significant
    return _moved(comparison, metric) < 0
