"""Sums that are read in the background."""

import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from attrs import evolve
from tests.panel.shop import analysis_of

from abkit.analysis.aggregation.session import Progress
from abkit.analysis.experiment_sums import ExperimentSums
from abkit.errors import AnalysisError
from abkit.panel.questions import Question
from abkit.panel.reading import Looked
from abkit.panel.reading_thread import MOST_OF_VIEWER
from abkit.panel.sums_files import SumsFiles
from abkit.panel.sums_reader import SumsReader

CHECKOUT = Question("Checkout")
LONG = timedelta(seconds=60)


class Store:
    """Sums that somebody gives out; how often, it counts."""

    def __init__(self, sums: ExperimentSums) -> None:
        self.sums = sums
        self.order: list[Question] = []
        self.events = "some"
        self.problem: Exception | None = None
        self.go = threading.Event()
        self.go.set()
        self.now = sums.made
        self.takes = timedelta(0)

    @property
    def asked(self) -> int:
        return len(self.order)

    def read(self, question: Question, progress: Progress) -> ExperimentSums:
        self.order.append(question)
        self.now += self.takes
        progress("units", 2, 7)
        assert self.go.wait(60)
        if self.problem is not None:
            raise self.problem
        return self.sums

    def reader(self, files: SumsFiles | None = None) -> SumsReader:
        return SumsReader(
            self.read,
            state=lambda _: self.events,
            files=files,
            refresh=timedelta(minutes=5),
            clock=lambda: self.now,
        )


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


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG.total_seconds()
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


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
    store.events = "more"
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
    store.problem, store.events = problem, "more"
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
    reader.fork_timeout = 0.1
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


def test_while_no_event_comes_nothing_is_read_again_for_a_day(store: Store) -> None:
    reader = store.reader()
    finished(reader)
    for hours in range(1, 24):
        store.now += timedelta(hours=1)
        reader.look(CHECKOUT)
        looked = finished(reader)
        assert looked.reading.tried == store.now, hours
    assert store.asked == 1
    assert looked.sums is store.sums
    store.now = store.sums.made + timedelta(days=1)
    reader.look(CHECKOUT)
    finished(reader)
    assert store.asked == 2


def test_events_that_came_are_read(store: Store) -> None:
    reader = store.reader()
    finished(reader)
    store.events = "more"
    store.now += timedelta(minutes=5)
    reader.look(CHECKOUT)
    finished(reader)
    assert store.asked == 2


def test_events_that_came_while_others_were_read_are_read_next_time(store: Store) -> None:
    store.go.clear()
    reader = store.reader()
    reader.look(CHECKOUT)
    wait_until(lambda: store.asked == 1)
    store.events = "came meanwhile"
    store.go.set()
    finished(reader)
    store.now += timedelta(minutes=5)
    reader.look(CHECKOUT)
    finished(reader)
    assert store.asked == 2


def test_where_it_is_not_known_whether_events_came_they_are_read(store: Store) -> None:
    store.events = ""
    reader = store.reader()
    finished(reader)
    store.now += timedelta(minutes=5)
    reader.look(CHECKOUT)
    finished(reader)
    assert store.asked == 2


def test_who_asks_to_read_again_gets_it_though_no_event_came(store: Store) -> None:
    reader = store.reader()
    finished(reader)
    store.now += timedelta(minutes=1)
    reader.look(CHECKOUT, anew=True)
    finished(reader)
    assert store.asked == 2


def test_what_exposes_nobody_any_more_is_read_again_after_a_day(store: Store) -> None:
    reader = store.reader()
    reader.glance(CHECKOUT, active=False)
    finished(reader)
    store.events = "more"
    store.now += timedelta(hours=23)
    reader.glance(CHECKOUT, active=False)
    assert reader.look(CHECKOUT).reading.progress is None
    store.now += timedelta(hours=1)
    reader.glance(CHECKOUT, active=False)
    finished(reader)
    assert store.asked == 2


def test_what_a_person_looks_at_is_read_next_then_what_is_active(store: Store) -> None:
    store.go.clear()
    reader = store.reader()
    reader.glance(Question("first"))
    wait_until(lambda: store.asked == 1)
    for name in ("past", "another past"):
        reader.glance(Question(name), active=False)
    for name in ("active", "another active", "looked at"):
        reader.glance(Question(name))
    reader.look(Question("looked at"))
    store.go.set()
    names = ("past", "another past", "active", "another active")
    wait_until(lambda: all(reader.glance(Question(name)).progress is None for name in names))
    assert [each.experiment for each in store.order] == [
        *("first", "looked at", "active", "another active", "past", "another past")
    ]


def test_what_another_process_has_read_is_taken_from_it(store: Store, tmp_path: Path) -> None:
    def with_files() -> SumsReader:
        files = SumsFiles(tmp_path, version=lambda _: "1")
        return store.reader(files)

    one, other = with_files(), with_files()
    finished(one)
    finished(other)
    assert store.asked == 1
    store.events, store.now = "more", store.now + timedelta(minutes=5)
    store.sums = evolve(store.sums, made=store.now)
    one.look(CHECKOUT)
    finished(one)
    assert store.asked == 2
    other.look(CHECKOUT)
    assert finished(other).reading.made == store.now
    looked = other.look(CHECKOUT)
    assert looked.sums is not None
    assert looked.sums.made == store.now
    assert store.asked == 2


def test_an_overview_that_takes_long_to_read_is_read_less_often_but_a_page_is_not(
    store: Store,
) -> None:
    store.takes = timedelta(minutes=2)
    reader = store.reader()
    many = [Question(f"experiment {number}") for number in range(5)]
    for question in many:
        finished(reader, question)
    store.takes, store.events, end = timedelta(0), "more", store.now
    store.now = end + timedelta(minutes=19)
    assert reader.glance(many[-1]).progress is None
    reader.look(many[-1])
    finished(reader, many[-1])
    assert store.asked == 6
    store.now = end + timedelta(minutes=20)
    assert reader.glance(many[-2]).progress is not None
    finished(reader, many[-2])
