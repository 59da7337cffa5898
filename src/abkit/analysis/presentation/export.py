"""A result as JSON-ready values, stable from version to version."""

from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING

from abkit.analysis.findings.metric_result import Arm, MetricResult, Treatment
from abkit.analysis.findings.verdict import badges
from abkit.analysis.inference.comparison import Comparison, Interval
from abkit.experiments.metrics import Metric

if TYPE_CHECKING:
    from abkit.analysis.inference.srm import SampleRatio
    from abkit.analysis.result import Result


def to_dict(result: "Result") -> dict[str, object]:
    """All of a result; infinite ends of intervals are null, dates are ISO 8601."""
    plan, settings, cumulative = result.plan, result.settings, result.cumulative
    return {
        "experiment": plan.name,
        "salt": plan.salt,
        "hypothesis": plan.hypothesis,
        "unit_type": plan.unit_type,
        "control": plan.control,
        "method": settings.method.value,
        "confidence": settings.confidence,
        "recommendation": {
            "action": result.recommendation.action.value,
            "variant": result.recommendation.variant,
            "reasons": list(result.recommendation.reasons),
        },
        "metrics": [_metric(found) for found in result.metrics],
        "sample_ratio": _ratio(result.sample_ratio),
        "exposures": {
            "several": result.several and result.several.value,
            "incomplete": result.incomplete,
            "variants": [
                {
                    "variant": counts.variant,
                    "rows": counts.rows,
                    "exposed": counts.exposed,
                    "excluded": counts.excluded,
                    "units": counts.units,
                }
                for counts in result.counts
            ],
            "cumulative": cumulative
            and {
                "days": [day.isoformat() for day in cumulative.days],
                "units": {variant: list(units) for variant, units in cumulative.units.items()},
            },
        },
        "warnings": list(result.warnings),
        "sources": dict(result.sources),
        "versions": dict(result.versions),
        "queries": dict(result.queries),
    }


def _metric(found: MetricResult) -> dict[str, object]:
    metric = found.metric
    return {
        "metric": metric.name,
        "type": type(metric).__name__,
        "direction": metric.direction.value,
        "goal": metric.goal,
        "role": metric.role.value,
        "control": _arm(found.control),
        "treatments": [_treatment(treatment, metric) for treatment in found.treatments],
    }


def _arm(arm: Arm) -> dict[str, object]:
    return {
        "variant": arm.variant,
        "units": arm.moments.n,
        "conversions": arm.conversions,
        "mean": arm.moments.mean,
        "variance": arm.moments.variance,
    }


def _treatment(treatment: Treatment, metric: Metric) -> dict[str, object]:
    comparison = treatment.comparison
    return {
        **_arm(treatment.arm),
        "badges": [badge.value for badge in badges(comparison, metric)],
        "missing": list(treatment.missing),
        "comparison": comparison and _comparison(comparison),
    }


def _comparison(comparison: Comparison) -> dict[str, object]:
    return {
        "method": comparison.method,
        "difference": comparison.difference,
        "interval": _interval(comparison.interval),
        "lift": comparison.lift,
        "lift_interval": comparison.lift_interval and _interval(comparison.lift_interval),
        "p_value": comparison.p_value,
        "alpha": comparison.alpha,
        "significant": comparison.significant,
        "details": {name: _finite(value) for name, value in comparison.details.items()},
    }


def _interval(interval: Interval) -> dict[str, float | None]:
    return {"low": _finite(interval.low), "high": _finite(interval.high)}


def _ratio(ratio: "SampleRatio") -> Mapping[str, object]:
    return {
        "alarm": ratio.alarm,
        "method": ratio.method.value,
        "p_value": ratio.p_value,
        "alpha": ratio.alpha,
        "chi_square_p": ratio.chi_square_p,
        "sequential_p": ratio.sequential_p,
        "counts": dict(ratio.counts),
        "weights": dict(ratio.weights),
        "expected": dict(ratio.expected),
        "largest_deviation": _finite(ratio.largest_deviation),
    }


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
