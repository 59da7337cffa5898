"""Where variants stand in guardrails, as JSON-ready values and as cells of a table."""

from collections.abc import Mapping
from types import MappingProxyType

from abkit.analysis.advice.guardrails import guardrail_reason, guardrail_state
from abkit.analysis.findings.metric_result import Treatment
from abkit.analysis.inference.comparison import Comparison
from abkit.analysis.presentation.export.plain import finite
from abkit.experiments.declaring.metrics import Metric, Role

COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "margin": "the largest relative worsening that is acceptable; 0.02 is 2%",
        "guardrail": "of a guardrail: fine, unknown or harmed",
        "margin_bound": "the worst relative change that is not rejected; with a margin",
        "margin_p": "the p-value of a change as bad as the margin, one-sided",
        "margin_alpha": "the level of that test",
    }
)
"""The columns, in order, and what they mean."""


def guardrail(treatment: Treatment, metric: Metric) -> dict[str, object] | None:
    """Where a variant stands and why; None if the metric is no guardrail."""
    if metric.role is not Role.GUARDRAIL:
        return None
    return {
        "state": guardrail_state(treatment, metric).value,
        "reason": guardrail_reason(treatment, metric),
    }


def non_inferiority(comparison: Comparison) -> dict[str, object] | None:
    """The test against the margin; None where there is none."""
    against = comparison.non_inferiority
    if against is None:
        return None
    return {
        "margin": against.margin,
        "p_value": finite(against.p_value),
        "alpha": against.alpha,
        "bound": finite(against.bound),
        "best": finite(against.best),
        "difference_bound": finite(against.difference_bound),
        "within": against.within,
        "beyond": against.beyond,
    }


def cells(treatment: Treatment, metric: Metric) -> dict[str, str | float | None]:
    """What `COLUMNS` have for one variant; empty if the metric is no guardrail."""
    if metric.role is not Role.GUARDRAIL:
        return {}
    state = guardrail_state(treatment, metric).value
    against = treatment.comparison and treatment.comparison.non_inferiority
    if not against:
        return {"guardrail": state}
    return {
        "guardrail": state,
        "margin_bound": against.bound,
        "margin_p": against.p_value,
        "margin_alpha": against.alpha,
    }
