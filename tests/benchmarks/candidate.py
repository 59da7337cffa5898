"""What is measured: a loop that asks an SDK for the variant of each unit, as a request does."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from attrs import frozen

Loop: TypeAlias = Callable[[Sequence[str]], list[Any]]
"""From the ids of units to their variants; it builds the SDK's own user object for each."""

Count: TypeAlias = Callable[[], int]
"""Waits until all events so far are at the sink, and tells how many have come there since the start."""

CYCLE = 1_000
_FIRST_OF_CYCLE = 2_000_000_000


def cycle_of_ids() -> list[str]:
    """The ids of the units that come again and again, as new objects."""
    return [str(_FIRST_OF_CYCLE + number) for number in range(CYCLE)]


@frozen
class Candidate:
    """One loop of one SDK.

    Attributes:
        loop: What is timed.
        received: Counts what its sink received; None: nothing is exposed.
        seen_before: The same thousand units come again and again; otherwise each unit is new.
        pairs: So many chunks of it are timed in each round.
    """

    loop: Loop
    received: Count | None = None
    seen_before: bool = False
    pairs: int = 1


@frozen(kw_only=True)
class Peer:
    """Another SDK, set up offline with one flag of two variants, 50/50.

    Attributes:
        package: Its name on PyPI.
        statements: What a program writes to import it.
        off: The variant; nothing is exposed.
        on: The variant, and an exposure.
        rep: As `on`, with whatever deduplication the SDK has.
        received: Counts what its sink received.
        weighted: As `off`, by the user's own code and a weighted choice; None: it has no such thing.
    """

    package: str
    statements: str
    off: Loop
    on: Loop
    rep: Loop
    received: Count
    weighted: Loop | None = None
