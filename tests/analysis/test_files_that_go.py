"""Files that others merge or remove while an analysis reads them."""

from pathlib import Path

import pytest

from abkit import Action, Conversion, Exposure
from abkit.analysis import Analysis, Design
from abkit.analysis.engines.local import DuckDB
from abkit.errors import AnalysisError
from abkit.sinks.files import FileSink

DOORS = Design(name="Doors", control="a", metrics=(Conversion("opened"),))


@pytest.fixture
def events(tmp_path: Path) -> Path:
    folder = tmp_path / "events"
    sink = FileSink(folder)
    for user in range(10):
        sink.send([Exposure("Doors", "s", "user", str(user), "ab"[user % 2], 0.0)])
        sink.send([Action("opened", 60.0, user_id=str(user))])
        sink.close()
    return folder


class Merging:
    """Lets a file get another name once the analysis has begun to read."""

    def __init__(self, events: Path) -> None:
        self._file = min((events / "actions").rglob("*.parquet"))

    def __call__(self, what: str, _step: int, _of: int) -> None:
        if what.startswith("sums") and self._file.exists():
            self._file.rename(self._file.with_name("merged.parquet"))


def test_an_analysis_that_finds_a_file_gone_begins_again(events: Path) -> None:
    analysis = Analysis(DOORS, exposures=events / "exposures", actions=events / "actions")
    result = analysis.run(Merging(events))
    assert [*(events / "actions").rglob("merged.parquet")]
    assert result["opened"].control.conversions == result["opened"]["b"].arm.conversions == 5


def test_an_engine_of_the_caller_is_not_asked_again(events: Path) -> None:
    with DuckDB() as engine:
        analysis = Analysis(
            DOORS, exposures=events / "exposures", actions=events / "actions", engine=engine
        )
        with pytest.raises(AnalysisError, match="was removed while it was read"):
            analysis.run(Merging(events))
