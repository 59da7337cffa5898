"""Units made up for tests, summed up as the queries do."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from abkit.analysis.declared.design import Design
from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.estimands import Estimand
from abkit.experiments.declaring.metrics import Metric


def sums(*measures: NDArray[np.float64] | Sequence[float], shift: float = 0.0) -> Sums:
    """Of measures, each with one value per unit."""
    table = np.stack([np.asarray(values, float) for values in measures]) - shift
    products = table @ table.T
    size = len(table)
    return Sums(
        table.shape[1],
        (shift,) * size,
        tuple(table.sum(axis=1).tolist()),
        MappingProxyType(
            {(i, j): float(products[i, j]) for i in range(size) for j in range(i, size)}
        ),
    )


def conversions(n: int, converted: int) -> Sums:
    """Of one binary measure."""
    return Sums(n, (0.0,), (float(converted),), MappingProxyType({(0, 0): float(converted)}))


def spread(n: int, mean: float, variance: float) -> Sums:
    """Of one measure of such moments."""
    total = n * mean
    squares = variance * (n - 1) + total * total / n if n else 0.0
    return Sums(n, (0.0,), (total,), MappingProxyType({(0, 0): squares}))


def alone(metric: Metric, *, place: int = 0) -> Estimand:
    """A metric of one value per unit."""
    return Estimand(metric=metric, places=MappingProxyType({metric: place}))


def design(*metrics: Metric, variants: Sequence[str] = ("0", "1")) -> Design:
    """Of equal shares, the first variant being the control."""
    weights: Mapping[str, float] = MappingProxyType(dict.fromkeys(variants, 1.0))
    return Design(name="Test", control=variants[0], weights=weights, metrics=metrics)
