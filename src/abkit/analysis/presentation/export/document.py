"""A result as one JSON-ready document, stable from version to version."""

from typing import TYPE_CHECKING

from abkit.analysis.presentation.alerts import alerts
from abkit.analysis.presentation.commands import command
from abkit.analysis.presentation.export.before import before_document
from abkit.analysis.presentation.export.findings import metric_result, pair_found, sample_ratio
from abkit.analysis.presentation.export.heterogeneity import heterogeneity
from abkit.analysis.presentation.export.novelty import novelty_found
from abkit.analysis.presentation.export.plain import plain
from abkit.analysis.presentation.export.worth import worth_document
from abkit.experiments.declaring.analysis_plan import fields_of_a_plan

if TYPE_CHECKING:
    from abkit.analysis.aggregation.assignments import Unassigned
    from abkit.analysis.findings.cumulative import CumulativeUnits
    from abkit.analysis.outcome import Outcome
    from abkit.experiments.declaring.analysis_plan import AnalysisPlan

FORMAT = 1
"""Rises when a key changes its meaning or goes; new keys do not raise it."""


def to_dict(result: "Outcome") -> dict[str, object]:
    """All of a result: what went in, how the test was made, what was found, what computed it.

    Infinite ends of intervals and what is no number are null, times are ISO 8601 in UTC, lengths of
    time seconds, shares and changes fractions (0.05 is 5%). What was not asked for is null or empty.
    """
    design, plan = result.design, result.plan
    start, until = result.frame
    return {
        "format": FORMAT,
        "experiment": design.name,
        "salt": design.salt,
        "hypothesis": design.hypothesis,
        "unit_type": design.unit_type,
        "holdout_of": list(design.holdout_of),
        "control": design.control,
        "weights": plain(design.weights),
        "declared_metrics": [
            {"type": type(metric).__name__, **_entries(plain(metric))} for metric in design.metrics
        ],
        "method": plan.method.value,
        "confidence": plan.confidence,
        "settings": _plan(plan),
        "planned": design.plan and _plan(design.plan),
        "not_as_planned": list(result.not_as_planned),
        "amended": list(result.amended),
        "frame": {"from": plain(start), "until": plain(until)},
        "period": plain(result.period),
        "made": plain(result.made),
        "units": result.units,
        "alerts": [plain(alert) for alert in alerts(result)],
        "recommendation": {**_entries(plain(result.recommendation)), "command": _command(result)},
        "metrics": [metric_result(found) for found in result.metrics],
        "pairs": [pair_found(pair) for pair in result.pairs],
        "novelty": [novelty_found(each) for each in result.novelty],
        "segments": [
            {
                "property": segment.property,
                "value": segment.value,
                "metrics": [metric_result(found) for found in segment.metrics],
            }
            for segment in result.segments
        ],
        "heterogeneity": [heterogeneity(found) for found in result.heterogeneity],
        "sample_ratio": sample_ratio(result.sample_ratio),
        "before": [before_document(each) for each in result.before],
        "phases": [plain(phase) for phase in result.phases],
        "entering": [
            {"at": plain(phase.at), "changes": list(phase.entering)} for phase in result.entering
        ],
        "exposures": {
            "several": result.several and result.several.value,
            "in_several": result.in_several,
            "incomplete": result.incomplete,
            "exclusions": dict(result.exclusions),
            "variants": [plain(counts) for counts in result.counts],
            "cumulative": result.cumulative and _cumulative(result.cumulative),
            "identities": plain(result.identities),
            "unassigned": result.unassigned and _unassigned(result.unassigned),
        },
        "remaining": plain(result.remaining),
        "worth": result.worth and worth_document(result.worth),
        "warnings": list(result.warnings),
        "sources": dict(result.sources),
        "versions": dict(result.versions),
        "queries": dict(result.queries),
    }


def _plan(plan: "AnalysisPlan") -> dict[str, object]:
    return {name: plain(getattr(plan, name)) for name in fields_of_a_plan()}


def _entries(found: object) -> dict[str, object]:
    return found if isinstance(found, dict) else {}


def _command(result: "Outcome") -> str | None:
    found = command(result)
    return None if found is None else found.line


def _cumulative(cumulative: "CumulativeUnits") -> dict[str, object]:
    return {
        "ends": plain(cumulative.ends),
        "units": plain(cumulative.units),
        "complete": cumulative.complete,
        "diagnosis": list(cumulative.diagnosis),
    }


def _unassigned(found: "Unassigned") -> dict[str, object]:
    return {
        "assigned": dict(found.assigned),
        "exposed": dict(found.exposed),
        "without": {day.isoformat(): units for day, units in found.without.items()},
    }
