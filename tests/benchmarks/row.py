"""One line of the first table."""

from collections.abc import Mapping
from types import MappingProxyType

from attrs import frozen

from .ratio import Figure
from .targets import Target


@frozen(kw_only=True)
class Row:
    """What abkit takes, what it may take, and what the others take.

    Attributes:
        what: What was measured.
        by_id: abkit's figure; the target is for its median.
        by_object: The same with objects that have an `id`; None: no unit is passed.
        target: The most that it should be; None: told for information.
        peers: The others' figures by the name of their package.
        note: Stands where the peers would.
        unit: Of all figures; "xF" is one bare PlanOut hash.
    """

    what: str
    by_id: Figure
    by_object: Figure | None = None
    target: float | None = None
    peers: Mapping[str, Figure] = MappingProxyType({})
    note: str = ""
    unit: str = "xF"

    @property
    def aim(self) -> Target | None:
        if self.target is None:
            return None
        return Target(what=self.what, value=self.by_id.median, most=self.target, unit=self.unit)
