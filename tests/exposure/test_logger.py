"""The exposure logger: deduplicate, deliver, never raise."""

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.errors import DeliveryError
from abkit.events import Event, Exposure, Variant
from abkit.exposure.dedup.base import Key, Reservation
from abkit.exposure.dedup.memory import MemoryDedup
from abkit.exposure.logger import ExposureLogger
from abkit.sinks.base import BatchLimits
from abkit.sinks.memory import MemorySink
from abkit.sinks.records import insert_id

from ..threads import at_once
from .dedup_contract import key
from .events import AT_ONCE, NOON, Dead, Gate, action, exposure, ids

WEIGHTS = '{"A":0.9,"B":0.1}'


class Broken:
    """A dedup store that fails, as one across the network may."""

    def reserve(self, exposure: Exposure, /) -> Reservation | None:
        message = "store is down"
        raise ConnectionError(message)

    def give_back(self, reservation: Reservation, /) -> None:
        message = "store is down"
        raise ConnectionError(message)

    def has_seen(self, key: Key, variant: Variant, /) -> bool:
        message = "store is down"
        raise ConnectionError(message)


def test_an_exposure_arrives_once_and_an_action_every_time() -> None:
    sink = MemorySink()
    with ExposureLogger(sink) as logger:
        for _ in range(3):
            logger(exposure())
            logger(action())
    assert len(sink.exposures) == 1
    assert len(sink.actions) == 3
    stats = logger.stats
    assert (stats.accepted, stats.deduplicated, stats.delivered) == (4, 2, 4)


