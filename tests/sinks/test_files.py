"""The sink that writes files."""

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from abkit.errors import DeliveryError
from abkit.events import ACTION_COLUMNS, EXPOSURE_COLUMNS, IDENTITY_COLUMNS, Event
from abkit.sinks.base import BatchLimits, Retry
from abkit.sinks.files import FileSink, Format

from .contract import ODD_PROPERTIES, TIME, SinkContract, action, exposure, identity


class FileSinkContract(SinkContract):
    format: Format

    @pytest.fixture
    def sink(self, tmp_path: Path) -> FileSink:
        self.directory = tmp_path / "events"
        return FileSink(self.directory, format=self.format)

    def files(self, kind: str) -> list[Path]:
        return sorted((self.directory / kind).glob(f"date=*/*.{self.format}"))

    def pattern(self, kind: str) -> str:
        return f"{self.directory}/{kind}/*/*.{self.format}"

    def rows(self, kind: str) -> list[dict[str, Any]]:
        raise NotImplementedError

    def count(self, sink: Any) -> tuple[int, int]:
        return len(self.rows("exposures")), len(self.rows("actions"))

    def count_identities(self, sink: Any) -> int:
        return len(self.rows("identities"))

    def test_files_are_in_folders_by_kind_and_utc_date(self, sink: FileSink) -> None:
        midnight = datetime(2024, 5, 18, tzinfo=UTC).timestamp()
        just_before: list[Event] = [exposure(time=midnight - 1e-6), identity(time=midnight - 1e-6)]
        sink.send([*just_before, exposure(time=midnight), action(time=midnight)])
        folders = [path.parent.relative_to(self.directory) for path in self.directory.rglob("*.*")]
        found = sorted(str(folder) for folder in folders if folder.name.startswith("date="))
        assert found == [
            "actions/date=2024-05-18",
            "exposures/date=2024-05-17",
            "exposures/date=2024-05-18",
            "identities/date=2024-05-17",
        ]

    def test_the_columns_are_those_of_the_schema(self, sink: FileSink) -> None:
        sink.send([exposure(), action(), identity()])
        assert list(self.rows("exposures")[0]) == list(EXPOSURE_COLUMNS)
        assert list(self.rows("actions")[0]) == list(ACTION_COLUMNS)
        assert list(self.rows("identities")[0]) == list(IDENTITY_COLUMNS)

    def test_each_batch_has_files_of_its_own(self, sink: FileSink) -> None:
        for _ in range(20):
            sink.send([exposure()])
        assert len(self.files("exposures")) == 20

    def test_sinks_in_several_threads_do_not_overwrite_each_other(self, sink: FileSink) -> None:
        others = [FileSink(self.directory, format=self.format) for _ in range(4)]

        def send_many(other: FileSink) -> None:
            for _ in range(10):
                other.send([exposure()])

        threads = [threading.Thread(target=send_many, args=(other,)) for other in others]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(self.files("exposures")) == 40

    def test_nothing_unfinished_is_left(self, sink: FileSink) -> None:
        sink.send([exposure(), action()])
        assert list((self.directory / ".incomplete").iterdir()) == []

    def test_a_disk_that_refuses_is_tried_again(self, sink: FileSink) -> None:
        (self.directory / "exposures").write_text("a file where the folder should be")
        outcome = sink.send([exposure(), action()])
        assert isinstance(outcome, Retry)
        assert str(self.directory) in outcome.reason
        (self.directory / "exposures").unlink()
        self.send(sink, exposure(), action())
        assert self.count(sink) == (1, 1)

    def test_a_batch_that_fails_leaves_no_part_of_it(self, sink: FileSink) -> None:
        (self.directory / "actions").write_text("a file where the folder should be")
        assert isinstance(sink.send([exposure(), action()]), Retry)
        assert self.files("exposures") == []
        assert list((self.directory / ".incomplete").iterdir()) == []

    def test_a_reader_never_meets_half_a_file(self, sink: FileSink) -> None:
        done = threading.Event()
        broken: list[str] = []

        def read_all_the_time() -> None:
            while not done.is_set():
                try:
                    self.rows("exposures")
                except (duckdb.Error, ValueError) as error:
                    broken.append(str(error))

        reader = threading.Thread(target=read_all_the_time)
        reader.start()
        for _ in range(30):
            sink.send([exposure(str(unit)) for unit in range(200)])
        done.set()
        reader.join()
        assert broken == []


