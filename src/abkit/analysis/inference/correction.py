"""Corrections for several comparisons: adjusted p-values, to compare with the level itself."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from abkit.errors import AnalysisError


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
