"""The check of the time before the exposure, as JSON-ready values."""

from typing import TYPE_CHECKING

from abkit.analysis.presentation.export.plain import finite, plain

if TYPE_CHECKING:
    from abkit.analysis.findings.before import BeforeExposure


def before_document(found: "BeforeExposure") -> dict[str, object]:
    """One metric of one variant beside the control, before the exposure."""
    comparison = found.comparison
    return {
        "metric": found.metric.name,
        "variant": found.variant,
        "state": found.state.value,
        "control_mean": comparison and finite(comparison.control.mean),
        "mean": comparison and finite(comparison.treatment.mean),
        "difference": comparison and finite(comparison.difference),
        "interval": comparison and plain(comparison.interval),
        "p_value": plain(found.p_value),
        "missing": list(found.missing),
    }
