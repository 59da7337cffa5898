"""Sends batches to a sink, and counts what became of their events."""

from collections import deque

from attrs import evolve

from abkit.events import Event
from abkit.exposure.delivery.batch import FIXED_SIZE, Batch, approximate_size, grown
from abkit.exposure.delivery.drop_reports import DropReporter
from abkit.exposure.delivery.guarded_dedup import GuardedDedup
from abkit.exposure.delivery.guarded_outbox import GuardedOutbox
from abkit.exposure.delivery.send_result import SendResult, interpret, is_outcome, with_claims
from abkit.exposure.insert_ids import are_plain, random_ids, with_random_id
from abkit.exposure.runtime.error_log import ErrorLog, attempt
from abkit.exposure.stats import DeadLetter, Stats
from abkit.quoting import told
from abkit.sinks.base import BatchLimits, Retry, Sink

_STUBBORN = 8
_DEAD_LETTERS = 1_000


class BatchSender:
    """The batches in flight to a sink.

    Only the worker changes it. Only `send` takes long, and is called without the queue's lock; the other
    methods are called with it.

    Args:
        sink: The destination.
        limits: When a batch is full.
        error_log: Where errors are reported.
        guarded_dedup: Deduplication across processes.
        guarded_outbox: Where settled events are marked.
        sink_from_parent: Whether the sink was made before a fork. The child closes it only if it has used it.

    Attributes:
        dequeued: How many events have been taken from the queue.
        delivered: How many the destination has accepted.
        elsewhere: How many were sent by another process.
        rejected: How many the destination has rejected.
        retried: How many times sending failed and was to be retried.
        failures: How many times in a row sending has failed.
        dead_letters: The latest rejected events.
        count: The most events of a batch. It shrinks when the destination finds batches too large.
    """

    def __init__(
        self,
        sink: Sink,
        limits: BatchLimits,
        error_log: ErrorLog,
        *,
        guarded_dedup: GuardedDedup,
        guarded_outbox: GuardedOutbox,
        sink_from_parent: bool = False,
    ) -> None:
        self._sink = sink
        self._limits = limits
        self._error_log = error_log
        self._guarded_dedup = guarded_dedup
        self._guarded_outbox = guarded_outbox
        self._work: deque[Batch] = deque()
        self.dequeued: int = 0
        self.delivered: int = 0
        self.elsewhere: int = 0
        self.rejected: int = 0
        self.retried: int = 0
        self.failures: int = 0
        self.dead_letters: deque[DeadLetter] = deque(maxlen=_DEAD_LETTERS)
        self.count: int = limits.count
        self._has_to_close = not sink_from_parent

    @property
    def in_flight(self) -> bool:
        """Whether a batch is in flight."""
        return bool(self._work)

    @property
    def wants_more(self) -> bool:
        """Whether to take another batch: none is in flight, or only a few that let others pass."""
        return not self._work or (self._work[0].lets_others_pass and len(self._work) <= _STUBBORN)

    def is_settled(self, target: int) -> bool:
        """Whether the first `target` events have been dequeued, and none is in flight."""
        return self.dequeued >= target and all(batch.first >= target for batch in self._work)

    def dequeue(self, queue: deque[Event]) -> list[DeadLetter]:
        """Make the first events of the queue the next batch. Malformed events become dead letters.

        Returns:
            The malformed events.
        """
        count = min(self.count, len(queue))
        events: list[Event] = [queue.popleft() for _ in range(count)]
        malformed: list[DeadLetter] = []
        # Mostly there is nothing to name or to measure: a few words with all of them at once.
        if count * FIXED_SIZE > self._limits.size or not are_plain(events):
            events, malformed = self._measured(events, queue)
        if events:
            self._work.appendleft(Batch(self.dequeued, tuple(events)))
        self.dequeued += len(events) + len(malformed)
        self.rejected += len(malformed)
        self.dead_letters.extend(malformed)
        return malformed

    def _measured(
        self, taken: list[Event], queue: deque[Event]
    ) -> tuple[list[Event], list[DeadLetter]]:
        """Give the events ids, separate malformed ones, and put back those that exceed the size limit."""
        events: list[Event] = []
        malformed: list[DeadLetter] = []
        names = random_ids()
        size = 0
        for number, event in enumerate(taken):
            if size >= self._limits.size:
                queue.extendleft(reversed(taken[number:]))
                break
            try:
                ready = with_random_id(event, names)
                size += approximate_size(ready)
            except Exception as error:  # noqa: BLE001 - as attempt(), without a call for each event
                malformed.append(DeadLetter(event, f"malformed: {told(error)}"))
            else:
                events.append(ready)
        return events, malformed

    def send(self) -> SendResult:
        """Send the next batch, which stays in flight until `settle`.

        Exposures that another process has sent are skipped; those that it is sending are checked again later.
        """
        batch = self._work[0]
        claimed = self._guarded_dedup.claim(batch.events)
        result = SendResult()
        if claimed.mine:
            mine = batch
            if len(claimed.mine) < len(batch.events) or batch.contested:
                mine = evolve(batch, events=claimed.mine, contested=0)
            result = self._send(mine)
        result = with_claims(batch, claimed, result)
        self._settle_elsewhere(result.settled(batch.events), result)
        return result

    def _settle_elsewhere(self, settled: tuple[Event, ...], result: SendResult) -> None:
        """Record in the shared store and the outbox what will not be sent again."""
        rejected = result.rejected
        refused = {id(event) for event in rejected}
        sent = [event for event in settled if id(event) not in refused] if refused else settled
        self._guarded_dedup.settle(sent=sent, given_back=rejected)
        self._guarded_outbox.settle(settled, result.letters)

    def _send(self, batch: Batch) -> SendResult:
        self._has_to_close = True
        outcome = attempt(self._sink.send, batch.events)
        if not is_outcome(outcome):
            self._error_log.report(
                "answer",
                "%r answered %r, which counts as None: delivered; a sink answers None, Retry or Rejected",
                self._sink,
                outcome,
            )
            outcome = None
        result = interpret(batch, outcome, delivered=self.delivered)
        if isinstance(outcome, Retry) and outcome.smaller:
            self.count = max(1, len(batch.events) // 2)
        elif result.delivered:
            self.count = grown(self.count, self._limits.count)
        return result

    def settle(self, result: SendResult) -> None:
        """Replace the batch that was sent by what remains to be sent."""
        self._work.popleft()
        self._work.extendleft(reversed(result.again))
        self._work.extend(result.later)
        self.delivered += result.delivered
        self.elsewhere += result.elsewhere
        self.retried += result.failed
        self.failures = self.failures + 1 if result.failed else 0
        self.rejected += len(result.rejected)
        self.dead_letters.extend(result.letters)

    def abandon(self) -> tuple[Event, ...]:
        """Give up the batches in flight, and return their events."""
        events = tuple(event for batch in self._work for event in batch.events)
        self._work.clear()
        return events

    def release(self, events: tuple[Event, ...]) -> None:
        """Release the claims on these events, so that other processes can send them."""
        self._guarded_dedup.settle(sent=(), given_back=events)

    def stats(self, accepted: int, drops: DropReporter) -> Stats:
        """What became of the events so far.

        Args:
            accepted: How many events were put into the queue.
            drops: Counts of events that were not delivered.
        """
        settled = self.delivered + self.elsewhere + self.rejected
        return Stats(
            accepted=accepted,
            elsewhere=self.elsewhere,
            delivered=self.delivered,
            retried=self.retried,
            rejected=self.rejected,
            dropped=drops.count,
            queued=accepted - settled - drops.undelivered,
            left=drops.left_in_outbox,
            unshared=self._guarded_dedup.unshared,
            unsaved=self._guarded_outbox.unsaved,
            unreadable=self._guarded_outbox.unreadable,
        )

    @property
    def has_to_close(self) -> bool:
        """Whether the sink or the outbox is to be closed by this process, and has not been."""
        return self._guarded_outbox.has_to_close or self._sink_has_to_close

    @property
    def _sink_has_to_close(self) -> bool:
        return self._has_to_close and callable(getattr(self._sink, "close", None))

    def close(self) -> None:
        """Close the outbox, and the sink, once."""
        self._guarded_outbox.close()
        if self._sink_has_to_close:
            self._has_to_close = False
            self._sink.close()  # type: ignore[attr-defined] # It is optional.
