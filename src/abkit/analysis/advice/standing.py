"""Where one variant stands beside the control, and why: pure."""

from collections.abc import Sequence
from enum import StrEnum
from math import inf, isnan

from attrs import frozen

from abkit.analysis.advice.guardrails import (
    GuardrailState,
    guardrail_reason,
    guardrail_state,
)
from abkit.analysis.amounts import listed
from abkit.analysis.findings.badges import moved, rules_out_goal
from abkit.analysis.findings.lost import told
from abkit.analysis.findings.metric_result import Flag, MetricResult, Treatment
from abkit.analysis.inference.comparison import Comparison
from abkit.experiments.declaring.analysis_words import Method
from abkit.experiments.declaring.metrics import Direction, Metric


class Standing(StrEnum):
    """Where one variant stands; those that matter more come first."""

    WON = "won"
    """Significantly better, and every guardrail is fine."""
    HELD = "held"
    """Significantly better, and a guardrail is not known to be fine yet."""
    DOUBTFUL = "doubtful"
    """Significantly better with numbers that cannot be trusted; or one of the two lost its conversions."""
    UNJUDGED = "unjudged"
    """It differs significantly, and the metric declares no wanted direction."""
    OPEN = "open"
    """Not significant yet."""
    LOST = "lost"
    """Worse, harmful, not worth its goal, or not significant at the last look."""


@frozen
class Judged:
    """One variant, where it stands, and why.

    Attributes:
        treatment: What was found of it, in the metric that decides.
        standing: Where it stands.
        reasons: Why, in sentences; the weightiest first.
        goodness: Its mean, the higher the better; minus infinity if it has none.
    """

    treatment: Treatment
    standing: Standing
    reasons: tuple[str, ...]
    goodness: float

    @property
    def variant(self) -> str:
        """Its name."""
        return self.treatment.arm.variant


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


def judge(
    treatment: Treatment,
    main: MetricResult,
    guardrails: Sequence[MetricResult],
    *,
    last_look: bool,
) -> Judged:
    """Where a variant stands.

    Args:
        treatment: What was found of it, in the metric that decides.
        main: What was found of that metric.
        guardrails: What was found of the guardrails.
        last_look: Whether waiting does not help any more.
    """
    standing, reasons = _standing(treatment, main, guardrails, last_look=last_look)
    return Judged(treatment, standing, reasons, _goodness(treatment, main))


_Found = tuple[Standing, tuple[str, ...]]


def _standing(
    treatment: Treatment,
    main: MetricResult,
    guardrails: Sequence[MetricResult],
    *,
    last_look: bool,
) -> _Found:
    name, comparison, metric = treatment.arm.variant, treatment.comparison, main.metric
    change = moved(comparison, metric)
    guards = [
        (result.metric, of, guardrail_state(of, result.metric))
        for result in guardrails
        for of in result.treatments
        if of.arm.variant == name
    ]
    harmed = [(guard, of) for guard, of, state in guards if state is GuardrailState.HARMED]
    if harmed:
        but = f"is better in {metric.name}, but " if change > 0 else "is "
        reasons = [guardrail_reason(of, guard) for guard, of in harmed if guard.margin is not None]
        return Standing.LOST, (f"{name} {but}{_worse([guard for guard, _ in harmed])}.", *reasons)
    if comparison is None:
        return _not_compared(treatment, main)
    if change > 0:
        unknown = [(guard, of) for guard, of, state in guards if state is GuardrailState.UNKNOWN]
        return _better(treatment, metric, unknown, last_look=last_look)
    if change < 0:
        reason = f"{name} is significantly worse than the control in {metric.name}."
        return Standing.LOST, (reason,)
    if comparison.significant and metric.direction is Direction.ANY:
        reason = (
            f"{name} differs significantly from the control in {metric.name}, which declares no "
            "wanted direction: whether the change is good is yours to say."
        )
        return Standing.UNJUDGED, (reason,)
    return _undecided(name, comparison, metric, last_look=last_look)


def _not_compared(treatment: Treatment, main: MetricResult) -> _Found:
    cannot = f"{treatment.arm.variant} cannot be compared in {main.metric.name} yet"
    lost = next(told([main.control, treatment.arm]), None)
    if lost is not None:
        return Standing.DOUBTFUL, (f"{cannot}, and it needs {lost}.",)
    return Standing.OPEN, (f"{cannot}: it needs {listed(treatment.missing)}.",)


def _better(
    treatment: Treatment,
    metric: Metric,
    unknown: Sequence[tuple[Metric, Treatment]],
    *,
    last_look: bool,
) -> _Found:
    """Where a variant stands that is significantly better, and of which some guardrails are not known."""
    won = _won(treatment, metric)
    doubts = [DOUBTS[flag] for flag in treatment.flags if flag in DOUBTS]
    if doubts:
        return Standing.DOUBTFUL, (f"{won[:-1]}, but {'; and '.join(doubts)}.",)
    reasons = [guardrail_reason(of, guard) for guard, of in unknown]
    if last_look and any(of.comparison is not None for _, of in unknown):
        # It was judged, and the margin was not ruled out: more units are not to come.
        but = f"{won[:-1]}, but not shown to be harmless, and the test has no further look."
        return Standing.LOST, (but, *reasons)
    return (Standing.HELD if unknown else Standing.WON), (won, *reasons)


def _worse(guards: Sequence[Metric]) -> str:
    """In which guardrails a variant is worse, or other than it must be."""
    plain = [guard.name for guard in guards if guard.margin is None and not _unwanted(guard)]
    changed = [guard.name for guard in guards if guard.margin is None and _unwanted(guard)]
    beyond = [guard.name for guard in guards if guard.margin is not None]
    parts = [
        *([f"significantly worse in {listed(plain)}"] if plain else []),
        *([f"worse than the margin in {listed(beyond)}"] if beyond else []),
        *(
            [f"significantly different in {listed(changed)}, which must not change"]
            if changed
            else []
        ),
    ]
    return " and ".join(parts)


def _unwanted(guard: Metric) -> bool:
    """Whether any change is one too many."""
    return guard.direction is Direction.ANY


def _undecided(name: str, comparison: Comparison, metric: Metric, *, last_look: bool) -> _Found:
    if rules_out_goal(comparison, metric):
        better = "different" if metric.direction is Direction.ANY else "better"
        reason = (
            f"{name} is not significantly {better} in {metric.name}, and a change as large as the "
            "goal is ruled out."
        )
        return Standing.LOST, (reason,)
    if last_look:
        reason = (
            f"{name} did not reach significance in {metric.name}, and the test has no further look."
        )
        return Standing.LOST, (reason,)
    if comparison.method == Method.WELCH:
        reason = (
            f"{name} is not significant in {metric.name}. Whether it could have been, with so many "
            "units, only a sample size planned beforehand would say."
        )
        return Standing.OPEN, (reason,)
    reason = f"{name} is not significant in {metric.name} yet; more units may decide."
    return Standing.OPEN, (reason,)


def _goodness(treatment: Treatment, main: MetricResult) -> float:
    mean = treatment.arm.moments.mean
    sign = -1 if main.metric.direction is Direction.DECREASE else 1
    return -inf if isnan(mean) else sign * mean


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
