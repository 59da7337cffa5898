"""The size of a group sequential test: the largest, and that which it takes on average."""

from collections.abc import Sequence
from math import ceil, fsum

from attrs import frozen
from scipy.special import ndtri

from abkit.analysis.inference.continuing import stopping
from abkit.analysis.inference.decision import check_alpha
from abkit.analysis.inference.group_sequential import Spending, boundaries, obrien_fleming
from abkit.analysis.inference.power.effect import Effect, check_power
from abkit.analysis.inference.power.needed import Look, Needed
from abkit.analysis.inference.power.searching import drift_with


@frozen(kw_only=True)
class Characteristics:
    """What a test that stops at bounds is like, whatever its metric.

    Attributes:
        drift: The mean of z at the last look with which the test has its power.
        power: The probability to have found the effect by each look.
        mean: The mean share of the largest size that it takes if the effect is there.
        mean_without_effect: The same where there is no difference.
    """

    drift: float
    power: tuple[float, ...]
    mean: float
    mean_without_effect: float

    def inflation(self, *, alpha: float, power: float, one_sided: bool = False) -> float:
        """The largest size, in those of a test of one look with the same level and power."""
        quantile = float(ndtri(1 - (alpha if one_sided else alpha / 2)) + ndtri(power))
        return (self.drift / quantile) ** 2


def characteristics(
    information: Sequence[float],
    bounds: Sequence[float],
    *,
    power: float = 0.8,
    one_sided: bool = False,
) -> Characteristics:
    """What a test is like that stops where |z| reaches its bound.

    Exactly, by the recursion of Armitage, McPherson and Rowe (1969, J. R. Stat. Soc. A 132(2)).

    Args:
        information: The share of the largest size at each look; rising, the last one is 1.
        bounds: The |z| at which to stop at each look.
        power: The probability to stop above the bounds if the effect is there.
        one_sided: Whether only a z above its bound stops.
    """
    looks = list(zip(information, bounds, strict=True))

    def above(drift: float) -> tuple[float, ...]:
        return _summed([at.above for at in stopping(looks, drift=drift, one_sided=one_sided)])

    drift = drift_with(power, lambda drift: above(drift)[-1], precision=1e-9)
    return Characteristics(
        drift=drift,
        power=above(drift),
        mean=_mean(looks, drift=drift, one_sided=one_sided),
        mean_without_effect=_mean(looks, drift=0.0, one_sided=one_sided),
    )


def group_sequential_size(
    effect: Effect,
    *,
    looks: Sequence[float],
    alpha: float = 0.05,
    power: float = 0.8,
    spending: Spending = obrien_fleming,
) -> Needed:
    """The units that a two-sided group sequential test needs.

    Args:
        effect: What is to be found.
        looks: The share of the largest size at each look; rising, the last one is 1.
        alpha: The accepted probability of a false alarm over all looks.
        power: The probability to find the effect if it is there.
        spending: When it spends its alpha.

    Raises:
        AnalysisError: `alpha`, `power` or `looks` cannot be used, or no number of units finds the
            effect.
    """
    check_alpha(alpha)
    check_power(power, alpha)
    bounds = boundaries(looks, alpha=alpha, spending=spending)
    found = characteristics(looks, [effect.caution * bound for bound in bounds], power=power)
    largest = found.drift**2 * effect.units_of_one
    return Needed(
        units=ceil(largest),
        mean=found.mean * largest,
        mean_without_effect=found.mean_without_effect * largest,
        looks=tuple(
            Look(units=share * largest, bound=bound, power=reached)
            for share, bound, reached in zip(looks, bounds, found.power, strict=True)
        ),
    )


def _mean(looks: Sequence[tuple[float, float]], *, drift: float, one_sided: bool) -> float:
    """The mean share of the largest size at which a test stops."""
    ends = [at.above + at.below for at in stopping(looks, drift=drift, one_sided=one_sided)]
    shares = [share for share, _ in looks]
    early = fsum(p * share for p, share in zip(ends[:-1], shares, strict=False))
    return early + (1 - fsum(ends[:-1])) * shares[-1]


def _summed(probabilities: Sequence[float]) -> tuple[float, ...]:
    return tuple(fsum(probabilities[: at + 1]) for at in range(len(probabilities)))
