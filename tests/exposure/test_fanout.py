"""Several destinations for one stream of events."""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from abkit import ExperimentManager, OrgExperiment
from abkit.errors import DeliveryError
from abkit.events import Event
from abkit.experiments.declaring.subjects import person_and_groups
from abkit.exposure.dedup.memory import MemoryDedup
from abkit.exposure.fanout import FanOut
from abkit.exposure.logger import ExposureLogger
from abkit.exposure.stats import Stats
from abkit.sinks.base import BatchLimits, Outcome, Rejected, Retry
from abkit.sinks.memory import MemorySink

from ..sinks.contract import SinkContract
from .events import AT_ONCE, QUICK, Dead, Gate, Script, action, exposure, ids

UNITS = [str(number) for number in range(100)]


class TestFanOut(SinkContract):
    """What reaches a sink by itself reaches each of several."""

    refuses = frozenset()

    @pytest.fixture
    def sink(self) -> Any:
        self.sinks = [MemorySink(), MemorySink()]
        with FanOut(*self.sinks) as fanout:
            yield fanout

    def send(self, sink: Any, *events: Event) -> None:
        for event in events:
            sink(event)
        assert sink.flush()

    def outcome(self, sink: Any, batch: Sequence[Event]) -> None:
        self.send(sink, *batch)

    def count(self, sink: Any) -> tuple[int, int]:
        one, other = [(len(kept.exposures), len(kept.actions)) for kept in self.sinks]
        assert one == other
        return one

    def count_identities(self, sink: Any) -> int:
        one, other = [len(kept.identities) for kept in self.sinks]
        assert one == other
        return one


def expose(fanout: FanOut) -> None:
    for unit in UNITS:
        fanout(exposure(unit))


def test_every_sink_gets_every_event_once_in_order() -> None:
    sinks = [Script(), Script(), Script()]
    fanout = FanOut(*sinks)
    expose(fanout)
    expose(fanout)
    assert fanout.close()
    assert [ids(sink.taken) for sink in sinks] == [UNITS] * 3
    assert [stats.delivered for stats in fanout.stats] == [100] * 3
    assert [stats.deduplicated for stats in fanout.stats] == [100] * 3
    assert [sink.closed for sink in sinks] == [1] * 3


def test_an_event_has_the_same_insert_id_everywhere() -> None:
    sinks = [MemorySink(), MemorySink()]
    with FanOut(*sinks) as fanout:
        fanout(exposure())
        fanout(action())
    one, other = ([event.insert_id for event in sink.events] for sink in sinks)
    assert one == other
    assert len(set(one)) == 2
    assert all(one)


def test_a_dead_sink_delays_no_other_and_loses_its_own_only() -> None:
    alive, dropped = Script(), list[str]()
    dead = ExposureLogger(
        Dead(), backoff=QUICK, on_drop=lambda event, why: dropped.extend(ids([event]))
    )
    fanout = FanOut(dead, alive)
    expose(fanout)
    assert not fanout.flush(0.1)
    assert fanout.loggers[1].flush(30)
    assert ids(alive.taken) == UNITS
    assert not fanout.close(0.1)
    assert [stats.delivered for stats in fanout.stats] == [0, 100]
    assert sorted(dropped) == sorted(UNITS)


def test_a_sink_that_hangs_delays_no_other() -> None:
    gate, alive = Gate(), Script()
    fanout = FanOut(ExposureLogger(gate, limits=AT_ONCE), alive)
    expose(fanout)
    assert gate.entered.wait(30)
    assert fanout.loggers[1].flush(30)
    assert ids(alive.taken) == UNITS
    gate.open.set()
    assert fanout.close()
    assert ids(gate.taken) == UNITS


def test_when_one_fails_the_other_gets_nothing_twice() -> None:
    failing = Script(Retry(), OSError("down"), Retry(smaller=True), Retry(after=0.001))
    alive = Script()
    limits = BatchLimits(count=10, age=0.01)
    fanout = FanOut(ExposureLogger(failing, backoff=QUICK, limits=limits), alive)
    expose(fanout)
    assert fanout.close(30)
    assert ids(failing.taken) == ids(alive.taken) == UNITS
    assert fanout.stats[0].retried > fanout.stats[1].retried == 0


def test_what_one_rejects_the_other_takes() -> None:
    class Picky(MemorySink):
        def send(self, events: Any, /) -> Outcome:  # type: ignore[override]
            return Rejected(events, "never")

    alive = MemorySink()
    fanout = FanOut(Picky(), alive)
    fanout(exposure())
    assert fanout.close()
    assert [stats.rejected for stats in fanout.stats] == [1, 0]
    assert [letter.why for letter in fanout.loggers[0].dead_letters] == ["never"]
    assert len(alive.events) == 1


