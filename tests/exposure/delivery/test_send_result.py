"""What follows from a sink's answer."""

from abkit.exposure.delivery.batch import Batch
from abkit.exposure.delivery.guarded_dedup import ClaimedEvents
from abkit.exposure.delivery.send_result import SendResult, interpret, with_claims
from abkit.sinks.base import Rejected, Retry

from ..events import exposure

EVENTS = tuple(exposure(str(n))._replace(insert_id=f"i{n}") for n in range(4))
BATCH = Batch(10, EVENTS)
ALONE = Batch(10, EVENTS[:1])


def again(batch: Batch, error: Exception, times: int, *, delivered: int = 0) -> SendResult:
    """The result when a batch has raised this many times, nothing else happening."""
    for _ in range(times - 1):
        (batch,) = interpret(batch, error, delivered=0).again
    return interpret(batch, error, delivered=delivered)


def test_none_is_delivered() -> None:
    assert interpret(BATCH, None, delivered=0) == SendResult(delivered=4)


def test_retry_is_the_same_batch_again_after_a_wait() -> None:
    result = interpret(BATCH, Retry(after=3.0, reason="busy"), delivered=0)
    assert result == SendResult(again=(BATCH,), failed=True, after=3.0, why="busy")


def test_smaller_is_two_halves_at_once() -> None:
    result = interpret(BATCH, Retry(smaller=True), delivered=0)
    assert result.again == BATCH.halves()
    assert not result.failed


def test_smaller_with_a_wait_waits() -> None:
    assert interpret(BATCH, Retry(after=1.0, smaller=True), delivered=0).failed


def test_an_event_that_is_too_large_even_alone_is_set_aside() -> None:
    result = interpret(ALONE, Retry(smaller=True, reason="1 MB"), delivered=0)
    assert result == SendResult(rejected=ALONE.events, why="too large, even alone: 1 MB")


def test_rejected_events_are_set_aside_and_the_rest_is_delivered() -> None:
    result = interpret(BATCH, Rejected(EVENTS[1:3], "bad ids"), delivered=0)
    assert result == SendResult(delivered=2, rejected=EVENTS[1:3], why="bad ids")


def test_rejected_events_may_be_copies() -> None:
    copies = [event._replace(variant="other") for event in EVENTS[1:3]]
    assert interpret(BATCH, Rejected(copies, "bad"), delivered=0).rejected == EVENTS[1:3]


def test_a_partial_rejection_sends_the_rest_again() -> None:
    result = interpret(BATCH, Rejected(EVENTS[:1], "bad", retry=Retry(after=2.0)), delivered=0)
    assert result.rejected == EVENTS[:1]
    assert result.delivered == 0
    assert result.again == (Batch(10, EVENTS[1:]),)
    assert result.after == 2.0


def test_a_partial_rejection_of_everything_leaves_nothing() -> None:
    result = interpret(BATCH, Rejected(EVENTS, "bad", retry=Retry()), delivered=0)
    assert result == SendResult(rejected=EVENTS, why="bad")


def test_a_destination_that_is_down_never_divides_a_batch() -> None:
    result = again(BATCH, ConnectionRefusedError("nobody"), 50)
    assert result.again == (BATCH,)
    assert result.why == "ConnectionRefusedError: nobody"


def test_a_batch_that_raises_otherwise_is_divided_the_second_time() -> None:
    assert [batch.events for batch in again(BATCH, KeyError("x"), 1).again] == [EVENTS]
    result = again(BATCH, KeyError("x"), 2)
    assert result.again == BATCH.halves()
    assert result.failed


def test_an_event_that_fails_alone_waits_for_others_to_pass() -> None:
    result = again(ALONE, KeyError("x"), 3)
    assert result.again == ()
    assert [batch.events for batch in result.later] == [ALONE.events]
    assert result.later[0].stubborn


def test_an_event_that_fails_alone_while_others_pass_is_set_aside() -> None:
    result = again(ALONE, KeyError("x"), 3, delivered=1)
    assert result.rejected == ALONE.events
    assert result.why == "fails while others pass: KeyError: 'x'"


def test_an_answer_acquits_the_events() -> None:
    (suspect,) = interpret(BATCH, KeyError("x"), delivered=0).again
    (acquitted,) = interpret(suspect, Retry(), delivered=0).again
    assert acquitted == BATCH


class TestOtherProcesses:
    def test_what_another_process_has_sent_is_neither_delivered_nor_left(self) -> None:
        claimed = ClaimedEvents(mine=EVENTS[:3], sent=EVENTS[3:])
        result = with_claims(BATCH, claimed, SendResult(delivered=3))
        assert result == SendResult(delivered=3, elsewhere=1)
        assert result.settled(EVENTS) == EVENTS

    def test_what_is_contested_comes_after_all_others(self) -> None:
        claimed = ClaimedEvents(mine=EVENTS[:2], contested=EVENTS[2:])
        result = with_claims(BATCH, claimed, SendResult(delivered=2))
        assert result == SendResult(delivered=2, later=(Batch(10, EVENTS[2:], contested=1),))
        assert result.settled(EVENTS) == EVENTS[:2]
        assert not result.waits

    def test_if_all_is_contested_it_waits_longer_each_time_up_to_a_second(self) -> None:
        waits = []
        batch = BATCH
        for _ in range(50):
            result = with_claims(
                batch, ClaimedEvents(mine=(), contested=batch.events), SendResult()
            )
            assert result.waits
            assert not result.failed
            waits.append(result.after or 0.0)
            (batch,) = result.later
            assert batch.lets_others_pass
        assert waits == sorted(waits)
        assert waits[-1] == 1.0

    def test_what_is_tried_again_or_later_is_not_settled(self) -> None:
        result = interpret(BATCH, Rejected(EVENTS[:1], "no", retry=Retry()), delivered=0)
        assert result.settled(EVENTS) == EVENTS[:1]
        assert [letter.why for letter in result.letters] == ["no"]


def test_what_any_sink_says_is_one_line_without_secrets() -> None:
    said = "no\nway to https://me:geheim@host\x1b[2J"
    for outcome in (Retry(reason=said), Rejected(EVENTS, said), OSError(said), ValueError(said)):
        why = interpret(BATCH, outcome, delivered=0).why
        assert why.isprintable()
        assert "geheim" not in why
