"""From the queue to the sink."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from abkit.errors import DeliveryError
from abkit.events import Event
from abkit.exposure.delivery.delivery import Delivery
from abkit.exposure.delivery.guarded_outbox import GuardedOutbox
from abkit.exposure.stats import Stats
from abkit.sinks.base import BatchLimits, Outcome, Rejected, Retry
from abkit.sinks.memory import MemorySink

from .events import AT_ONCE, QUICK, Dead, Gate, Script, action, exposure, ids

LARGE = BatchLimits(count=100, age=60.0)


def accept(delivery: Delivery, count: int, *, first: int = 0) -> list[str]:
    names = [str(number) for number in range(first, first + count)]
    for name in names:
        assert delivery.accept(exposure(name))
    return names


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(10_000):
        if condition():
            return
        time.sleep(0.001)
    pytest.fail("it did not happen within 10 seconds")


def threads() -> int:
    return sum(thread.name == "abkit-delivery" for thread in threading.enumerate())


class NoOutbox:
    """Keeps nothing."""

    def __contains__(self, insert_id: object) -> bool:
        return False

    def settle(self, insert_ids: object) -> None: ...

    def recover(self) -> tuple[list[Event], int]:
        return [], 0

    def close(self) -> None: ...


class TestThread:
    def test_there_is_no_thread_before_the_first_event(self) -> None:
        before = threads()
        delivery = Delivery(MemorySink())
        assert threads() == before
        accept(delivery, 1)
        assert threads() == before + 1
        assert delivery.close()
        assert threads() == before

    def test_closing_without_events_starts_no_thread(self) -> None:
        before = threading.active_count()
        assert Delivery(MemorySink()).close()
        assert threading.active_count() == before

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
    def test_a_thread_that_dies_is_replaced_and_its_batch_is_not_lost(self) -> None:
        before = threads()
        sink = Script(SystemExit("from within the sink"))
        delivery = Delivery(sink, limits=AT_ONCE)
        names = accept(delivery, 1)
        wait_for(lambda: len(sink.batches) == 1 and threads() == before)
        names += accept(delivery, 1, first=1)
        assert delivery.close()
        assert sorted(ids(sink.taken)) == names

    def test_a_thread_that_cannot_be_started_does_not_lose_events(self) -> None:
        """As at the end of a program since Python 3.12; here for want of memory for a stack."""
        before = threads()
        sink = Script()
        delivery = Delivery(sink)
        default = threading.stack_size(1 << 46)
        try:
            names = accept(delivery, 3)
            assert threads() == before
            assert delivery.close()
        finally:
            threading.stack_size(default)
        assert ids(sink.taken) == names
        assert sink.closed == 1


class TestBatches:
    def test_a_full_batch_does_not_wait(self) -> None:
        sink = MemorySink()
        delivery = Delivery(sink, limits=LARGE)
        accept(delivery, 250)
        wait_for(lambda: len(sink.events) == 200)
        assert delivery.stats.queued == 50
        delivery.close()

    def test_an_old_event_does_not_wait_for_others(self) -> None:
        sink = MemorySink()
        delivery = Delivery(sink, limits=BatchLimits(age=0.01))
        accept(delivery, 1)
        wait_for(lambda: len(sink.events) == 1)
        accept(delivery, 1)
        wait_for(lambda: len(sink.events) == 2)
        delivery.close()

    def test_a_batch_has_at_most_so_many_events(self) -> None:
        sink = Script()
        delivery = Delivery(sink, limits=LARGE)
        accept(delivery, 250)
        assert delivery.close()
        assert [len(batch) for batch in sink.batches] == [100, 100, 50]

    def test_a_batch_is_closed_by_its_size(self) -> None:
        sink = Script()
        delivery = Delivery(sink, limits=BatchLimits(size=2_000, age=60.0))
        names = accept(delivery, 100)
        assert delivery.close()
        assert len(sink.batches) > 10
        assert ids(sink.taken) == names

    def test_a_sink_may_ask_for_its_own_limits(self) -> None:
        class Modest(Script):
            limits = BatchLimits(count=10)

        sink = Modest()
        delivery = Delivery(sink)
        accept(delivery, 30)
        delivery.close()
        assert [len(batch) for batch in sink.batches] == [10, 10, 10]

    def test_events_arrive_in_order_and_each_is_named(self) -> None:
        sink = MemorySink()
        delivery = Delivery(sink)
        names = accept(delivery, 1_000)
        delivery.accept(action("paid"))
        assert delivery.close()
        assert ids(sink.events) == [*names, "paid"]
        assert len({event.insert_id for event in sink.events} - {""}) == 1_001


class TestFailures:
    @pytest.mark.parametrize(
        "failure",
        [
            Retry(reason="busy"),
            Retry(after=0.001),
            ConnectionRefusedError("down"),
            ValueError("garbage"),
            Rejected((), "nothing in particular", retry=Retry()),
        ],
    )
    def test_after_a_failure_everything_still_arrives(self, failure: Any) -> None:
        sink = Script(*[failure] * 5)
        delivery = Delivery(sink, backoff=QUICK)
        names = accept(delivery, 100)
        assert delivery.close()
        assert sorted(ids(sink.taken), key=int) == names
        assert delivery.stats == Stats(accepted=100, delivered=100, retried=5)

    def test_a_failed_batch_keeps_its_insert_ids(self) -> None:
        seen: list[list[str]] = []

        def fail(events: Sequence[Event]) -> Outcome:
            seen.append([event.insert_id for event in events])
            return Retry()

        sink = Script(fail, fail)
        delivery = Delivery(sink, backoff=QUICK)
        delivery.accept(action())
        assert delivery.close()
        assert seen == [[sink.taken[0].insert_id]] * 2

    def test_a_wait_that_the_destination_asks_for_is_kept(self) -> None:
        sink = Script(Retry(after=0.3))
        delivery = Delivery(sink, limits=AT_ONCE, backoff=QUICK)
        accept(delivery, 1)
        assert delivery.flush()
        assert sink.sent_at[1] - sink.sent_at[0] >= 0.3

    def test_closing_keeps_a_wait_that_there_is_time_for(self) -> None:
        sink = Script(Retry(after=0.3))
        delivery = Delivery(sink, limits=AT_ONCE, backoff=QUICK)
        accept(delivery, 1)
        wait_for(lambda: len(sink.batches) == 1)
        assert delivery.close()
        assert sink.sent_at[1] - sink.sent_at[0] >= 0.3

    def test_closing_does_not_keep_a_wait_that_there_is_no_time_for(self) -> None:
        sink = Script(Retry(after=3_600))
        delivery = Delivery(sink, limits=AT_ONCE)
        names = accept(delivery, 1)
        wait_for(lambda: len(sink.batches) == 1)
        assert delivery.close(2.0)
        assert ids(sink.taken) == names

    def test_a_batch_that_is_too_large_is_halved_until_it_passes(self) -> None:
        def at_most_30(events: Sequence[Event]) -> Outcome:
            return Retry(smaller=True) if len(events) > 30 else None

        sink = Script(*[at_most_30] * 100)
        delivery = Delivery(sink, limits=LARGE)
        names = accept(delivery, 500)
        assert delivery.close()
        assert ids(sink.taken) == names
        refused = [batch for batch in sink.batches if len(batch) > 30]
        assert len(refused) < len(sink.batches) / 2  # It has learned.

    def test_an_event_that_is_too_large_alone_is_set_aside(self) -> None:
        def without_7(events: Sequence[Event]) -> Outcome:
            return Retry(smaller=True) if "7" in ids(events) else None

        sink = Script(*[without_7] * 100)
        delivery = Delivery(sink)
        names = accept(delivery, 10)
        assert delivery.close()
        assert ids(sink.taken) == [name for name in names if name != "7"]
        assert [letter.event.insert_id for letter in delivery.dead_letters] != [""]
        assert delivery.stats.rejected == 1

    def test_rejected_events_are_set_aside_and_kept_for_inspection(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        def reject_odd(events: Sequence[Event]) -> Outcome:
            odd = [event for event, name in zip(events, ids(events), strict=True) if int(name) % 2]
            return Rejected(odd, "odd")

        sink = Script(reject_odd, reject_odd)
        delivery = Delivery(sink, limits=BatchLimits(count=5))
        accept(delivery, 10)
        assert delivery.close()
        assert delivery.stats == Stats(accepted=10, delivered=5, rejected=5)
        assert ids(letter.event for letter in delivery.dead_letters) == ["1", "3", "5", "7", "9"]
        assert {letter.why for letter in delivery.dead_letters} == {"odd"}
        assert len(caplog.records) == 1

    def test_an_event_that_no_sink_can_send_does_not_hold_up_the_others(self) -> None:
        def fail_at_7(events: Sequence[Event]) -> Outcome:
            if "7" in ids(events):
                message = "cannot encode 7"
                raise TypeError(message)
            return None

        sink = Script(*[fail_at_7] * 1_000)
        delivery = Delivery(sink, backoff=QUICK)
        names = accept(delivery, 100)
        assert delivery.close()
        assert sorted(ids(sink.taken), key=int) == [name for name in names if name != "7"]
        (letter,) = delivery.dead_letters
        assert letter.why == "fails while others pass: TypeError: cannot encode 7"

    def test_an_event_that_is_none_is_set_aside(self) -> None:
        sink = Script()
        delivery = Delivery(sink)
        delivery.accept("not an event")  # type: ignore[arg-type]
        names = accept(delivery, 1)
        assert delivery.close()
        assert ids(sink.taken) == names
        assert delivery.stats.rejected == 1

    def test_an_answer_that_is_none_of_the_three_counts_as_delivered(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        answer: Any = 200
        delivery = Delivery(Script(lambda events: answer))
        accept(delivery, 3)
        assert delivery.close()
        assert delivery.stats == Stats(accepted=3, delivered=3)
        assert "answered 200" in caplog.text

    def test_an_outage_is_logged_once(self, caplog: pytest.LogCaptureFixture) -> None:
        delivery = Delivery(Script(*[OSError("down")] * 5), backoff=QUICK)
        accept(delivery, 1)
        delivery.close()
        assert [record.levelname for record in caplog.records] == ["WARNING"]


class TestFullQueue:
    def test_what_does_not_fit_is_dropped_and_counted(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        lost: list[tuple[str, str]] = []
        gate = Gate()
        delivery = Delivery(
            gate,
            limits=AT_ONCE,
            max_queue=10,
            on_drop=lambda event, why: lost.append((ids([event])[0], why)),
        )
        accept(delivery, 1)
        gate.entered.wait(10)
        accept(delivery, 10, first=1)
        for number in (11, 12):
            assert not delivery.accept(exposure(str(number)))
        assert delivery.stats == Stats(accepted=11, dropped=2, queued=11)
        gate.open.set()
        assert delivery.close()
        assert ids(gate.taken) == [str(number) for number in range(11)]
        assert lost == [("11", "the queue is full"), ("12", "the queue is full")]
        assert len(caplog.records) == 1

    def test_an_on_drop_that_raises_does_not_matter(self) -> None:
        def on_drop(event: Event, why: str) -> None:
            raise KeyError(why)

        delivery = Delivery(MemorySink(), on_drop=on_drop)
        delivery.close()
        assert not delivery.accept(exposure())
        assert delivery.stats.dropped == 1


class TestFlush:
    def test_flush_does_not_wait_for_a_batch_to_fill(self) -> None:
        sink = MemorySink()
        delivery = Delivery(sink, limits=LARGE)
        names = accept(delivery, 5)
        assert delivery.flush()
        assert ids(sink.events) == names
        names += accept(delivery, 5, first=5)
        assert delivery.flush()
        assert ids(sink.events) == names
        delivery.close()

    def test_flush_without_events_is_done(self) -> None:
        assert Delivery(MemorySink()).flush(0)

    def test_flush_gives_up_when_its_time_is_up(self) -> None:
        gate = Gate()
        delivery = Delivery(gate)
        accept(delivery, 1)
        assert not delivery.flush(0.05)
        gate.open.set()
        assert delivery.close()

    def test_flush_tries_at_once_although_the_sink_has_failed(self) -> None:
        slow = QUICK.__class__(first=3_600.0, longest=3_600.0, random=lambda: 1.0)
        sink = Script(OSError("down"))
        delivery = Delivery(sink, limits=AT_ONCE, backoff=slow)
        names = accept(delivery, 1)
        wait_for(lambda: delivery.stats.retried == 1)
        assert delivery.flush()
        assert ids(sink.taken) == names
        delivery.close()

    def test_a_sink_that_flushes_does_not_wait_for_itself(self) -> None:
        answers: list[bool] = []

        def flush_and_close(events: Sequence[Event]) -> None:
            answers.extend([delivery.flush(60), delivery.close(60)])

        delivery = Delivery(Script(flush_and_close), limits=AT_ONCE)
        accept(delivery, 1)
        wait_for(lambda: len(answers) == 2)
        assert answers == [False, False]


class TestClose:
    def test_close_delivers_everything(self) -> None:
        sink = Script()
        delivery = Delivery(sink, limits=LARGE)
        names = accept(delivery, 1_234)
        assert delivery.close()
        assert ids(sink.taken) == names
        assert sink.closed == 1

    def test_close_may_be_called_again(self) -> None:
        sink = Script()
        delivery = Delivery(sink)
        accept(delivery, 1)
        assert delivery.close()
        assert delivery.close()
        assert sink.closed == 1

    def test_after_close_events_are_dropped(self) -> None:
        delivery = Delivery(MemorySink())
        delivery.close()
        assert not delivery.accept(exposure())
        assert delivery.stats == Stats(dropped=1)

    def test_a_dead_destination_is_tried_until_the_time_is_up(self) -> None:
        lost: list[str] = []
        sink = Dead()
        delivery = Delivery(sink, on_drop=lambda event, why: lost.append(ids([event])[0]))
        names = accept(delivery, 1_200)
        assert not delivery.close(1.5)
        wait_for(lambda: len(lost) == 1_200)
        assert sorted(lost, key=int) == names
        stats = delivery.stats
        assert stats.retried > 1
        assert (stats.dropped, stats.queued, stats.delivered) == (1_200, 0, 0)

    def test_close_does_not_wait_for_a_sink_that_hangs(self) -> None:
        lost: list[str] = []
        gate = Gate()
        delivery = Delivery(
            gate, limits=AT_ONCE, on_drop=lambda event, why: lost.append(ids([event])[0])
        )
        accept(delivery, 1)
        gate.entered.wait(10)
        accept(delivery, 3, first=1)
        assert not delivery.close(0.05)
        assert lost == ["1", "2", "3"]
        assert delivery.stats.queued == 1
        gate.open.set()
        wait_for(lambda: delivery.stats.queued == 0)
        assert ids(gate.taken) == ["0"]

    def test_a_sink_that_fails_to_close_does_not_matter(self) -> None:
        class Stuck(MemorySink):
            def close(self) -> None:
                message = "stuck"
                raise RuntimeError(message)

        delivery = Delivery(Stuck())
        accept(delivery, 1)
        assert delivery.close()

    def test_many_threads_may_close(self) -> None:
        sink = Script()
        delivery = Delivery(sink, limits=LARGE)
        accept(delivery, 500)
        closers = [threading.Thread(target=delivery.close) for _ in range(8)]
        for closer in closers:
            closer.start()
        for closer in closers:
            closer.join()
        assert len(sink.taken) == 500
        assert sink.closed == 1

    def test_an_event_that_comes_when_nobody_looks_any_more_is_dropped(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The request looks whether it is closed, and then it is closed, before the event is queued."""

        class Late(GuardedOutbox):
            def save(self, event: Event) -> Event:
                assert delivery.close()
                return event

        monkeypatch.setattr("abkit.exposure.delivery.delivery.GuardedOutbox", Late)
        delivery = Delivery(MemorySink(), outbox=NoOutbox())  # type: ignore[arg-type]
        assert not delivery.accept(exposure())
        assert delivery.stats == Stats(dropped=1)

    def test_what_is_accepted_while_closing_is_delivered_and_what_is_not_is_dropped(self) -> None:
        sink = MemorySink()
        delivery = Delivery(sink, limits=AT_ONCE)
        accepted: list[str] = []
        closed = threading.Event()

        def produce(name: int) -> None:
            number = 0
            while not closed.is_set():
                if delivery.accept(exposure(f"{name}-{number}")):
                    accepted.append(f"{name}-{number}")
                number += 1

        producers = [threading.Thread(target=produce, args=(name,)) for name in range(4)]
        for producer in producers:
            producer.start()
        wait_for(lambda: len(accepted) > 1_000)
        everything = delivery.close()
        closed.set()
        for producer in producers:
            producer.join()
        assert everything
        assert sorted(ids(sink.events)) == sorted(accepted)
        stats = delivery.stats
        assert stats.accepted == stats.delivered == len(accepted)


@pytest.mark.parametrize("sink", [None, MemorySink, object(), print])
def test_what_cannot_send_is_no_sink(sink: Any) -> None:
    with pytest.raises(DeliveryError, match=r"object with a method send\(events\)"):
        Delivery(sink)


def test_a_queue_without_room_is_an_error() -> None:
    with pytest.raises(DeliveryError, match="max_queue must be at least 1"):
        Delivery(MemorySink(), max_queue=0)


def test_it_says_how_it_is() -> None:
    delivery = Delivery(MemorySink())
    assert repr(delivery) == "<Delivery to <MemorySink of 0 events>, open, 0 queued>"
    delivery.close()
    assert "closed" in repr(delivery)