class TestParquet(FileSinkContract):
    format: Format = "parquet"

    def rows(self, kind: str) -> list[dict[str, Any]]:
        if not self.files(kind):
            return []
        connection = duckdb.connect()
        connection.execute(
            "SELECT * EXCLUDE (date) REPLACE (epoch_us(time) AS time) FROM read_parquet(?)",
            [self.pattern(kind)],
        )
        names = [column[0] for column in connection.description or ()]
        return [dict(zip(names, row, strict=True)) for row in connection.fetchall()]

    def test_duckdb_reads_all_columns_back(self, sink: FileSink) -> None:
        sink.send([exposure("42", 1, properties={"price": 9.5, "tags": ["x"]}, insert_id="i1")])
        row = duckdb.connect().execute(
            """
            SELECT
                insert_id, epoch_us(time), variant, groups['org'],
                json_extract(properties, '$.price')::DOUBLE,
                json_extract_string(properties, '$.tags[0]')
            FROM read_parquet(?)
            """,
            [self.pattern("exposures")],
        )
        assert row.fetchone() == ("i1", round(TIME * 1e6), "1", "42", 9.5, "x")

    def test_the_types_are_the_same_whatever_the_data(self, sink: FileSink) -> None:
        sink.send([exposure(), action(properties=ODD_PROPERTIES)])
        types = duckdb.connect().execute(
            "SELECT column_name, column_type FROM (DESCRIBE FROM read_parquet(?))",
            [self.pattern("exposures")],
        )
        assert {name: kind for name, kind in types.fetchall() if name != "date"} == {
            name: {"timestamp": "TIMESTAMP WITH TIME ZONE", "map": "MAP(VARCHAR, VARCHAR)"}.get(
                kind, "VARCHAR"
            )
            for name, kind in EXPOSURE_COLUMNS.items()
        }


class TestJsonLines(FileSinkContract):
    format: Format = "jsonl"

    def rows(self, kind: str) -> list[dict[str, Any]]:
        lines = [line for path in self.files(kind) for line in path.read_text("utf-8").split("\n")]
        return [json.loads(line) for line in lines if line]

    def test_the_time_is_iso_8601_in_utc(self, sink: FileSink) -> None:
        sink.send([exposure()])
        assert self.rows("exposures")[0]["time"] == "2024-05-17T12:30:15.123456Z"

    def test_duckdb_reads_it_without_being_told_the_types(self, sink: FileSink) -> None:
        sink.send([exposure("42", properties={"price": 9.5}), exposure("43")])
        rows = duckdb.connect().execute(
            """
            SELECT unit_id, groups['org'], json_extract(properties, '$.price')::DOUBLE
            FROM read_json(?) ORDER BY unit_id
            """,
            [self.pattern("exposures")],
        )
        assert rows.fetchall() == [("42", "42", 9.5), ("43", "43", None)]


def test_a_directory_that_cannot_be_used_is_an_error_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DeliveryError, match="must be a directory that can be written to"):
        FileSink(tmp_path / "file", format="jsonl")


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_the_first_batch_imports_nothing(tmp_path: Path, kind: Format) -> None:
    """A fork in the middle of an import, or the end of the program, would be fatal."""
    program = f"""
import sys
from abkit.sinks.files import FileSink
from abkit.events import Exposure
sink = FileSink({str(tmp_path)!r}, format={kind!r})
event = Exposure(experiment="E", salt="s", unit_type="org", unit_id="1", variant="a", time=0.0,
                 groups={{"org": "1"}}, properties={{"odd": float("nan")}}, insert_id="i")
before = set(sys.modules)
assert sink.send([event]) is None
print(sorted(set(sys.modules) - before))
"""
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ran.stdout.strip() == "[]"


def test_an_unknown_format_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match='must be "parquet" or "jsonl"'):
        FileSink(tmp_path, format="csv")  # type: ignore[arg-type]


def test_files_ask_for_large_batches_unless_told_otherwise(tmp_path: Path) -> None:
    assert FileSink(tmp_path, format="jsonl").limits.count > BatchLimits().count
    assert FileSink(tmp_path, format="jsonl", limits=BatchLimits(count=3)).limits.count == 3
    assert repr(FileSink(tmp_path, format="jsonl")) == f"<FileSink jsonl in {tmp_path}>"
