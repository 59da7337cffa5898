"""Badges: what is true of one variant beside the control, by a truth table."""

from enum import StrEnum

from abkit.analysis.inference.comparison import Comparison
from abkit.experiments.metrics import Direction, Metric


class Badge(StrEnum):
    """What is true of one variant beside the control, at a glance."""

    SIGNIFICANT = "Significant"
    NOT_SIGNIFICANT = "Not Significant"
    INCONCLUSIVE = "Inconclusive"
    ABOVE_GOAL = "Above Goal"
    BELOW_GOAL = "Below Goal"
    ABOVE_CONTROL = "Above Control"
    BELOW_CONTROL = "Below Control"


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
    without a goal has no badge about it. Nothing is said of means until the gates are passed. A
    Bayesian comparison is significant at a confidence of 95% when the chance to be above the control
    is at least 97.5% or at most 2.5%.

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
    distance = goal_distance(comparison, metric)
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
    distance = goal_distance(comparison, metric)
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


def goal_distance(comparison: Comparison, metric: Metric) -> float | None:
    """How far from the control's mean the goal is, in the metric's unit; None if there is none."""
    distance = (metric.goal or 0.0) * abs(comparison.control.mean)
    return distance or None
