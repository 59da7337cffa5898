"""Finding the drift with which a test has a power."""

from collections.abc import Callable
from math import inf

from scipy.special import ndtri

from abkit.errors import AnalysisError

_LEAST = 1e-9
"""A power nearer to 0 or 1 than this is taken for this, whose normal quantile is finite."""

_FURTHEST = 1e4
"""The drift of a fixed test with a hundred million times the units that it needs."""


def drift_with(power: float, power_at: Callable[[float], float], *, precision: float) -> float:
    """The drift, the mean of z at the last look, at which a test has a power.

    For a test of one look the normal quantile of the power rises by as much as the drift does, for others
    by a little less: so each step is as long as what is lacking, unless that leads out of what is known.

    Args:
        power: What is wanted.
        power_at: The power at a drift, which rises with it; it may jump.
        precision: Of the drift.

    Returns:
        A drift that is at most by the precision away from where the power is reached.

    Raises:
        AnalysisError: No drift has this power.
    """
    wanted = float(ndtri(power))
    low, high, drift = 0.0, inf, wanted + 2
    while drift < _FURTHEST:
        reached = min(max(power_at(drift), _LEAST), 1 - _LEAST)
        lacking = wanted - float(ndtri(reached))
        low, high = (drift, high) if lacking > 0 else (low, drift)
        if abs(lacking) < precision or high - low < precision:
            return drift if lacking <= precision else high
        drift += lacking
        if not low < drift < high:
            drift = 2 * low if high == inf else (low + high) / 2
    raise AnalysisError("No number of units has this power: what the test looks for is far away")
