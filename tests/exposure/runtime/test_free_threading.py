"""An interpreter says whether it runs threads at the same time; duplicates are counted in either case."""

import sys
from threading import Barrier, Thread

import pytest

from abkit import ExperimentManager, UserExperiment
from abkit.exposure.logger import ExposureLogger
from abkit.exposure.runtime.free_threading import runs_threads_at_once
from abkit.sinks.memory import MemorySink

THREADS, UNITS = 8, 200


class Halves(UserExperiment):
    variants = {"0": 0.5, "1": 0.5}


@pytest.mark.parametrize(("has_lock", "at_once"), [(True, False), (False, True), (None, False)])
def test_an_interpreter_says_whether_it_has_a_lock_and_an_older_one_has(
    has_lock: bool | None, at_once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if has_lock is None:
        monkeypatch.delattr(sys, "_is_gil_enabled", raising=False)
    else:
        monkeypatch.setattr(sys, "_is_gil_enabled", lambda: has_lock, raising=False)
    assert runs_threads_at_once() is at_once


@pytest.mark.parametrize("has_lock", [True, False])
def test_each_unit_arrives_once_and_each_duplicate_is_counted_whatever_the_interpreter(
    has_lock: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: has_lock, raising=False)
    sink = MemorySink()
    with ExposureLogger(sink) as logger:
        manager = ExperimentManager(on_event=logger)
        manager.add(Halves)
        ready = Barrier(THREADS)

        def serve() -> None:
            ready.wait()
            for number in range(UNITS):
                manager.log_exposure(Halves, user=f"unit-{number}")

        threads = [Thread(target=serve) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert logger.flush()
        stats = logger.stats
    assert stats.deduplicated == (THREADS - 1) * UNITS
    assert sorted(event.unit_id for event in sink.exposures) == sorted(
        f"unit-{number}" for number in range(UNITS)
    )
