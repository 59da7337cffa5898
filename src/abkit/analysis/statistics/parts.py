"""The sums of the units that have one value of a property. Pure."""

from collections.abc import Mapping

from attrs import frozen

from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.standardizing import Strata


@frozen(kw_only=True)
class Part:
    """The sums of a part of the units.

    Attributes:
        property: The property that tells the units apart.
        value: Its value; None for units without one.
        sums: By variant.
        strata: The same per phase; empty if there is one.
    """

    property: str
    value: str | None
    sums: Mapping[str, Sums]
    strata: Strata = ()
