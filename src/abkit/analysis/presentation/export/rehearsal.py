"""A rehearsal, as one JSON-ready document."""

from abkit.analysis.presentation import rehearsal as words
from abkit.analysis.presentation.export.plain import plain
from abkit.analysis.rehearsal.outcome import Frequency, Rehearsal, RehearsedMetric

FORMAT = 1
"""Rises when a key changes its meaning or goes; new keys do not raise it."""


def to_dict(found: Rehearsal) -> dict[str, object]:
    """All that was found."""
    before = found.before
    return {
        "format": FORMAT,
        "experiment": found.design.name,
        "method": found.plan.method.value,
        "confidence": found.plan.confidence,
        "units": found.units,
        "first_day": found.first.isoformat(),
        "last_day": found.last.isoformat(),
        "splits": found.splits,
        "power": found.power,
        "metrics": [_metric(of) for of in found.metrics],
        "before": None
        if before is None
        else {
            "days": before.days,
            "differing": _frequency(before.differing),
            "accepted": before.allowed,
            "salts": [
                {"salt": salt, "differs_in": list(names)} for salt, names in before.salts.items()
            ],
        },
        "plan": words.plan_code(found.suggestion.plan),
        "winsorize": list(found.suggestion.limits),
        "warnings": list(words.warnings(found)),
        "notes": list(found.notes),
    }


def _metric(of: RehearsedMetric) -> dict[str, object]:
    return {
        "metric": of.metric.name,
        "mean": of.mean,
        "accepted": of.allowed,
        "false_alarms_at_end": _frequency(of.at_end),
        "false_alarms_at_any_look": None if of.at_any_look is None else _frequency(of.at_any_look),
        "detectable": plain(of.detectable),
        "error_ratio": plain(of.error_ratio),
        "top_share": plain(of.top_share),
        "gain_of_winsorizing": plain(of.gains.winsorizing),
        "gain_of_cuped": plain(of.gains.cuped),
        "missing": list(of.missing),
    }


def _frequency(of: Frequency) -> dict[str, object]:
    return {"count": of.count, "of": of.of, "share": of.share, "interval": list(of.interval)}
