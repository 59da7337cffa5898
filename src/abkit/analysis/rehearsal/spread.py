"""Which units a metric's variance is made of, and what would make it smaller. Pure."""

from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from abkit.analysis.findings.baseline import Baseline
from abkit.analysis.rehearsal.history import History
from abkit.analysis.rehearsal.outcome import Gains
from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.estimands import Estimand
from abkit.errors import AnalysisError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Measured

TOP = 0.001
"""The share of the units that are called few."""

PERCENTILE = 99
"""The percentile at which winsorizing is tried."""


def top_share(history: History, estimand: Estimand, overall: Sums) -> float | None:
    """The share of the variance that the few units have that are furthest from the mean.

    Of a ratio or a formula, each unit's part in it is that of the first-order expansion.

    Returns:
        None of a metric that is 0 or 1, of which no unit is far away, and where nothing varies.
    """
    if estimand.metric.binary:
        return None
    slopes = estimand.slopes(overall)
    away = sum(
        (
            slope * (history.values[:, place] - overall.mean(place))
            for place, slope in slopes.items()
        ),
        start=np.zeros(history.units),
    )
    squares = away * away
    total = float(squares.sum())
    few = ceil(TOP * history.units)
    return float(np.partition(squares, -few)[-few:].sum()) / total if total > 0 else None


def gains(history: History, estimand: Estimand, overall: Sums, *, plan: AnalysisPlan) -> Gains:
    """What winsorizing and CUPED would gain.

    Args:
        history: The units.
        estimand: The metric, with what it was before.
        overall: The sums of all units.
        plan: With the CUPED that is tried.
    """
    try:
        left = Baseline.of_sums(overall, estimand, plan=plan)
    except AnalysisError:
        return Gains(winsorizing=None, cuped=None)
    known = estimand.present is not None and overall.mean(estimand.present) > 0
    return Gains(
        winsorizing=_of_winsorizing(history, estimand),
        cuped=1 - sqrt(max(0.0, 1 - left.reduction)) if known else None,
    )


def _of_winsorizing(history: History, estimand: Estimand) -> float | None:
    """By how much the coefficient of variation falls; below 0 if it rises."""
    metric = estimand.metric
    if not isinstance(metric, Measured) or metric.log or metric.winsorize is not None:
        return None
    (place,) = estimand.places.values()
    values = history.values[:, place]
    at = ceil(PERCENTILE / 100 * len(values)) - 1
    limited = np.minimum(values, np.partition(values, at)[at])
    plain, left = _relative_spread(values), _relative_spread(limited)
    return None if plain is None or left is None else 1 - left / plain


def _relative_spread(values: NDArray[np.float64]) -> float | None:
    mean, deviation = float(values.mean()), float(values.std())
    return deviation / mean if mean > 0 and deviation > 0 else None
