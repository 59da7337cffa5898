"""What follows from a sink's answer. Pure: a batch and an answer in, a `SendResult` out."""

from attrs import evolve, field, frozen

from abkit.events import Event
from abkit.exposure.delivery.batch import Batch
from abkit.exposure.delivery.guarded_dedup import ClaimedEvents
from abkit.exposure.stats import DeadLetter
from abkit.quoting import told
from abkit.sinks.base import Outcome, Rejected, Retry

_RAISED_TOGETHER = 2
"""How many times a batch may raise before it is divided."""

_LONGEST_REASON = 2_000
_POLL = 0.02
_LONGEST_POLL = 1.0
"""Seconds after which to ask again whether another process has sent what it is sending."""


def _quoted(why: str) -> str:
    """What a sink says, which may be anybody's, as the log and dead letters can have it."""
    return told(why, longest=_LONGEST_REASON) if why else why


@frozen(kw_only=True)
class SendResult:
    """What became of a batch.

    Attributes:
        delivered: How many events the destination has taken.
        elsewhere: How many events need not be sent because another process has sent them.
        rejected: Events that it will never take.
        again: Batches to be sent next.
        later: Batches to be sent after all others.
        why: What the destination said.
        after: Seconds that it asked to wait.
        failed: Whether sending failed, and to wait before the next batch is sent.
    """

    delivered: int = 0
    elsewhere: int = 0
    rejected: tuple[Event, ...] = ()
    again: tuple[Batch, ...] = ()
    later: tuple[Batch, ...] = ()
    why: str = field(default="", converter=_quoted)
    after: float | None = None
    failed: bool = False

    @property
    def waits(self) -> bool:
        """Whether to wait before the next batch is sent."""
        return self.failed or self.after is not None

    @property
    def letters(self) -> tuple[DeadLetter, ...]:
        """The rejected events, with the reason."""
        return tuple(DeadLetter(event, self.why) for event in self.rejected)

    def settled(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        """Those of the batch's events that are not to be sent again."""
        if not self.again and not self.later:
            return events
        left = {id(event) for batch in (*self.again, *self.later) for event in batch.events}
        return tuple(event for event in events if id(event) not in left)


def is_outcome(answer: object) -> bool:
    """Whether a sink may answer this, or raise it."""
    return answer is None or isinstance(answer, Retry | Rejected | Exception)


def interpret(batch: Batch, outcome: Outcome | Exception, *, delivered: int) -> SendResult:
    """What follows from the outcome.

    Args:
        batch: What was sent.
        outcome: What the sink returned or raised.
        delivered: How many events had been delivered before: it tells a destination that is down from
            an event that cannot be sent.
    """
    if isinstance(outcome, Rejected):
        return _rejected(batch, outcome)
    if isinstance(outcome, Retry):
        return _retried(batch, outcome)
    if isinstance(outcome, OSError):
        return _retried(batch, Retry(reason=_words(outcome)))
    if isinstance(outcome, Exception):
        return _raised(batch, outcome, delivered)
    return SendResult(delivered=len(batch.events))


def with_claims(batch: Batch, claimed: ClaimedEvents, result: SendResult) -> SendResult:
    """The result, with what other processes have to do with the batch.

    Args:
        batch: The whole batch.
        claimed: Which of its events another process has sent, or is sending.
        result: What became of the others.
    """
    if not claimed.contested:
        return evolve(result, elsewhere=len(claimed.sent))
    contested = Batch(batch.first, claimed.contested, contested=batch.contested + 1)
    # If this was all of the batch, there is nothing to do but to wait for the other process.
    wait = result.after if claimed.mine else min(_POLL * 2.0**batch.contested, _LONGEST_POLL)
    return evolve(
        result,
        elsewhere=len(claimed.sent),
        later=(*result.later, contested),
        after=wait,
    )


def _rejected(batch: Batch, outcome: Rejected) -> SendResult:
    refused = {event.insert_id for event in outcome.events}
    rejected = tuple(event for event in batch.events if event.insert_id in refused)
    rest = tuple(event for event in batch.events if event.insert_id not in refused)
    if outcome.retry is None or not rest:
        return SendResult(delivered=len(rest), rejected=rejected, why=outcome.why)
    result = _retried(Batch(batch.first, rest), outcome.retry)
    return evolve(result, rejected=rejected + result.rejected, why=outcome.why)


def _retried(batch: Batch, outcome: Retry) -> SendResult:
    if not outcome.smaller:
        # That the destination answered, or could not be reached, acquits the events.
        return SendResult(
            again=(evolve(batch, raised=0),), why=outcome.reason, after=outcome.after, failed=True
        )
    if len(batch.events) == 1:
        why = f"too large, even alone: {outcome.reason}"
        return SendResult(rejected=batch.events, why=why)
    # Nothing to wait for: the halves are another matter, unless the destination asks to wait.
    wait = outcome.after is not None
    return SendResult(again=batch.halves(), why=outcome.reason, after=outcome.after, failed=wait)


def _raised(batch: Batch, error: Exception, delivered: int) -> SendResult:
    why = _words(error)
    raised = batch.raised + 1
    if len(batch.events) > 1:
        again = batch.halves() if raised >= _RAISED_TOGETHER else (evolve(batch, raised=raised),)
        return SendResult(again=again, why=why, failed=True)
    before = delivered if raised == 1 else batch.delivered_before
    alone = evolve(batch, raised=raised, delivered_before=before)
    if not alone.stubborn:
        return SendResult(again=(alone,), why=why, failed=True)
    if delivered > before:
        return SendResult(rejected=batch.events, why=f"fails while others pass: {why}")
    return SendResult(later=(alone,), why=why, failed=True)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
