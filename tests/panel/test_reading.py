"""Sums that are read in the background."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.panel.shop import analysis_of

from abkit.analysis.aggregation.session import Progress
from abkit.analysis.experiment_sums import ExperimentSums
from abkit.errors import AnalysisError
from abkit.panel.questions import Question
from abkit.panel.reading import MOST_WAITING, Looked, SumsReader

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


def test_too_many_questions_at_once_are_refused(store: Store) -> None:
    store.go.clear()
    reader = store.reader()
    for number in range(MOST_WAITING):
        reader.look(Question(f"experiment {number}"))
    assert "Too much is being asked" in reader.look(CHECKOUT).reading.problem
    reader.close()
    store.go.set()
