"""Tests that stop at bounds, by the recursion of Armitage, McPherson and Rowe: what has not stopped yet."""

from collections.abc import Iterable, Iterator
from functools import cache
from math import inf, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

FURTHEST = 37.0
"""A bound further out, in standard errors, has a probability that is no float above 0: below 1e-299."""

_BEYOND = 9.0
"""Standard deviations around the drift, beyond which there is less than 1e-18 of the score."""


class Continuing:
    """The density of the score of the tests that have not stopped, on quadrature nodes.

    The score at an information t is normal with the mean `drift` * t and the variance t, as long as
    nothing stops. Armitage, McPherson and Rowe (1969, J. R. Stat. Soc. A 132(2)).
    """

    __slots__ = ("_drift", "_masses", "_nodes")
    _nodes: NDArray[np.float64]
    _masses: NDArray[np.float64]
    _drift: float

    def __init__(
        self, nodes: NDArray[np.float64], masses: NDArray[np.float64], drift: float
    ) -> None:
        self._nodes, self._masses, self._drift = nodes, masses, drift

    @classmethod
    def at_start(cls, *, drift: float = 0.0) -> "Continuing":
        """Before any information: the score is 0."""
        return cls(np.zeros(1), np.ones(1), drift)

    def above(self, step: float, reach: float) -> float:
        """The probability to be above `reach` after a further step of information."""
        distances = self._nodes + self._drift * step - reach
        return float(self._masses @ ndtr(distances / sqrt(step)))

    def below(self, step: float, floor: float) -> float:
        """The probability to be below `floor` after a further step of information."""
        distances = floor - self._nodes - self._drift * step
        return float(self._masses @ ndtr(distances / sqrt(step)))

    def bound(self, step: float, share: float, spend: float) -> float:
        """The bound on |z| whose crossing has the probability `spend`, by bisection."""
        low, high = 0.0, FURTHEST
        if spend <= self.above(step, sqrt(share) * high):
            return inf
        for _ in range(60):
            middle = (low + high) / 2
            if self.above(step, sqrt(share) * middle) > spend:
                low = middle
            else:
                high = middle
        return (low + high) / 2

    def after(self, step: float, floor: float, reach: float) -> "Continuing":
        """What has not stopped after a further step: the scores between `floor` and `reach`."""
        half = (reach - floor) / 2
        points, weights = _quadrature()
        nodes = floor + half * (1 + points)
        moved = self._nodes + self._drift * step
        distances = (nodes[:, None] - moved[None, :]) / sqrt(step)
        density = np.exp(-distances * distances / 2) @ self._masses / sqrt(2 * np.pi * step)
        return Continuing(nodes, half * weights * density, self._drift)


class Stopping(NamedTuple):
    """The probability to stop at one look.

    Attributes:
        above: With z at or above the bound.
        below: With z at or below minus the bound; 0 for a one-sided test.
    """

    above: float
    below: float


def stopping(
    looks: Iterable[tuple[float, float]], *, drift: float, one_sided: bool = False
) -> Iterator[Stopping]:
    """The probability to stop at each look, made as it is asked for; so there may be endlessly many.

    Args:
        looks: The information of each look, rising, and the |z| at which to stop there; infinite
            where nothing stops.
        drift: The mean of z at an information of 1; z at t has the mean `drift` * sqrt(t).
        one_sided: Whether only a z above its bound stops.
    """
    continuing, before, rest = Continuing.at_start(drift=drift), 0.0, iter(looks)
    for information, bound in rest:
        step, root = information - before, sqrt(information)
        reach = root * min(bound, FURTHEST)
        below = 0.0 if one_sided else continuing.below(step, -reach)
        yield Stopping(continuing.above(step, reach), below)
        # Where next to nothing can be, there is no need for nodes; those that are left lie closer.
        low, high = drift * information - _BEYOND * root, drift * information + _BEYOND * root
        floor = low if one_sided else max(low, -reach)
        if not floor < min(reach, high):
            break
        continuing, before = continuing.after(step, floor, min(reach, high)), information
    for _ in rest:
        yield Stopping(0.0, 0.0)


@cache
def _quadrature() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The points and the weights of Gauss and Legendre: found when they are needed, not at each import."""
    points, weights = np.polynomial.legendre.leggauss(256)
    return points, weights
