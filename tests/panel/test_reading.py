"""Sums that are read in the background."""

import os
import signal
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from tests.panel.shop import analysis_of

from abkit.analysis.aggregation.session import Progress
from abkit.analysis.experiment_sums import ExperimentSums
from abkit.errors import AnalysisError
from abkit.panel.questions import Question
from abkit.panel.reading import Looked, SumsReader
from abkit.panel.reading_thread import MOST_OF_VIEWER

CHECKOUT = Question("Checkout")
LONG = timedelta(seconds=60)


class Store:
    """Sums that somebody gives out; how often, it counts."""

    def __init__(self, sums: ExperimentSums) -> None:
        self.sums = sums
        self.asked = 0
        self.problem: Exception | None = None
        self.go = threading.Event()
        self.go.set()
        self.now = datetime(2026, 11, 27, tzinfo=UTC)

    def read(self, _question: Question, progress: Progress) -> ExperimentSums:
        self.asked += 1
        progress("units", 2, 7)
        assert self.go.wait(60)
        if self.problem is not None:
            raise self.problem
        return self.sums

    def reader(self) -> SumsReader:
        return SumsReader(self.read, refresh=timedelta(minutes=5), clock=lambda: self.now)


@pytest.fixture(scope="session")
def sums(shop_events: Path) -> ExperimentSums:
    return analysis_of(shop_events).gather()


@pytest.fixture
def store(sums: ExperimentSums) -> Store:
    return Store(sums)


def finished(reader: SumsReader, question: Question = CHECKOUT) -> Looked:
    """What is known once nothing is being read."""
    while True:
        looked = reader.look(question, patience=LONG)
        if looked.reading.progress is None:
            return looked


def test_who_asks_does_not_wait_and_sees_how_far_it_is(store: Store) -> None:
    store.go.clear()
    reader = store.reader()
    assert reader.look(CHECKOUT).sums is None
    while (progress := reader.glance(CHECKOUT).progress) != ("units", 2, 7):
        assert progress == ("waiting for its turn", 0, 1)
    store.go.set()
    looked = finished(reader)
    assert looked.sums is store.sums
    assert looked.reading.glance is not None
    assert looked.reading.glance.units == 3_000


def test_however_many_ask_it_is_read_once(store: Store) -> None:
    store.go.clear()
    reader = store.reader()
    threads = [threading.Thread(target=reader.look, args=(CHECKOUT,)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.go.set()
    finished(reader)
    assert store.asked == 1


def test_what_is_old_is_shown_while_it_is_read_again(store: Store) -> None:
    reader = store.reader()
    finished(reader)
    store.now += timedelta(minutes=4)
    assert reader.look(CHECKOUT).reading.progress is None
    store.now += timedelta(minutes=1)
    store.go.clear()
    looked = reader.look(CHECKOUT)
    assert looked.sums is store.sums
    assert looked.reading.progress is not None
    store.go.set()
    finished(reader)
    assert store.asked == 2


def test_it_is_read_anew_on_request_but_not_twice_in_a_moment(store: Store) -> None:
    reader = store.reader()
    finished(reader)
    reader.look(CHECKOUT, anew=True)
    assert store.asked == 1
    store.now += timedelta(seconds=11)
    reader.look(CHECKOUT, anew=True)
    finished(reader)
    assert store.asked == 2


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (AnalysisError("data/events is not there"), "data/events is not there"),
        (ConnectionError("no route"), "ConnectionError: no route"),
    ],
)
def test_what_cannot_be_read_again_stays_and_says_why(
    store: Store, problem: Exception, said: str
) -> None:
    reader = store.reader()
    finished(reader)
    store.problem = problem
    store.now += timedelta(minutes=6)
    reader.look(CHECKOUT)
    looked = finished(reader)
    assert looked.sums is store.sums
    assert looked.reading.problem == said
    assert store.asked == 2  # and not again at once
    store.problem = None
    store.now += timedelta(minutes=6)
    reader.look(CHECKOUT)
    assert finished(reader).reading.problem == ""


def test_too_many_questions_of_one_viewer_are_refused_and_displace_nothing(store: Store) -> None:
    reader = store.reader()
    finished(reader)
    store.go.clear()
    days = [Question("Checkout", until=date.fromordinal(739_000 + day)) for day in range(2_100)]
    refused = [q for q in days if "Too much" in reader.look(q, viewer="crawler").reading.problem]
    assert len(refused) >= len(days) - MOST_OF_VIEWER - 1
    assert "Too much is being asked" not in reader.look(days[-1], viewer="ada").reading.problem
    known = reader.look(CHECKOUT)
    assert known.sums is store.sums
    assert store.asked == 2  # what was read before is known still
    reader.close()
    store.go.set()


def test_when_it_is_closed_the_query_that_runs_is_ended(store: Store) -> None:
    store.go.clear()
    ended = threading.Event()

    def interrupt() -> None:
        ended.set()
        store.problem = AnalysisError("interrupted")
        store.go.set()

    reader = SumsReader(store.read, interrupt=interrupt)
    reader.look(CHECKOUT)
    reader.look(Question("Checkout", by="plan"))
    reader.close_at_exit()
    assert ended.is_set()
    assert reader.wait_until_closed()
    assert store.asked <= 1
    looked = reader.look(CHECKOUT, patience=LONG)
    assert looked.sums is None
    assert looked.reading.progress is None
    assert looked.reading.problem == ""


def test_what_cannot_be_interrupted_ends_at_its_next_step(sums: ExperimentSums) -> None:
    begun, go = threading.Event(), threading.Event()
    steps: list[int] = []

    def read(_question: Question, progress: Progress) -> ExperimentSums:
        for step in range(3):
            steps.append(step)
            progress("units", step, 3)
            begun.set()
            assert go.wait(60)
        return sums

    reader = SumsReader(read)
    reader.look(CHECKOUT)
    assert begun.wait(60)
    reader.close()
    go.set()
    assert reader.wait_until_closed()
    assert steps == [0, 1]
    assert reader.look(CHECKOUT).sums is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_reads_though_its_parent_was_reading_and_held_the_lock(store: Store) -> None:
    """As under gunicorn --preload: the child has the lock as it was, and no thread."""
    store.go.clear()
    reader = store.reader()
    reader.look(CHECKOUT)
    reader.look(Question("Checkout", by="plan"))
    with reader._lock, reader._thread._lock:
        child = os.fork()
        if not child:
            signal.alarm(60)  # It would wait for ever.
            store.go.set()
            read = finished(reader).sums is not None
            read &= finished(reader, Question("Checkout", by="plan")).sums is not None
            os._exit(0 if read else 1)
    store.go.set()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert finished(reader).sums is store.sums  # and so does the parent
