"""The differences that the sequential test looks for, as they are declared."""

from collections.abc import Mapping
from math import fsum, inf, isclose
from typing import TypeAlias

from abkit.errors import AnalysisError

Tau: TypeAlias = float | Mapping[float, float]
"""The size of the difference that is looked for; or several sizes, each with its weight."""


def checked_tau(tau: Tau, *, name: str = "tau") -> Mapping[float, float]:
    """The sizes that are looked for, with their weights.

    Args:
        tau: One size, or several with their weights.
        name: How errors call it.

    Raises:
        AnalysisError: A size is not above 0 and finite, or the weights do not add up to 1.
    """
    mixture = tau if isinstance(tau, Mapping) else {tau: 1.0} if _is_number(tau) else {}
    sizes = all(_is_number(size) and 0 < size < inf for size in mixture)
    weights = all(_is_number(weight) and weight > 0 for weight in mixture.values())
    if sizes and weights and isclose(fsum(mixture.values()), 1, abs_tol=1e-9):
        return mixture
    message = (
        f"{name} must be a difference above 0 in the metric's unit, such as 0.004, or several with "
        f"weights that add up to 1, such as {{0.004: 0.6, 0.02: 0.4}}, not {tau!r}"
    )
    raise AnalysisError(message)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
