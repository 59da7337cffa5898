"""Where sums come from."""

import threading
from pathlib import Path

import pytest
from tests.panel.shop import manager, repeat, write_events

from abkit.errors import AnalysisError
from abkit.panel import StoredSource
from abkit.panel.questions import Question
from abkit.panel.source import Interruptible


def test_a_query_that_runs_is_ended_from_another_thread(tmp_path: Path) -> None:
    events = write_events(tmp_path / "events", units=600)
    repeat(events)
    source = StoredSource(manager(), events=str(events))
    assert isinstance(source, Interruptible)
    source.interrupt()  # Nothing runs: nothing happens.
    ended = threading.Event()

    def interrupt() -> None:
        while not ended.wait(0.05):  # It may not run yet.
            source.interrupt()

    thread = threading.Thread(target=interrupt)

    def progress(what: str, _step: int, _of: int) -> None:
        if what == "exposures in the table":
            thread.start()

    with pytest.raises(AnalysisError, match="Interrupted"):
        source.gather(Question("Checkout"), progress)
    ended.set()
    thread.join()


@pytest.mark.parametrize(("processors", "threads"), [(1, 1), (2, 1), (8, 4), (None, 1)])
def test_reading_leaves_half_of_the_machine_to_the_application(
    shop_events: Path, monkeypatch: pytest.MonkeyPatch, processors: int | None, threads: int
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: processors)
    source = StoredSource(manager(), events=str(shop_events))
    used: list[object] = []

    def progress(*_: object) -> None:
        running = source._running
        assert running is not None
        used.extend(
            row["used"] for row in running.rows("select current_setting('threads') as used")
        )

    source.gather(Question("Checkout"), progress)
    assert set(used) == {threads}
