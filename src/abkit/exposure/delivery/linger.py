"""How long to wait for a batch to fill, and how long to stay idle."""

IDLE = 60.0
"""Seconds without an event after which the thread ends."""


class Linger:
    """Remembers since when the queue has had events, or none.

    Args:
        age: The most seconds that an event waits for a batch to fill.
        idle: Seconds without an event after which the worker should end.
    """

    def __init__(self, age: float, *, idle: float = IDLE) -> None:
        self._age = age
        self._idle = idle
        self._some_since: float | None = None
        self._none_since: float | None = None

    def wait(self, queued: int, *, enough: int, now: float) -> float | None:
        """Seconds to wait for more events.

        Args:
            queued: How many events are queued.
            enough: How many make a batch that is sent at once.
            now: The current time, in seconds.

        Returns:
            0 if the queued events should be sent now; None if the queue has been empty for `idle` seconds.
        """
        if not queued:
            self._some_since = None
            if self._none_since is None:
                self._none_since = now
            left = self._none_since + self._idle - now
            return left if left > 0 else None
        self._none_since = None
        if self._some_since is None:
            self._some_since = now
        return 0.0 if queued >= enough else max(0.0, self._some_since + self._age - now)

    def restart(self, now: float) -> None:
        """A batch was taken: the remaining and coming events linger from now on."""
        self._some_since = now