def test_a_full_queue_of_one_is_nothing_to_the_other() -> None:
    gate, alive = Gate(), Script()
    fanout = FanOut(ExposureLogger(gate, max_queue=5), alive)
    expose(fanout)
    gate.open.set()
    assert fanout.close()
    assert ids(alive.taken) == UNITS
    slow = fanout.stats[0]
    assert slow.dropped > 0
    assert slow.delivered + slow.dropped == 100


def test_an_exposure_is_no_news_only_if_it_is_none_to_all() -> None:
    now = exposure(time=time.time())
    key = ("Buttons", "Buttons", "user", "u1")
    with FanOut(MemorySink(), MemorySink()) as fanout:
        assert not fanout.has_seen(key, "a")
        fanout.loggers[0](now)
        assert not fanout.has_seen(key, "a")
        fanout(now)
        assert fanout.has_seen(key, "a")


def test_of_a_managers_exposures_each_sink_gets_and_counts_its_own() -> None:
    class Shared(OrgExperiment):
        variants = ["0"]

    sinks = [MemorySink(), MemorySink()]
    with FanOut(*sinks) as fanout:
        manager = ExperimentManager(on_event=fanout, strict=True)
        manager.add(Shared)
        for _ in range(3):
            manager.log_exposure(Shared, org=1)
    one, other = (sink.exposures for sink in sinks)
    assert one == other
    assert ids(one) == ["1"]
    assert [stats.deduplicated for stats in fanout.stats] == [2, 2]


def test_a_dedup_store_of_ones_own_sees_the_exposures_to_all() -> None:
    class Seeing:
        """A dedup store that is none of abkit's."""

        def __init__(self) -> None:
            inner = MemoryDedup()
            self.reserve, self.give_back = inner.reserve, inner.give_back
            self.has_seen = inner.has_seen

    sinks = [MemorySink(), MemorySink()]
    fanout = FanOut(ExposureLogger(sinks[0], dedup=Seeing()), sinks[1])

    def describe(
        subjects: Mapping[str, Any], of: str, _unit_id: str, /
    ) -> tuple[str | None, Mapping[str, str]]:
        return person_and_groups(subjects, of)

    assert fanout.exposer("Shared", "Shared", "org", describe, lambda _: None) is None
    with fanout:
        manager = ExperimentManager(on_event=fanout, strict=True)
        manager.add(type("Shared", (OrgExperiment,), {"variants": ["0"]}))
        for _ in range(3):
            manager.log_exposure("Shared", org=1)
    assert [ids(sink.events) for sink in sinks] == [["1"], ["1"]]


def test_many_threads_may_log() -> None:
    sinks = [MemorySink(), MemorySink()]
    fanout = FanOut(*sinks)
    threads = [threading.Thread(target=expose, args=(fanout,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fanout.close()
    for sink in sinks:
        assert sorted(ids(sink.events)) == sorted(UNITS)


def test_a_manager_may_hand_its_events_to_it() -> None:
    class Plugins(OrgExperiment):
        variants = {"0": 1, "1": 1}

    sinks = [MemorySink(), MemorySink()]
    with FanOut(*sinks) as fanout:
        manager = ExperimentManager(on_event=fanout, strict=True)
        manager.add(Plugins)
        for _ in range(2):
            manager.log_exposure("Plugins", org=42)
        manager.track("clicked", org=42)
    assert [(len(sink.exposures), len(sink.actions)) for sink in sinks] == [(1, 1), (1, 1)]


def test_nonsense_is_counted_and_never_raised() -> None:
    with FanOut(MemorySink()) as fanout:
        fanout("no event")  # type: ignore[arg-type]
        assert fanout.flush()
    (stats,) = fanout.stats
    assert stats.rejected + stats.failed == 1


def test_it_wants_sinks() -> None:
    with pytest.raises(DeliveryError, match="at least one sink"):
        FanOut()
    with pytest.raises(DeliveryError, match="A sink is an object"):
        FanOut(MemorySink(), "amplitude")  # type: ignore[arg-type]


def test_it_tells_where_events_go() -> None:
    with FanOut(MemorySink()) as fanout:
        assert repr(fanout).startswith("<FanOut to <ExposureLogger to <MemorySink")
        assert fanout.stats == (Stats(),)
