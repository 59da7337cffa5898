"""The size of a test of one look (Welch's), and what such a test finds."""

from math import ceil, sqrt

from scipy.special import ndtr, ndtri

from abkit.analysis.inference.decision import check_alpha
from abkit.analysis.inference.power.effect import Effect, check_power
from abkit.errors import AnalysisError


def sample_size(
    effect: Effect, *, alpha: float = 0.05, power: float = 0.8, one_sided: bool = False
) -> int:
    """The units of both arms together that a test of one look needs.

    (z_{1 - alpha/2} r + z_power)² (s_c² / f_c + s_t² / f_t) / d²; per arm of an even split that is the
    textbook's (z + z)² (s_c² + s_t²) / d². r is the effect's `caution`, 1 for an even split.

    Args:
        effect: What is to be found.
        alpha: The accepted probability of a false alarm.
        power: The probability to find the change if it is there, between alpha and 1.
        one_sided: Whether only the side of the effect is tested: z_{1 - alpha} then.

    Raises:
        AnalysisError: `alpha` or `power` cannot be used, or no number of units finds the change.
    """
    check_alpha(alpha)
    check_power(power, alpha)
    quantiles = _bound(effect, alpha, one_sided=one_sided) + float(ndtri(power))
    return ceil(max(0.0, quantiles) ** 2 * effect.units_of_one)


def power_of(effect: Effect, *, units: int, alpha: float = 0.05, one_sided: bool = False) -> float:
    """The probability that a test of one look finds the change; if two-sided, on either side of 0.

    Args:
        effect: What is to be found.
        units: The units of both arms together, above 0.
        alpha: The accepted probability of a false alarm.
        one_sided: Whether only the side of the effect is tested.

    Raises:
        AnalysisError: `alpha` or `units` cannot be used.
    """
    check_alpha(alpha)
    _check_units(units)
    if effect.unit_variance == 0:
        return 1.0
    shift = abs(effect.difference) / sqrt(effect.unit_variance / units)
    bound = _bound(effect, alpha, one_sided=one_sided)
    below = 0.0 if one_sided else float(ndtr(-shift - bound))
    return float(ndtr(shift - bound)) + below


def detectable_difference(
    effect: Effect,
    *,
    units: int,
    alpha: float = 0.05,
    power: float = 0.8,
    one_sided: bool = False,
) -> float:
    """The smallest difference that so many units find with this power, the variances given.

    Args:
        effect: The variances and the split; its difference is not used.
        units: The units of both arms together, above 0.
        alpha: The accepted probability of a false alarm.
        power: The probability to find the change if it is there, between alpha and 1.
        one_sided: Whether only the side of the effect is tested.

    Raises:
        AnalysisError: `alpha`, `power` or `units` cannot be used.
    """
    check_alpha(alpha)
    check_power(power, alpha)
    _check_units(units)
    quantiles = _bound(effect, alpha, one_sided=one_sided) + float(ndtri(power))
    return quantiles * sqrt(effect.unit_variance / units)


def _bound(effect: Effect, alpha: float, *, one_sided: bool) -> float:
    """The |z| at which the test finds something, in true standard errors."""
    return effect.caution * -float(ndtri(alpha if one_sided else alpha / 2))


def _check_units(units: int) -> None:
    if units <= 0:
        message = f"units must be above 0, not {units!r}"
        raise AnalysisError(message)
