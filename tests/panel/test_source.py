"""Where sums come from."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest
from tests.panel.shop import manager, repeat, write_events

from abkit.analysis.aggregation.measures import MAXIMUM_SEGMENTS
from abkit.analysis.engines.base import Row
from abkit.analysis.engines.local import DuckDB
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


class CountingRows(DuckDB):
    """DuckDB; the most rows that an answer had, it remembers."""

    most = 0

    def rows(self, query: str) -> Sequence[Row]:
        found = super().rows(query)
        self.most = max(self.most, len(found))
        return found


def test_only_the_largest_values_of_a_property_leave_the_database(tmp_path: Path) -> None:
    """Of a property with a million of them, too: some are as large as others, and one is missing."""
    events = write_events(tmp_path / "events", units=3_000)
    session = {f"u{unit}": str(unit) if unit % 2 else f"group {unit % 26}" for unit in range(2_000)}
    with duckdb.connect() as database:
        of = f"'{events}/exposures/part.parquet'"
        database.execute(f"create table exposures as select * from {of}")  # noqa: S608 - our own
        database.execute("create table sessions (unit text, told text)")
        told = [[unit, json.dumps({"session": of_unit})] for unit, of_unit in session.items()]
        database.executemany("insert into sessions values (?, ?)", told)
        joined = "exposures left join sessions on unit = unit_id"
        told_too = "select exposures.* replace (coalesce(told, '{}') as properties)"
        database.execute(f"copy ({told_too} from {joined}) to {of}")
    with CountingRows() as engine:
        tables = {name: f"{events}/{name}/part.parquet" for name in ("exposures", "actions")}
        source = StoredSource(manager(), tables={**tables, "engine": engine})
        sums = source.gather(Question("Checkout", by="session"), lambda *_: None)
        parts = sums.measured.parts
        assert engine.most < 300  # days and variants
    assert len(parts) == MAXIMUM_SEGMENTS
    assert parts[0].value is None
    assert sum(of.n for of in parts[0].sums.values()) == 1_000
    sizes = [sum(of.n for of in part.sums.values()) for part in parts[1:]]
    largest = sorted(
        (f"group {group}" for group in range(0, 26, 2)),
        key=lambda name: (-sum(of == name for of in session.values()), name),
    )
    assert [part.value for part in parts[1:]] == largest[: MAXIMUM_SEGMENTS - 1]
    assert sizes == [sum(of == part.value for of in session.values()) for part in parts[1:]]
