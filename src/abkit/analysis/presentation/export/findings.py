"""What was found, as JSON-ready values."""

from typing import TYPE_CHECKING

from abkit.analysis.advice.verdict import badges
from abkit.analysis.findings.metric_result import Arm, MetricResult, OverTime, Series, Treatment
from abkit.analysis.findings.pairs import Pair
from abkit.analysis.inference.comparison import Comparison
from abkit.analysis.presentation.definitions import in_words
from abkit.analysis.presentation.export.guardrails import guardrail, non_inferiority
from abkit.analysis.presentation.export.plain import finite, plain
from abkit.analysis.statistics.aggregates import Moments
from abkit.experiments.declaring.metrics import Metric

if TYPE_CHECKING:
    from abkit.analysis.inference.srm import SampleRatio


def metric_result(found: MetricResult) -> dict[str, object]:
    """What was found for one metric."""
    metric = found.metric
    return {
        "metric": metric.name,
        "type": type(metric).__name__,
        "definition": in_words(metric),
        "direction": metric.direction.value,
        "goal": metric.goal,
        "margin": metric.margin,
        "role": metric.role.value,
        "comparisons": found.comparisons,
        "control": _arm(found.control),
        "treatments": [_treatment(treatment, metric) for treatment in found.treatments],
        "adjustment": plain(found.adjustment),
        "over_time": found.over_time and _over_time(found.over_time),
    }


def pair_found(pair: Pair) -> dict[str, object]:
    """What was found of two variants beside the control; the comparison is that of the variant."""
    return {
        "metric": pair.metric.name,
        "variant": pair.second.arm.variant,
        "compared_with": pair.first.variant,
        "comparisons": pair.comparisons,
        "missing": list(pair.second.missing),
        "flags": [flag.value for flag in pair.second.flags],
        "corrected_p": plain(pair.second.corrected_p),
        "chance_to_beat": plain(pair.second.chance_to_beat),
        "comparison": pair.second.comparison and comparison_found(pair.second.comparison),
    }


def sample_ratio(ratio: "SampleRatio") -> dict[str, object]:
    """The check of the arms' sizes."""
    return {
        "alarm": ratio.alarm,
        "known": ratio.known,
        "method": ratio.method.value,
        "p_value": ratio.p_value,
        "alpha": ratio.alpha,
        "chi_square_p": ratio.chi_square_p,
        "sequential_p": ratio.sequential_p,
        "counts": dict(ratio.counts),
        "weights": dict(ratio.weights),
        "expected": dict(ratio.expected),
        "largest_deviation": finite(ratio.largest_deviation),
        "phases": ratio.phases,
    }


def _arm(arm: Arm) -> dict[str, object]:
    return {
        "variant": arm.variant,
        "units": arm.moments.n,
        "conversions": arm.conversions,
        "mean": finite(arm.moments.mean),
        "variance": finite(arm.moments.variance),
        "unadjusted": arm.unadjusted and _moments(arm.unadjusted),
        "capped": arm.capped,
        "immature": arm.immature,
        "without_value": arm.without_value,
    }


def _moments(moments: Moments) -> dict[str, object]:
    return {
        "units": moments.n,
        "mean": finite(moments.mean),
        "variance": finite(moments.variance),
    }


def _treatment(treatment: Treatment, metric: Metric) -> dict[str, object]:
    comparison = treatment.comparison
    return {
        **_arm(treatment.arm),
        "badges": [badge.value for badge in badges(comparison, metric)],
        "guardrail": guardrail(treatment, metric),
        "missing": list(treatment.missing),
        "flags": [flag.value for flag in treatment.flags],
        "corrected_p": plain(treatment.corrected_p),
        "chance_to_beat": plain(treatment.chance_to_beat),
        "chance_to_be_best": plain(treatment.chance_to_be_best),
        "comparison": comparison and comparison_found(comparison),
    }


def comparison_found(comparison: Comparison) -> dict[str, object]:
    """A comparison."""
    return {
        "method": comparison.method,
        "difference": finite(comparison.difference),
        "interval": plain(comparison.interval),
        "lift": plain(comparison.lift),
        "lift_interval": plain(comparison.lift_interval),
        "p_value": finite(comparison.p_value),
        "alpha": comparison.alpha,
        "significant": comparison.significant,
        "details": plain(comparison.details),
        "non_inferiority": non_inferiority(comparison),
    }


def _over_time(found: OverTime) -> dict[str, object]:
    return {
        "ends": plain(found.ends),
        "control": [_moments(moments) for moments in found.control],
        "treatments": {variant: _series(series) for variant, series in found.treatments.items()},
    }


def _series(series: Series) -> dict[str, object]:
    return {
        "arms": [_moments(moments) for moments in series.arms],
        "comparisons": [each and comparison_found(each) for each in series.comparisons],
        "running_p": plain(series.running_p),
        "running_interval": plain(series.running_interval),
    }
