"""Events in memory, for tests and experiments with the API."""

from collections.abc import Sequence

from abkit.events import Action, Event, Exposure, Identity


class MemorySink:
    """Stores events in memory, without a limit.

    Attributes:
        events: All events, in the order in which they arrived.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []

    @property
    def exposures(self) -> list[Exposure]:
        """The exposures among the events."""
        return [event for event in self.events if isinstance(event, Exposure)]

    @property
    def actions(self) -> list[Action]:
        """The actions among the events."""
        return [event for event in self.events if isinstance(event, Action)]

    @property
    def identities(self) -> list[Identity]:
        """The identities among the events."""
        return [event for event in self.events if isinstance(event, Identity)]

    def send(self, events: Sequence[Event], /) -> None:
        """Store the events."""
        self.events.extend(events)

    def __repr__(self) -> str:
        return f"<MemorySink of {len(self.events)} events>"
