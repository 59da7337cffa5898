"""Conversions that got lost, told before there are enough of them to compare: pure.

A variant whose button does nothing has no conversion, and so never passes the gate of 25. That the control
has so many more is seen by the exact test of how the conversions are split.
"""

from collections.abc import Iterator, Sequence

from abkit.analysis.amounts import amount
from abkit.analysis.findings.metric_result import MINIMUM_CONTRIBUTORS, Arm
from abkit.extras import extra

ALPHA = 0.01
"""The accepted probability of telling it where nothing got lost: as for the sample ratio, one of a hundred
over all looks."""


def lost_conversions(arms: Sequence[Arm]) -> float | None:
    """The p-value of one rate in both arms, valid at every look; None where it is not known.

    That is so of metrics that are not binary, and of units that were drawn with different weights, unless
    those of one phase only are compared.

    Args:
        arms: The control and a variant.

    Raises:
        MissingExtraError: scipy is not installed.
    """
    control, treatment = arms
    if control.conversions is None or treatment.conversions is None:
        return None
    if not all(arm.is_rate and arm.moments.n and not arm.problem for arm in arms):
        return None
    with extra("analysis"):
        from abkit.analysis.inference.conversions import split_of_conversions
    return split_of_conversions(
        control.conversions,
        treatment.conversions,
        control_units=control.moments.n,
        treatment_units=treatment.moments.n,
    )


def told(arms: Sequence[Arm]) -> Iterator[str]:
    """What an arm needs besides more units, if its conversions got lost: a look at the cause.

    Args:
        arms: The control and a variant that cannot be compared yet.

    Raises:
        MissingExtraError: As `lost_conversions`.
    """
    p_value = lost_conversions(arms)
    if p_value is None or p_value > ALPHA:
        return
    few, many = sorted(arms, key=_rate)
    if (few.conversions or 0) >= MINIMUM_CONTRIBUTORS:
        return
    whose = "the control's rate" if many is arms[0] else f"the rate of variant {many.variant}"
    expected = round(_rate(many) * few.moments.n)
    shown = f"p = {p_value:.1g}" if p_value >= 0.0001 else "p < 0.0001"
    yield (
        f"a look at why variant {few.variant} has {amount(few.conversions or 0, 'conversion')} "
        f"where {whose} makes {expected:,} ({shown})"
    )


def _rate(arm: Arm) -> float:
    return (arm.conversions or 0) / arm.moments.n
