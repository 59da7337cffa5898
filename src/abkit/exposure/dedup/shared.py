"""Deduplication across processes: the protocol of a store that they share."""

from collections.abc import Sequence
from enum import Enum
from typing import Protocol


class Claim(Enum):
    """What a shared store says about an exposure."""

    MINE = "mine"
    """To be sent by the process that asks."""

    SENT = "sent"
    """Another process has sent it."""

    CONTESTED = "contested"
    """Another process is about to send it, and may fail."""


class SharedDedup(Protocol):
    """Remembers, for several processes, which exposures were sent. Only the delivery's thread calls it.

    An exposure is known by its insert id, which says all that counts: the unit, the variant, the window
    and the number of changes before it. What a method raises is reported, and the process does without.
    """

    def claim(self, insert_ids: Sequence[str], /) -> Sequence[Claim]:
        """Ask for the right to send exposures; check and set in one step.

        A claim ends by itself, so that a process that dies between claiming and sending loses nothing. What
        is claimed by the same process again is prolonged.

        Returns:
            An answer for each.
        """
        ...

    def settle(self, *, sent: Sequence[str], given_back: Sequence[str]) -> None:
        """Make the claims to what was sent permanent, and give up those to what was not."""
        ...
