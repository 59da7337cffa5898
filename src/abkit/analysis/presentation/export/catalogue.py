"""The metrics of a project, as JSON has them."""

from collections.abc import Iterable, Sequence
from typing import Any

from attrs import asdict

from abkit.analysis.findings.observed_metric import ObservedMetric, OneLookTest
from abkit.analysis.presentation.definitions import in_words
from abkit.experiments.checking.metric_uses import UsedMetric


def document(listed: Iterable[UsedMetric]) -> list[dict[str, Any]]:
    """The metrics, each with its definition and its experiments."""
    return [
        {
            "metric": each.metric.name,
            "type": type(each.metric).__name__,
            "definition": in_words(each.metric),
            "direction": each.metric.direction.value,
            "goal": each.metric.goal,
            "margin": each.metric.margin,
            "in_catalogue": each.in_catalogue,
            "experiments": [
                {"experiment": use.experiment, "unit_type": use.unit_type, "role": use.role.value}
                for use in each.uses
            ],
        }
        for each in listed
    ]


def observed(found: Sequence[ObservedMetric], test: OneLookTest) -> dict[str, Any]:
    """What metrics were, by type of unit; `detectable` is a relative change.

    Args:
        found: What they were.
        test: The test that would find the change.
    """
    return {
        **asdict(test),
        "metrics": [_observed(each, test) for each in found],
    }


def _observed(each: ObservedMetric, test: OneLookTest) -> dict[str, Any]:
    return {
        "metric": each.metric.name,
        "unit_type": each.unit_type,
        "mean": each.mean,
        "deviation": each.deviation,
        "units": each.units,
        "units_per_day": each.per_day,
        "detectable": each.detectable(test),
        "problem": each.problem or None,
    }
