"""Whether a guardrail speaks against a variant: pure."""

from enum import StrEnum

from abkit.analysis.findings.badges import harmed
from abkit.analysis.findings.metric_result import Treatment
from abkit.experiments.declaring.metrics import Metric


class GuardrailState(StrEnum):
    """What a guardrail says of a variant."""

    FINE = "fine"
    UNKNOWN = "unknown"
    HARMED = "harmed"


def guardrail_state(treatment: Treatment, metric: Metric) -> GuardrailState:
    """What a guardrail says of a variant.

    Args:
        treatment: What was found of the variant.
        metric: The guardrail.
    """
    if harmed(treatment.comparison, metric):
        return GuardrailState.HARMED
    return GuardrailState.UNKNOWN if treatment.missing else GuardrailState.FINE
