"""What deciding knows of the variants that units keep: who keeps them is `abkit.exposure.sticky`."""

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeAlias

from abkit.events import Variant
from abkit.experiments.declaring.declaration import Declaration

Recall: TypeAlias = Callable[[str], Variant | None]
"""From a unit's id to the variant that it keeps, None if it keeps none; it raises nothing."""


class Recalled(NamedTuple):
    """What is known of one unit, for who asks why.

    Attributes:
        variant: The variant that it keeps; None if it keeps none.
        found: What was found, in words.
    """

    variant: Variant | None
    found: str


class Kept(Protocol):
    """The variants that the units of one experiment keep, as it is in force."""

    @property
    def recall(self) -> Recall:
        """As `Recall`: asked at each request."""
        ...

    def consult(self, unit_id: str, /) -> Recalled:
        """As `recall`, with what was found."""
        ...

    def keep(self, unit_id: str, variant: Variant, /) -> None:
        """Keep a variant that the unit was exposed to; it raises nothing, and waits for nobody."""


class StickyVariantSource(Protocol):
    """Knows the variants that the units of sticky experiments keep."""

    def of(self, declaration: Declaration, /) -> Kept:
        """Those of an experiment, as it is in force."""
        ...
