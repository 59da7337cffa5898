"""Whether anybody is left to compare, once units that saw several variants are left out."""

from collections.abc import Mapping

from abkit.analysis.aggregation.exposures import ExposedUnits
from abkit.analysis.statistics.aggregates import Sums
from abkit.errors import TooFewVariantsError
from abkit.experiments.declaring.analysis_words import Several


def check_somebody_is_left(
    control: str, sums: Mapping[str, Sums], *, exposed: ExposedUnits, several: Several
) -> None:
    """Refuse to compare where only units that saw several variants had the control, or another variant.

    Args:
        control: The variant that the others are compared with.
        sums: By variant, those of the units that are analyzed.
        exposed: All units.
        several: What becomes of units exposed to several variants.

    Raises:
        TooFewVariantsError: Without these units, there is no control, or nothing to compare it with.
    """
    found = sorted(variant for variant, of in sums.items() if of.n)
    if several is not Several.EXCLUDE or not exposed.in_several:
        return
    if control in exposed.exposed and (control not in found or len(found) < 2):
        raise TooFewVariantsError(control, found, left_out=exposed.in_several)
