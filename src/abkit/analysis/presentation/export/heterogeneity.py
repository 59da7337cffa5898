"""Who reacts differently, as JSON-ready values."""

from abkit.analysis.findings.heterogeneity import Heterogeneity
from abkit.analysis.presentation.export.plain import plain


def heterogeneity(found: Heterogeneity) -> dict[str, object]:
    """Whether a variant has the same effect in all values of a property."""
    return {
        "metric": found.metric.name,
        "property": found.property,
        "variant": found.variant,
        "method": found.method,
        "p_value": plain(found.p_value),
        "corrected_p": plain(found.corrected_p),
        "differs": found.differs,
        "different": [plain(of) for of in found.different],
        "parts": [plain(of) for of in found.parts],
        "waiting": list(found.waiting),
        "left_out": found.left_out,
    }
