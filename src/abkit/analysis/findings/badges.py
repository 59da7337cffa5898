"""Badges: what is true of one variant beside the control, by a truth table; and whether that is good."""

from enum import StrEnum
from math import hypot, sqrt

from abkit.analysis.inference.comparison import Comparison
from abkit.experiments.declaring.metrics import Direction, Metric, Role


class Badge(StrEnum):
    """What is true of one variant beside the control, at a glance."""

    SIGNIFICANT = "Significant"
    NOT_SIGNIFICANT = "Not Significant"
    INCONCLUSIVE = "Inconclusive"
    ABOVE_GOAL = "Above Goal"
    BELOW_GOAL = "Below Goal"
    ABOVE_CONTROL = "Above Control"
    BELOW_CONTROL = "Below Control"
    WITHIN_MARGIN = "Within Margin"
    BEYOND_MARGIN = "Beyond Margin"
    MARGIN_NOT_RULED_OUT = "Margin Not Ruled Out"


class Tone(StrEnum):
    """Whether something is good news."""

    GOOD = "good"
    BAD = "bad"
    WAIT = "wait"
    """Nothing is to be concluded yet, or the data are doubtful."""
    PLAIN = "plain"
    """Neither good nor bad, or yours to judge."""


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
    | Within Margin | a guardrail's change is not worse than its margin: a worse one is rejected |
    | Beyond Margin | all of the interval is worse than the margin |
    | Margin Not Ruled Out | neither, or the gates are not passed yet |

    A metric with a margin is never Inconclusive: what matters of it is the margin. The goal lies the
    metric's `goal` above or below the control's mean, relative to it; a metric without a goal has no
    badge about it. Nothing is said of means until the gates are passed. A Bayesian comparison is
    significant at a confidence of 95% when the chance to be above the control is at least 97.5% or at
    most 2.5%.

    Args:
        comparison: With the control; None if the gates are not passed.
        metric: The metric's direction and goal.
    """
    if comparison is None:
        open_badge = Badge.INCONCLUSIVE if metric.margin is None else Badge.MARGIN_NOT_RULED_OUT
        return (Badge.NOT_SIGNIFICANT, open_badge)
    held: list[Badge] = []
    if comparison.significant:
        held.append(Badge.SIGNIFICANT)
    else:
        held.append(Badge.NOT_SIGNIFICANT)
        if metric.margin is None and not rules_out_goal(comparison, metric):
            held.append(Badge.INCONCLUSIVE)
    held.extend(_about_goal(comparison, metric))
    if comparison.significant and comparison.difference != 0:
        above = comparison.difference > 0
        held.append(Badge.ABOVE_CONTROL if above else Badge.BELOW_CONTROL)
    if metric.margin is not None:
        held.append(against_margin(comparison))
    return tuple(held)


def moved(comparison: Comparison | None, metric: Metric) -> int:
    """1 if significantly better, -1 if significantly worse, else 0; "any" knows neither."""
    if comparison is None or not comparison.significant or metric.direction is Direction.ANY:
        return 0
    sign = -1 if metric.direction is Direction.DECREASE else 1
    return 1 if sign * comparison.difference > 0 else -1


def harmed(comparison: Comparison | None, metric: Metric) -> bool:
    """Whether a guardrail is harmed.

    It is if it is significantly worse, or without a direction has changed significantly at all; with a
    margin, if all of the interval of its change is worse than that.
    """
    if metric.role is not Role.GUARDRAIL:
        return False
    if metric.margin is not None:
        return comparison is not None and against_margin(comparison) is Badge.BEYOND_MARGIN
    if metric.direction is Direction.ANY:
        return comparison is not None and comparison.significant
    return moved(comparison, metric) < 0


def news(comparison: Comparison | None, metric: Metric, *, doubtful: bool = False) -> Tone:
    """Whether what was found of a variant is good.

    Args:
        comparison: With the control; None if there is none yet.
        metric: Its direction says what is good.
        doubtful: Whether the numbers cannot be trusted: then no change is good.
    """
    if comparison is None:
        return Tone.WAIT
    if harmed(comparison, metric):
        return Tone.BAD
    if metric.margin is not None:
        return _news_of_margin(comparison, metric, doubtful=doubtful)
    match moved(comparison, metric):
        case 1:
            return Tone.WAIT if doubtful else Tone.GOOD
        case -1:
            return Tone.BAD
        case _:
            return Tone.PLAIN


def tone(badge: Badge, of: Tone) -> Tone:
    """Whether a badge is good news.

    Args:
        badge: One of a variant's badges.
        of: What `news` says of that variant: where nothing is significant, no badge is good.
    """
    match badge:
        case Badge.INCONCLUSIVE | Badge.MARGIN_NOT_RULED_OUT:
            return Tone.WAIT
        case Badge.WITHIN_MARGIN:
            # It is good of a variant that is worse too: so much worse was declared acceptable.
            return Tone.WAIT if of is Tone.WAIT else Tone.GOOD
    return Tone.PLAIN if badge is Badge.NOT_SIGNIFICANT else of


def against_margin(comparison: Comparison) -> Badge:
    """On which side of its margin a metric that has one is known to be."""
    against = comparison.non_inferiority
    if against is None or not against.decided:
        return Badge.MARGIN_NOT_RULED_OUT
    return Badge.WITHIN_MARGIN if against.within else Badge.BEYOND_MARGIN


def _news_of_margin(comparison: Comparison, metric: Metric, *, doubtful: bool) -> Tone:
    """Of a guardrail that is not harmed."""
    if doubtful or against_margin(comparison) is not Badge.WITHIN_MARGIN:
        return Tone.WAIT
    return Tone.PLAIN if moved(comparison, metric) < 0 else Tone.GOOD


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
    """Whether a change as large as the metric's goal, in its direction, is excluded.

    The goal is relative to the control's mean, which is as uncertain as the treatment's: so the interval
    of the lift has to exclude it. Where there is no lift, the goal is taken of the smallest control's mean
    that is not excluded.
    """
    if metric.goal is None:
        return False
    relative, absolute = comparison.lift_interval, comparison.interval
    if relative is not None:
        too_high, too_low = relative.high < metric.goal, relative.low > -metric.goal
    else:
        distance = metric.goal * _least_control(comparison)
        too_high, too_low = absolute.high < distance, absolute.low > -distance
    match metric.direction:
        case Direction.INCREASE:
            return too_high
        case Direction.DECREASE:
            return too_low
        case _:
            return too_high and too_low


def _least_control(comparison: Comparison) -> float:
    """The smallest mean of the control, without its sign, at the level of the comparison."""
    control, treatment = comparison.control, comparison.treatment
    interval, difference = comparison.interval, comparison.difference
    error = sqrt(control.variance / control.n)
    together = hypot(error, sqrt(treatment.variance / treatment.n))
    reach = min(interval.high - difference, difference - interval.low)
    return max(0.0, abs(control.mean) - reach * error / together) if together else 0.0


def goal_distance(comparison: Comparison, metric: Metric) -> float | None:
    """How far from the control's mean the goal is, in the metric's unit; None if there is none.

    A billionth less, so that 21% beside 20% has reached a goal of 5% whatever the rounding.
    """
    distance = (metric.goal or 0.0) * abs(comparison.control.mean) * (1 - 1e-9)
    return distance or None
