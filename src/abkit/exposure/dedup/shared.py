"""Deduplication across processes: the protocol of a store that they share."""

from collections.abc import Sequence
from enum import Enum
from typing import Protocol


class Claim(Enum):
    """The answer of a shared store about an exposure."""

    MINE = "mine"
    """The calling process should send it."""

    SENT = "sent"
    """Another process has sent it."""

    CONTESTED = "contested"
    """Another process has claimed it, and has not sent it yet."""


class SharedDedup(Protocol):
    """Remembers which exposures were sent by any process. Only the worker thread calls it.

    An exposure is identified by its insert id, which follows from the unit, the variant, the window and the
    number of changes before it. If a method raises, the error is logged, and the exposures are sent.
    """

    def claim(self, insert_ids: Sequence[str], /) -> Sequence[Claim]:
        """Claim the right to send exposures; check and set atomically.

        A claim expires, so that nothing is lost if the process dies before it sends. Claiming again from the
        same process extends the claim.

        Returns:
            An answer for each insert id, in the same order.
        """
        ...

    def settle(self, *, sent: Sequence[str], given_back: Sequence[str]) -> None:
        """Make the claims of sent exposures permanent, and release those of the others."""
        ...
