"""How long to wait for a batch to fill, and for anything to come at all."""

IDLE = 60.0
"""Seconds without an event after which the thread ends."""


class Linger:
    """Remembers since when there are events, or none.

    Args:
        age: Seconds that an event waits for others at most.
        idle: Seconds without an event after which there is no point in waiting.
    """

    def __init__(self, age: float, *, idle: float = IDLE) -> None:
        self._age = age
        self._idle = idle
        self._some_since: float | None = None
        self._none_since: float | None = None

    def wait(self, queued: int, *, enough: int, now: float) -> float | None:
        """Seconds to wait for more events.

        Args:
            queued: How many there are.
            enough: How many need not wait.
            now: The time, in seconds.

        Returns:
            0 if what there is should be sent; None if there is nothing, and has not been for long.
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
        """A batch was taken: whatever is left, or comes next, waits from now on."""
        self._some_since = now
