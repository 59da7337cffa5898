"""Corrections for several comparisons: adjusted p-values, to compare with the level itself."""

from collections.abc import Callable, Sequence
from math import nextafter

import numpy as np
from numpy.typing import NDArray

from abkit.errors import AnalysisError

_TINY = 1e-290
"""In the place of a p-value that is too small for a float, so that ratios can be made of it."""


def bonferroni(p_values: Sequence[float]) -> tuple[float, ...]:
    """Each p-value times their number (Bonferroni 1936; Dunn 1961); holds under any dependence.

    The same verdicts, and intervals to match, come from testing each comparison at alpha divided
    by their number.

    Raises:
        AnalysisError: A p-value is not between 0 and 1.
    """
    return _clipped(len(p_values) * _checked(p_values))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's (1979, Scand. J. Statist. 6(2)) step-down procedure: never weaker than Bonferroni's.

    The probability of any false alarm among all comparisons stays at alpha, under any dependence.

    Raises:
        AnalysisError: A p-value is not between 0 and 1.
    """
    ordered, order = _ordered(p_values)
    remaining = len(ordered) - np.arange(len(ordered))
    return _restored(np.maximum.accumulate(remaining * ordered), order)


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """Benjamini and Hochberg's (1995, J. R. Stat. Soc. B 57(1)) step-up procedure.

    The expected share of false alarms among the alarms stays at alpha, if the comparisons are
    independent or depend positively.

    Raises:
        AnalysisError: A p-value is not between 0 and 1.
    """
    ordered, order = _ordered(p_values)
    ranks = np.arange(1, len(ordered) + 1)
    from_largest = np.minimum.accumulate((len(ordered) / ranks * ordered)[::-1])
    return _restored(from_largest[::-1], order)


def effective_alphas(
    p_values: Sequence[float],
    correct: Callable[[Sequence[float]], Sequence[float]],
    *,
    level: float,
) -> tuple[float, ...]:
    """The level of each comparison alone, at which its verdict is that of the correction.

    It is level * p / adjusted p, the adjusted p not clipped at 1: where a step-wise correction
    multiplies a p-value by 3, the comparison is made at a third of the level. An interval made at it
    excludes 0 exactly when the corrected test rejects. (Such intervals are not simultaneous ones:
    these procedures have none.)

    Args:
        p_values: Of all comparisons that are read together.
        correct: `bonferroni`, `holm` or `benjamini_hochberg`.
        level: The level of all of them together, above 0 and at most 0.5.

    Raises:
        AnalysisError: A p-value is not between 0 and 1.
    """
    found: list[float] = []
    # Small enough, no factor lifts a p-value above 1, so nothing is clipped; and none is 0.
    values = np.maximum(_checked(p_values), _TINY)
    scale = 1 / (2 * len(values)) if len(values) else 1.0
    unclipped = [each / scale for each in correct((values * scale).tolist())]
    rejected = [adjusted <= level for adjusted in correct(p_values)]
    for p_value, floored, adjusted, reject in zip(
        p_values, values.tolist(), unclipped, rejected, strict=True
    ):
        alpha = level * (floored / adjusted)
        # Rounding must not turn a verdict where p is all but the level.
        found.append(max(alpha, p_value) if reject else min(alpha, nextafter(p_value, 0.0)))
    return tuple(found)


def _checked(p_values: Sequence[float]) -> NDArray[np.float64]:
    values = np.asarray(p_values, float)
    if not bool(((values >= 0) & (values <= 1)).all()):
        message = f"p-values must be between 0 and 1, not {list(p_values)}"
        raise AnalysisError(message)
    return values


def _ordered(p_values: Sequence[float]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    values = _checked(p_values)
    order = np.argsort(values, kind="stable")
    return values[order], order


def _restored(adjusted: NDArray[np.float64], order: NDArray[np.intp]) -> tuple[float, ...]:
    result = np.empty_like(adjusted)
    result[order] = adjusted
    return _clipped(result)


def _clipped(adjusted: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(np.minimum(adjusted, 1.0).tolist())
