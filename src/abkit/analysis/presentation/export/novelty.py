"""The effect by days since exposure, as JSON-ready values."""

from abkit.analysis.findings.novelty import EffectByDay, Novelty
from abkit.analysis.presentation.export.findings import comparison_found
from abkit.analysis.presentation.export.plain import plain


def novelty_found(found: Novelty) -> dict[str, object]:
    """One metric by days since exposure; the first of `days` is the day 0 of each unit."""
    return {
        "metric": found.metric.name,
        "length": found.length,
        "treatments": [_effect(effect) for effect in found.treatments],
    }


def _effect(effect: EffectByDay) -> dict[str, object]:
    return {
        "variant": effect.variant,
        "trend": effect.trend and effect.trend.value,
        "corrected_p": plain(effect.corrected_p),
        "missing": list(effect.missing),
        "early": effect.early and comparison_found(effect.early),
        "late": effect.late and comparison_found(effect.late),
        "share": effect.share and comparison_found(effect.share),
        "days": [each and comparison_found(each) for each in effect.days],
    }