def test_a_b_a_is_three_exposures_with_three_insert_ids() -> None:
    sink = MemorySink()
    with ExposureLogger(sink) as logger:
        for variant in "AAABBAA":
            logger(exposure(variant=variant))
    assert [event.variant for event in sink.exposures] == ["A", "B", "A"]
    assert [event.insert_id for event in sink.exposures] == [
        insert_id(exposure(variant=variant), window=int(NOON // 86_400), ordinal=ordinal)
        for ordinal, variant in enumerate("ABA")
    ]


def test_two_processes_give_the_same_exposure_the_same_insert_id() -> None:
    """Here two loggers, which know nothing of each other."""
    sinks = MemorySink(), MemorySink()
    for sink in sinks:
        with ExposureLogger(sink) as logger:
            logger(exposure(time=NOON + len(sink.events)))
    assert sinks[0].exposures[0].insert_id == sinks[1].exposures[0].insert_id


def test_500_units_read_four_times_by_8_threads_are_500_exposures() -> None:
    sink = MemorySink()
    logger = ExposureLogger(sink)
    start = threading.Barrier(8)

    def read() -> None:
        start.wait()
        for _ in range(4):
            for unit in range(500):
                logger(exposure(str(unit)))

    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert logger.close()
    assert sorted(ids(sink.events), key=int) == [str(unit) for unit in range(500)]


def test_100_000_new_units_at_once_all_arrive() -> None:
    sink = MemorySink()
    with ExposureLogger(sink) as logger:
        for unit in range(100_000):
            logger(exposure(str(unit)))
    assert len(set(ids(sink.events))) == len(sink.events) == 100_000


def test_has_seen_says_what_need_not_be_logged() -> None:
    logger = ExposureLogger(MemorySink(), dedup=MemoryDedup(clock=lambda: NOON))
    assert not logger.has_seen(key(exposure()), "a")
    logger(exposure())
    assert logger.has_seen(key(exposure()), "a")
    assert not logger.has_seen(key(exposure()), "b")
    logger.close()


def test_an_exposure_that_was_refused_may_come_again() -> None:
    gate = Gate()
    logger = ExposureLogger(gate, limits=AT_ONCE, max_queue=1)
    logger(exposure("sent"))
    gate.entered.wait(10)
    logger(exposure("queued"))
    logger(exposure("refused"))
    assert logger.stats.dropped == 1
    gate.open.set()
    assert logger.flush()
    logger(exposure("refused"))
    assert logger.close()
    assert ids(gate.taken) == ["sent", "queued", "refused"]
    first, again = exposure("refused"), gate.taken[-1]
    assert again.insert_id == insert_id(first, window=int(NOON // 86_400), ordinal=0)


def test_the_window_can_be_set() -> None:
    sink = MemorySink()
    with ExposureLogger(sink, window=60) as logger:
        for seconds in (0, 59, 60, 119, 120):
            logger(exposure(time=NOON + seconds))
    assert [event.time - NOON for event in sink.events] == [0, 60, 120]


def test_an_empty_dedup_store_is_used_all_the_same() -> None:
    store = MemoryDedup()
    with ExposureLogger(MemorySink(), dedup=store) as logger:
        logger(exposure())
    assert len(store) == 1


def test_a_dedup_store_brings_its_own_window() -> None:
    with pytest.raises(DeliveryError, match="Give the window to the dedup store"):
        ExposureLogger(MemorySink(), dedup=MemoryDedup(), window=60)


class TestNeverRaises:
    @pytest.mark.parametrize("wrong", [None, "text", object(), 5])
    def test_whatever_it_is_given(self, wrong: Any) -> None:
        sink = MemorySink()
        with ExposureLogger(sink) as logger:
            logger(wrong)
            logger(exposure())
        assert len(sink.events) == 1
        assert logger.stats.rejected == 1

    @pytest.mark.parametrize(
        "broken",
        [exposure(variant=["a", "list"]), exposure(unit_id={})],  # type: ignore[arg-type]
    )
    def test_although_an_exposure_is_malformed(
        self, broken: Exposure, caplog: pytest.LogCaptureFixture
    ) -> None:
        with ExposureLogger(MemorySink()) as logger:
            logger(broken)
            logger(broken)
        assert logger.stats.failed == 2
        assert len(caplog.records) == 1
        assert caplog.records[0].exc_info is not None

    def test_although_the_dedup_store_fails(self, caplog: pytest.LogCaptureFixture) -> None:
        with ExposureLogger(MemorySink(), dedup=Broken()) as logger:
            logger(exposure())
            assert not logger.has_seen(key(exposure()), "a")
        assert logger.stats.failed == 2
        assert len(caplog.records) == 1

    def test_although_on_drop_fails(self) -> None:
        def on_drop(event: Event, why: str) -> None:
            raise ValueError(why)

        logger = ExposureLogger(MemorySink(), on_drop=on_drop)
        logger.close()
        logger(exposure())
        assert logger.stats.dropped == 1

    def test_although_the_sink_is_dead(self) -> None:
        sink = Dead()
        logger = ExposureLogger(sink, max_queue=100, limits=BatchLimits(count=10))
        for unit in range(1_000):
            logger(exposure(str(unit)))
            logger(action())
        sink.tried.wait(10)
        assert not logger.close(0.01)
        assert logger.stats.dropped >= 1_880


def describe(subjects: str | None, of: str, _: str) -> tuple[str | None, dict[str, str]]:
    return subjects, {"of": of}


def unweighed(_: object) -> None:
    return None


def expose(logger: ExposureLogger, event: Exposure) -> None:
    """What the manager does in place of `logger(event)`."""
    experiment, salt, unit_type, unit_id = key(event)
    exposes = logger.exposer(experiment, salt, unit_type, describe, lambda _: event.weights)
    assert exposes is not None
    exposes(unit_id, event.variant, event.time, event.properties, event.user_id, None)


@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.sampled_from(["Buttons", "Other"]),
            st.sampled_from("xyz"),
            st.sampled_from(["A", "-A"[1:], "B", 1, True]),
            st.integers(0, 2),
        ),
        max_size=30,
    )
)
def test_an_exposer_does_what_the_call_does_and_both_know_of_each_other(
    reads: list[tuple[bool, str, str, Variant, int]],
) -> None:
    by_call, by_either = MemorySink(), MemorySink()
    with ExposureLogger(by_call) as one, ExposureLogger(by_either) as other:
        for calls, experiment, unit, variant, day in reads:
            event = exposure(unit, variant, experiment=experiment, time=NOON + 86_400 * day)
            event = event._replace(user_id="7", groups={"of": experiment}, weights=WEIGHTS)
            one(event)
            if calls:
                other(event)
            else:
                expose(other, event)
    assert by_call.events == by_either.events
    assert one.stats == other.stats
    assert other.stats.accepted + other.stats.deduplicated == len(reads)


def test_every_exposure_that_is_no_news_is_counted_whatever_the_threads_do() -> None:
    threads, calls = 8, 10_000
    logger = ExposureLogger(MemorySink())
    exposes = logger.exposer("Buttons", "Buttons", "user", describe, unweighed)
    assert exposes is not None

    def read() -> None:
        for call in range(calls):
            exposes(str(call % 10), "a", NOON, {}, None, None)

    at_once(read, threads=threads)
    assert logger.close()
    stats = logger.stats
    assert (stats.accepted, stats.deduplicated) == (10, threads * calls - 10)


def test_what_an_exposer_is_refused_may_come_again() -> None:
    gate = Gate()
    logger = ExposureLogger(gate, limits=AT_ONCE, max_queue=1)
    expose(logger, exposure("sent"))
    gate.entered.wait(10)
    expose(logger, exposure("queued"))
    expose(logger, exposure("refused"))
    gate.open.set()
    assert logger.flush()
    expose(logger, exposure("refused"))
    assert logger.close()
    assert ids(gate.taken) == ["sent", "queued", "refused"]


def test_what_an_exposer_cannot_describe_may_come_again() -> None:
    def fail(*_: object) -> Any:
        raise LookupError

    sink = MemorySink()
    with ExposureLogger(sink) as logger:
        exposes = logger.exposer("Buttons", "Buttons", "user", fail, unweighed)
        assert exposes is not None
        for _ in range(2):
            with pytest.raises(LookupError):
                exposes("u1", "a", NOON, {}, None, None)
    assert sink.events == []


def test_another_dedup_store_has_to_see_the_exposures() -> None:
    logger = ExposureLogger(MemorySink(), dedup=Broken())
    assert logger.exposer("Buttons", "Buttons", "user", describe, unweighed) is None


def test_it_says_how_it_is() -> None:
    logger = ExposureLogger(MemorySink())
    assert repr(logger) == (
        "<ExposureLogger to <MemorySink of 0 events>, open: "
        "0 accepted, 0 delivered, 0 queued, 0 dropped>"
    )
    logger(exposure())
    logger.close()
    assert "closed: 1 accepted, 1 delivered" in repr(logger)
    assert logger.dead_letters == ()
