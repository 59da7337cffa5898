"""Whether events came since they were read."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.panel.asking import PATIENCE, result, settled
from tests.panel.shop import Checkout, analysis_of, manager, write_events

from abkit.analysis.aggregation.session import Progress
from abkit.analysis.experiment_sums import ExperimentSums
from abkit.panel import Panel, StoredSource, data_state
from abkit.panel.data_state import AT_ONCE, DataState
from abkit.panel.questions import Question


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a day of exposures."""
    (tmp_path / "pyproject.toml").write_text('[tool.abkit]\nresults = "results"\n')
    (tmp_path / "events" / "exposures" / "date=2026-11-01").mkdir(parents=True)
    (tmp_path / "events" / "exposures" / "date=2026-11-01" / "one.jsonl").write_text("{}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "path",
    [
        "events/exposures/date=2026-11-02/two.jsonl",
        "events/actions/date=2026-11-01/one.jsonl",
        "events/identities/date=2026-11-01/one.jsonl",
        "experiments.lock.json",
        "results/Checkout.json",
    ],
)
def test_whatever_a_reading_would_read_is_part_of_the_state(project: Path, path: str) -> None:
    clock = Clock()
    state = DataState("events", clock=clock)
    before = state()
    assert before
    clock.now += AT_ONCE
    assert state() == before
    (project / path).parent.mkdir(parents=True, exist_ok=True)
    (project / path).write_text("{}")
    clock.now += AT_ONCE
    assert state() != before


def test_a_folder_is_looked_through_once_for_all_experiments(project: Path) -> None:
    clock = Clock()
    state = DataState("events", clock=clock)
    before = state()
    (project / "events" / "exposures" / "date=2026-11-01" / "two.jsonl").write_text("{}")
    assert state() == before
    clock.now += AT_ONCE
    assert state() != before


@pytest.mark.parametrize("events", ["nowhere", "s3://bucket/events"])
def test_of_events_that_are_not_here_nothing_is_known(project: Path, events: str) -> None:
    assert project.exists()
    assert DataState(events)() == ""


def test_of_tables_nothing_is_known() -> None:
    assert StoredSource(manager(), tables={"exposures": "one"}).data_state() == ""


def test_events_are_read_again_only_when_some_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_state, "AT_ONCE", 0.0)
    events = write_events(tmp_path / "events", units=300)
    read: list[str] = []

    class Counted(StoredSource):
        def gather(self, question: Question, progress: Progress) -> ExperimentSums:
            read.append(question.experiment)
            return super().gather(question, progress)

    def panel() -> Panel:
        source = Counted(manager(), events=str(events))
        return Panel(source, keep=tmp_path / "kept", refresh=timedelta(0))

    first = panel()
    units = result(first, "Checkout")["metrics"][0]["control"]["units"]
    assert read.count("Checkout") == 1
    assert result(first, "Checkout")["metrics"][0]["control"]["units"] == units
    first.close()
    second = panel()
    assert result(second, "Checkout")["metrics"][0]["control"]["units"] == units
    assert read.count("Checkout") == 1
    more = write_events(tmp_path / "more", units=600) / "exposures" / "part.parquet"
    more.replace(events / "exposures" / "more.parquet")
    deadline = time.monotonic() + PATIENCE
    while result(second, "Checkout")["metrics"][0]["control"]["units"] == units:
        assert time.monotonic() < deadline
    second.close()
    assert read.count("Checkout") == 2


def test_the_overview_reads_no_experiment_again_that_is_over(shop_events: Path) -> None:
    read: list[str] = []

    class Over(Checkout):
        name = "Over"
        salt = Checkout.salt
        starts = "2026-11-01"
        ends = "2026-11-20"

    class Counted(StoredSource):
        def data_state(self) -> str:
            return ""  # Events come all the time.

        def gather(self, question: Question, progress: Progress) -> ExperimentSums:
            read.append(question.experiment)
            return analysis_of(shop_events).gather(progress)

    found = manager()
    found.add(Over)
    clock = [datetime.now(UTC)]
    panel = Panel(Counted(found, events=str(shop_events)), clock=lambda: clock[0])
    settled(panel, "")
    clock[0] += timedelta(minutes=4)
    assert b"; the active ones were checked 4 minutes ago<" in settled(panel, "").body
    clock[0] += timedelta(minutes=6)
    settled(panel, "")
    assert (read.count("Checkout"), read.count("Over")) == (2, 1)
    clock[0] += timedelta(days=1)
    settled(panel, "")
    panel.close()
    assert read.count("Over") == 2
