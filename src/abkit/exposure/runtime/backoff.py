"""Exponential backoff between two attempts to send."""

import random
from collections.abc import Callable

from attrs import field, frozen, validators

_SHORTEST = 0.05


@frozen(kw_only=True)
class Backoff:
    """Exponential backoff with full jitter (Brooker, "Exponential Backoff And Jitter", AWS, 2015).

    Attributes:
        first: The longest wait after the first failure, in seconds; it doubles with each failure.
        longest: The limit of the wait, in seconds.
        longest_after: The limit of the wait that a destination may ask for (`Retry-After`), in seconds.
        random: Returns a number in [0, 1).
    """

    first: float = field(default=0.1, validator=validators.gt(0))
    longest: float = field(default=5.0, validator=validators.gt(0))
    longest_after: float = field(default=600.0, validator=validators.gt(0))
    random: Callable[[], float] = random.random

    def delay(self, failures: int, *, after: float | None = None) -> float:
        """Seconds to wait.

        Args:
            failures: How many times in a row sending has failed, from 1.
            after: Seconds that the destination asked to wait; it has precedence.
        """
        if after is not None and after >= 0:
            return min(after, self.longest_after)
        # 2**30 is beyond any longest wait; a larger power would overflow in the end.
        return self.random() * min(self.longest, self.first * 2.0 ** min(failures - 1, 30))


def before_deadline(delay: float, *, left: float, demanded: bool) -> float:
    """The delay, shortened so that the last attempts fall before the program must end.

    Args:
        delay: Seconds to wait if there were no deadline.
        left: Seconds to the deadline.
        demanded: Whether the destination asked for the delay: it is kept if there is time for it.
    """
    if demanded and delay <= left - 2 * _SHORTEST:
        return delay
    return max(0.0, min(delay, max(left / 4, _SHORTEST), left))
