"""What an experiment needs, as JSON has it."""

from collections.abc import Sequence
from typing import Any

from abkit.analysis.findings.planning import Requirement
from abkit.experiments.declaring.analysis_plan import AnalysisPlan


def document(
    name: str, found: Sequence[Requirement], plan: AnalysisPlan, power: float
) -> dict[str, Any]:
    """All metrics.

    Args:
        name: Of the experiment.
        found: What each metric needs.
        plan: How the test is made.
        power: The probability to find the effect by the planned size.
    """
    return {
        "experiment": name,
        "method": plan.method.value,
        "confidence": plan.confidence,
        "correction": plan.correction.value,
        "alternative": plan.alternative.value,
        "power": power,
        "metrics": [
            {
                "metric": each.metric.name,
                "mean": each.baseline.mean,
                "variance": each.baseline.variance,
                "variance_reduction": each.baseline.reduction,
                "goal": each.goal,
                "rules_out": each.rules_out,
                "difference": each.difference,
                "comparisons": each.comparisons,
                "units_per_day": each.per_day,
                "per_arm": dict(each.per_arm),
                "units": each.units,
                "days": each.days,
                **further(each),
            }
            for each in found
        ],
    }


def further(found: Requirement) -> dict[str, Any]:
    """What only some methods have."""
    needed = found.needed
    means = {
        "mean_units": needed.mean,
        "mean_units_until_found": needed.mean_until_found,
        "mean_units_without_effect": needed.mean_without_effect,
    }
    further: dict[str, Any] = {name: round(of) for name, of in means.items() if of is not None}
    if needed.looks:
        further["looks"] = [
            {"units": round(look.units), "bound": look.bound, "power": look.power}
            for look in needed.looks
        ]
    if needed.error is not None:
        further["relative_error"] = needed.error
    return further
