"""What is said of a guardrail's margin, in tables, reports and notifications alike."""

from collections.abc import Iterator

from abkit.analysis.advice.guardrails import guardrail_reason
from abkit.analysis.findings.metric_result import MetricResult, Treatment
from abkit.analysis.presentation import figures


def notes(found: MetricResult, treatment: Treatment) -> Iterator[str]:
    """Where a compared variant stands, and by which test; nothing of a metric without a margin.

    Args:
        found: The metric.
        treatment: The variant.
    """
    if found.metric.margin is not None and treatment.comparison is not None:
        yield guardrail_reason(treatment, found.metric) + _proof(treatment, found)


def _proof(treatment: Treatment, found: MetricResult) -> str:
    """By which test it is so, or not yet; of a change that is surely worse there is nothing to add."""
    against = treatment.comparison and treatment.comparison.non_inferiority
    if not against or against.beyond:
        return ""
    margin = figures.margin(found.metric)
    if figures.bayesian(found):
        worse = figures.chance(against.p_value)
        return f" The chance of more than {margin} is {worse}; {against.alpha:.2%} is accepted."
    return f" Test of {margin}: {figures.p_is(against.p_value)}, one-sided at {against.alpha:.4g}."
