"""What a deduplication store must do: remember each unit's latest variant, per window of time."""

from typing import Any, NamedTuple, Protocol, TypeAlias

from abkit.events import Exposure, Variant

Randomization: TypeAlias = tuple[str, str, str]
"""Experiment, salt, unit type: what all exposures of an experiment share."""

Key: TypeAlias = tuple[str, str, str, str]
"""Experiment, salt, unit type, unit id."""

DAY = 86_400.0
"""Seconds of a UTC day."""


class Reservation(NamedTuple):
    """The right to log one exposure. It is given back if the exposure cannot be queued.

    Attributes:
        window: The index of the window, counted from the epoch; a whole number.
        ordinal: How many times the unit had changed its variant before, within the window.
        token: What the store needs to undo the reservation.
    """

    window: float
    ordinal: int
    token: Any


class DedupStore(Protocol):
    """Remembers which exposures were logged. Called by many threads at once."""

    def reserve(self, exposure: Exposure, /) -> Reservation | None:
        """Check and set atomically.

        Returns:
            None if the exposure is a duplicate: the unit's latest variant in this window is the same.
        """
        ...

    def give_back(self, reservation: Reservation, /) -> None:
        """Forget an exposure that could not be queued, unless the unit has been exposed again since."""
        ...

    def has_seen(self, key: Key, variant: Variant, /) -> bool:
        """Whether `reserve` would return None now. It may return False although `reserve` would."""
        ...
