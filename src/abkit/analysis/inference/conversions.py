"""Whether those who converted are split as the units are: exact, of any number of conversions."""

from math import exp

from abkit.analysis.inference.srm import log_bayes_factor
from abkit.errors import AnalysisError

CONCENTRATIONS = (2.0, 10.0, 100.0, 1_000.0)
"""How near the share of the conversions is to that of the units, if they differ: 2 is any share at all."""


def split_of_conversions(
    control: int, treatment: int, *, control_units: int, treatment_units: int
) -> float:
    """The p-value of one rate in both arms, at any one of any number of looks.

    If the rates are one, a unit that converted is in the treatment with the treatment's share of the
    units, whatever the rate is. So the conversions are counts with known shares: Lindon and Malek (2022,
    "Anytime-valid inference for multinomial count data", NeurIPS), with mixtures of several
    concentrations as for the sample ratio. It needs no normal approximation, and so no least number of
    conversions; of conversions that are not rare it sees less than a test of the rates does.

    Args:
        control: The conversions of the control.
        treatment: The conversions of the variant.
        control_units: The units of the control, above 0.
        treatment_units: The units of the variant, above 0.

    Raises:
        AnalysisError: There are more conversions than units, or there is an arm without any unit.
    """
    for converted, units in ((control, control_units), (treatment, treatment_units)):
        if not 0 <= converted <= units or units == 0:
            message = (
                f"Each arm needs units, and no more conversions than these, "
                f"not {converted} conversions of {units} units"
            )
            raise AnalysisError(message)
    evidence = log_bayes_factor(
        [control, treatment], [control_units, treatment_units], concentrations=CONCENTRATIONS
    )
    return exp(-max(0.0, evidence))
