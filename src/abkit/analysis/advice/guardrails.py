"""Where a variant stands in a guardrail, and why: pure.

| guardrail | fine | unknown | harmed |
|---|---|---|---|
| without a margin | not significantly worse | not compared yet | significantly worse |
| with one | a change worse than it is ruled out | anything else | only worse changes are left |

With a margin, significance does not matter: a variant may be significantly worse and fine, if it is worse by
less than what was declared acceptable; or significantly worse and unknown, as long as more is not ruled out.
"""

from enum import StrEnum

from abkit.analysis.amounts import listed
from abkit.analysis.findings.badges import Badge, against_margin, harmed, moved
from abkit.analysis.findings.metric_result import Treatment
from abkit.analysis.inference.comparison import Comparison
from abkit.analysis.inference.non_inferiority import NonInferiority
from abkit.experiments.declaring.metrics import Direction, Metric


class GuardrailState(StrEnum):
    """Where a variant stands in a guardrail."""

    FINE = "fine"
    UNKNOWN = "unknown"
    """It cannot be said yet; that is not fine."""
    HARMED = "harmed"


def guardrail_state(treatment: Treatment, metric: Metric) -> GuardrailState:
    """Where a variant stands in a guardrail.

    Args:
        treatment: The variant beside the control.
        metric: The guardrail.
    """
    comparison = treatment.comparison
    if comparison is None:
        return GuardrailState.UNKNOWN
    if harmed(comparison, metric):
        return GuardrailState.HARMED
    if metric.margin is None:
        return GuardrailState.FINE
    within = against_margin(comparison) is Badge.WITHIN_MARGIN
    return GuardrailState.FINE if within else GuardrailState.UNKNOWN


def guardrail_reason(treatment: Treatment, metric: Metric) -> str:
    """Why it stands there, in a sentence or two.

    Args:
        treatment: The variant beside the control.
        metric: The guardrail.
    """
    name, comparison = treatment.arm.variant, treatment.comparison
    if comparison is None:
        needed = listed(treatment.missing) if treatment.missing else "more data"
        return f"{name} cannot be judged in the guardrail {metric.name} yet: it needs {needed}."
    if metric.margin is not None:
        against = comparison.non_inferiority
        said = (
            _no_relative_change(name, comparison, metric)
            if against is None
            else _against_margin(name, against, metric)
        )
        return said + _though_worse(comparison, metric)
    if not harmed(comparison, metric):
        return f"{name} is not significantly worse in the guardrail {metric.name}."
    if metric.direction is Direction.ANY:
        return (
            f"{name} differs significantly in the guardrail {metric.name}, which must not change."
        )
    return f"{name} is significantly worse in the guardrail {metric.name}."


def _against_margin(name: str, against: NonInferiority, metric: Metric) -> str:
    margin, worst = _percent(abs(against.margin)), _change(against.bound)
    if against.within:
        return (
            f"{name} is within the margin of {margin} in the guardrail {metric.name}: its change is "
            f"{worst} at worst."
        )
    if against.beyond:
        return (
            f"{name} is worse than the margin of {margin} in the guardrail {metric.name}: its change is "
            f"{_change(against.best)} at best."
        )
    return (
        f"{name} may still be worse than the margin of {margin} in the guardrail {metric.name}: its change "
        f"is {worst} at worst."
    )


def _no_relative_change(name: str, comparison: Comparison, metric: Metric) -> str:
    if comparison.lift is None:
        why = "the control's mean is below 0, or not far enough above it, to be changed by a percentage"
    else:
        why = "the change relative to the control has no interval yet"
    return f"{name} cannot be judged against the margin of the guardrail {metric.name}: {why}."


def _though_worse(comparison: Comparison, metric: Metric) -> str:
    """That it is significantly worse though it is not harmed; empty where it is not."""
    if harmed(comparison, metric) or moved(comparison, metric) >= 0:
        return ""
    if against_margin(comparison) is Badge.WITHIN_MARGIN:
        return " It is significantly worse than the control, by less than what was declared acceptable."
    return " It is significantly worse than the control already."


def _percent(share: float) -> str:
    """A share to four digits, such as "2%"."""
    return f"{share * 100:.4g}%"


def _change(share: float) -> str:
    return f"{share:+.2%}"
