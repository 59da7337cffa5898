"""Finding the drift with which a test has a power."""

from collections.abc import Callable

from scipy.special import ndtri

from abkit.errors import AnalysisError

_LEAST = 1e-9
"""A power nearer to 0 or 1 than this is taken for this, whose normal quantile is finite."""

_FURTHEST = 1e4
"""The drift of a fixed test with a hundred million times the units that it needs."""

_TRIES = 200


def drift_with(power: float, power_at: Callable[[float], float], *, precision: float) -> float:
    """The drift, the mean of z at the last look, at which a test has a power.

    For a test of one look the normal quantile of the power rises by as much as the drift does, for others
    by a little less: so each step is as long as what is lacking.

    Args:
        power: What is wanted.
        power_at: The power at a drift.
        precision: Of the drift.

    Raises:
        AnalysisError: No drift has this power.
    """
    wanted = drift = float(ndtri(power)) + 2
    for _ in range(_TRIES):
        reached = min(max(power_at(drift), _LEAST), 1 - _LEAST)
        lacking = wanted - 2 - float(ndtri(reached))
        drift = max(drift + lacking, drift / 2)
        if abs(lacking) < precision:
            return drift
        if drift > _FURTHEST:
            break
    raise AnalysisError("No number of units has this power: what the test looks for is far away")
