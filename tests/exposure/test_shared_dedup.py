"""What processes tell each other, with a store in memory: the seam that users implement."""

import threading
from collections.abc import Sequence

import pytest

from abkit.events import Event
from abkit.exposure.dedup.shared import Claim
from abkit.exposure.delivery.guarded_dedup import GuardedDedup
from abkit.exposure.logger import ExposureLogger
from abkit.exposure.runtime.error_log import ErrorLog
from abkit.sinks.base import Retry
from abkit.sinks.memory import MemorySink

from .events import QUICK, Script, action, exposure, ids


class Shelf:
    """A store of one process, whose answers can be set; what is not set is granted."""

    def __init__(self, **answers: Claim) -> None:
        self.answers = answers
        self.asked: list[list[str]] = []
        self.sent: list[str] = []
        self.given_back: list[str] = []
        self.broken = False

    def claim(self, insert_ids: Sequence[str], /) -> Sequence[Claim]:
        self.asked.append([*insert_ids])
        if self.broken:
            message = "broken"
            raise ConnectionError(message)
        return [self.answers.get(name, Claim.MINE) for name in insert_ids]

    def settle(self, *, sent: Sequence[str], given_back: Sequence[str]) -> None:
        if self.broken:
            message = "broken"
            raise ConnectionError(message)
        self.sent += sent
        self.given_back += given_back


def named(*names: str) -> tuple[Event, ...]:
    return tuple(exposure(name)._replace(insert_id=name) for name in names)


def logger_of(store: Shelf, sink: object) -> ExposureLogger:
    return ExposureLogger(sink, shared=store, backoff=QUICK)  # type: ignore[arg-type]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class TestGuardedDedup:
    def test_a_batch_is_divided_by_the_answers(self) -> None:
        store = Shelf(b=Claim.SENT, c=Claim.CONTESTED)
        claimed = GuardedDedup(store, ErrorLog()).claim((*named("a", "b", "c", "d"), action()))
        assert ids(claimed.mine) == ["a", "d", "clicked"]
        assert ids(claimed.sent) == ["b"]
        assert ids(claimed.contested) == ["c"]

    def test_actions_are_not_asked_about(self) -> None:
        store = Shelf()
        GuardedDedup(store, ErrorLog()).claim((action(),))
        assert store.asked == []

    def test_only_claims_are_settled(self) -> None:
        store = Shelf(b=Claim.SENT)
        guarded_dedup = GuardedDedup(store, ErrorLog())
        events = named("a", "b", "c")
        guarded_dedup.claim(events)
        guarded_dedup.settle(sent=events[:2], given_back=events[2:])
        guarded_dedup.settle(sent=events, given_back=())
        assert (store.sent, store.given_back) == (["a"], ["c"])

    def test_a_store_that_failed_is_left_alone_for_a_while(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        clock, store = Clock(), Shelf(a=Claim.SENT)
        guarded_dedup = GuardedDedup(store, ErrorLog(), clock)
        store.broken = True
        for _ in range(3):
            assert guarded_dedup.claim(named("a")).mine == named("a")
        assert len(store.asked) == 1
        assert guarded_dedup.unshared == 3
        assert len(caplog.records) == 1
        clock.now += 10
        store.broken = False
        assert guarded_dedup.claim(named("a")).mine == ()

    def test_a_store_that_fails_to_settle_does_not_matter(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        store = Shelf()
        guarded_dedup = GuardedDedup(store, ErrorLog())
        guarded_dedup.claim(named("a"))
        store.broken = True
        guarded_dedup.settle(sent=named("a"), given_back=())
        assert len(caplog.records) == 1


class TestDelivery:
    def test_a_batch_that_another_process_has_sent_is_settled_without_the_sink(self) -> None:
        class Sent(Shelf):
            def claim(self, insert_ids: Sequence[str], /) -> Sequence[Claim]:
                return [Claim.SENT for _ in insert_ids]

        sink = Script()
        with logger_of(Sent(), sink) as logger:
            logger(exposure())
            assert logger.flush()
        assert sink.batches == []
        assert (logger.stats.elsewhere, logger.stats.queued) == (1, 0)

    def test_what_is_contested_is_asked_about_until_it_is_decided(self) -> None:
        class Undecided(Shelf):
            def claim(self, insert_ids: Sequence[str], /) -> Sequence[Claim]:
                super().claim(insert_ids)
                contested = len(self.asked) <= 3
                return [Claim.CONTESTED if contested else Claim.MINE for _ in insert_ids]

        sink, store = MemorySink(), Undecided()
        with logger_of(store, sink) as logger:
            logger(exposure())
            assert logger.flush()
        assert len(sink.events) == 1
        assert len(store.asked) == 4
        assert logger.stats.retried == 0  # The sink did not fail.

    def test_a_batch_that_is_tried_again_is_claimed_again(self) -> None:
        """So that a claim does not end while its holder is still trying."""
        sink, store = Script(Retry(), Retry(smaller=True)), Shelf()
        with logger_of(store, sink) as logger:
            logger(exposure("1"))
            logger(exposure("2"))
        first, again, *halves = store.asked
        assert first == again == [name for half in halves for name in half] == store.sent

    def test_the_request_does_not_ask(self) -> None:
        """A store that cannot be asked in the request's thread is not."""

        class Picky(Shelf):
            def claim(self, insert_ids: Sequence[str], /) -> Sequence[Claim]:
                assert threading.current_thread().name == "abkit-delivery"
                return super().claim(insert_ids)

        store = Picky()
        with logger_of(store, MemorySink()) as logger:
            for _ in range(2):
                logger(exposure())
            assert logger.flush()
        assert sum(map(len, store.asked)) == 1
        assert logger.stats.unshared == 0
