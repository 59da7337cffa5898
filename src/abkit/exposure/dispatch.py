"""What the delivery's thread has in hand: the batches on their way, and what became of the others."""

from collections import deque

from abkit.events import Event
from abkit.exposure.batching import Batch, approximate_size, grown, named
from abkit.exposure.dedup import Reservation
from abkit.exposure.incidents import Incidents, attempt
from abkit.exposure.outcomes import Judgement, is_outcome, judge
from abkit.exposure.stats import DeadLetter
from abkit.sinks.base import BatchLimits, Retry, Sink

_STUBBORN = 8
_DEAD_LETTERS = 1_000


class Dispatch:
    """The batches on their way to a sink.

    Only the delivery's thread changes it, and only `prepare` and `send` take long: they are called
    without the delivery's lock, the others with it.

    Args:
        sink: Where the batches go.
        limits: When a batch is full.
        incidents: Where to report what goes wrong.
        inherited: Whether a parent process made the sink: a child that has not used it does not close it.

    Attributes:
        taken: How many events have been taken from the queue.
        delivered: How many the destination has taken.
        rejected: How many it will never take.
        retried: How many times sending has failed for now.
        failures: How many times in a row.
        dead_letters: The last of the rejected.
        count: How many events a batch may have; falls where the destination finds them too large.
    """

    def __init__(
        self, sink: Sink, limits: BatchLimits, incidents: Incidents, *, inherited: bool = False
    ) -> None:
        self._sink = sink
        self._limits = limits
        self._incidents = incidents
        self._work: deque[Batch] = deque()
        self.taken = self.delivered = self.rejected = self.retried = self.failures = 0
        self.dead_letters: deque[DeadLetter] = deque(maxlen=_DEAD_LETTERS)
        self.count = limits.count
        self._has_to_close = not inherited

    @property
    def busy(self) -> bool:
        """Whether a batch is on its way."""
        return bool(self._work)

    @property
    def wants_more(self) -> bool:
        """Whether nothing is on its way, or only a few events that should let others pass."""
        return not self._work or (self._work[0].stubborn and len(self._work) <= _STUBBORN)

    def is_settled(self, target: int) -> bool:
        """Whether the first `target` events have been taken from the queue, and none is on its way."""
        return self.taken >= target and all(batch.first >= target for batch in self._work)

    def prepare(
        self, queue: deque[tuple[Event, Reservation | None]]
    ) -> tuple[list[Event], list[DeadLetter]]:
        """Take a batch's events from the queue and name them.

        Returns:
            The events, and those that cannot be named.
        """
        events: list[Event] = []
        malformed: list[DeadLetter] = []
        size = 0
        while len(events) < self.count and size < self._limits.size:
            try:
                event, reservation = queue.popleft()
            except (
                IndexError
            ):  # Empty; looking first would not do, as close() may empty it as well.
                break
            ready = attempt(named, event, reservation)
            if isinstance(ready, Exception):
                malformed.append(DeadLetter(event, f"malformed: {ready!r}"))
            else:
                events.append(ready)
                size += approximate_size(ready)
        return events, malformed

    def add(self, events: list[Event], malformed: list[DeadLetter]) -> None:
        """Make the events the next batch, and set those aside that are malformed."""
        if events:
            self._work.appendleft(Batch(self.taken, tuple(events)))
        self.taken += len(events) + len(malformed)
        self.rejected += len(malformed)
        self.dead_letters.extend(malformed)

    def send(self) -> Judgement:
        """Send the next batch, which stays in hand until it is settled."""
        self._has_to_close = True
        batch = self._work[0]
        outcome = attempt(self._sink.send, batch.events)
        if not is_outcome(outcome):
            self._incidents.report(
                "answer",
                "%r answered %r, which counts as None: delivered; a sink answers None, Retry or Rejected",
                self._sink,
                outcome,
            )
            outcome = None
        judgement = judge(batch, outcome, delivered=self.delivered)
        if isinstance(outcome, Retry) and outcome.smaller:
            self.count = max(1, len(batch.events) // 2)
        elif judgement.delivered:
            self.count = grown(self.count, self._limits.count)
        return judgement

    def settle(self, judgement: Judgement) -> None:
        """Replace the batch that was sent by what is left of it."""
        self._work.popleft()
        self._work.extendleft(reversed(judgement.again))
        self._work.extend(judgement.later)
        self.delivered += judgement.delivered
        self.retried += judgement.failed
        self.failures = self.failures + 1 if judgement.failed else 0
        self.rejected += len(judgement.rejected)
        self.dead_letters.extend(DeadLetter(event, judgement.why) for event in judgement.rejected)

    def abandon(self) -> tuple[Event, ...]:
        """Give up the batches on their way."""
        events = tuple(event for batch in self._work for event in batch.events)
        self._work.clear()
        return events

    @property
    def has_to_close(self) -> bool:
        """Whether the sink wants to be closed by this process, and has not been."""
        return self._has_to_close and callable(getattr(self._sink, "close", None))

    def close(self) -> None:
        """Close the sink, once."""
        if self.has_to_close:
            self._has_to_close = False
            self._sink.close()  # type: ignore[attr-defined] # It is optional.
