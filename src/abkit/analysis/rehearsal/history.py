"""What units did while nothing was tested, one row per unit."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from abkit.analysis.query.layout import Layout


@frozen(kw_only=True, eq=False)
class History:
    """What the units of some weeks did.

    Attributes:
        layout: Which measures there are; with CUPED, so that the time before is among them.
        hashes: Of each unit, the first 60 bits of the SHA-1 that assigns it.
        others: By another salt, the same.
        days: Of each unit, the number of the UTC day since 1970 of its first action; rising.
        values: Of each unit, each measure of the layout, within its limits: units by measures.
        before: The days before its first action that a unit's past is made of.
        actions: The names of all actions of units, the most frequent first.
    """

    layout: Layout
    hashes: NDArray[np.uint64]
    days: NDArray[np.int64]
    values: NDArray[np.float64]
    before: float
    actions: tuple[str, ...] = ()
    others: Mapping[str, NDArray[np.uint64]] = field(factory=lambda: MappingProxyType({}))

    def under(self, salt: str) -> "History":
        """The same units, with the hashes of another salt."""
        return evolve(self, hashes=self.others[salt])

    @property
    def units(self) -> int:
        """How many units there are."""
        return len(self.hashes)

    @property
    def looks(self) -> tuple[tuple[int, int], ...]:
        """Of each day on which a unit came: its number since 1970, and where the units of the next begin."""
        days, first = np.unique(self.days, return_index=True)
        ends = [*first[1:].tolist(), self.units]
        return tuple(zip(days.tolist(), ends, strict=True))
