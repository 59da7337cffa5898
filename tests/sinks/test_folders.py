"""The sink that writes files, in file systems of fsspec and pyarrow.

S3 is moto's server, in a process of its own: a good imitation that s3fs talks to over HTTP.
"""

import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec  # type: ignore[import-untyped]
import pyarrow.fs
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]
from fsspec.implementations.memory import MemoryFileSystem  # type: ignore[import-untyped]

from abkit.errors import DeliveryError
from abkit.events import EXPOSURE_COLUMNS
from abkit.sinks.base import Retry
from abkit.sinks.files import FileSink, Format

from .contract import SinkContract, action, exposure


class FolderContract(SinkContract):
    """Override `sink`; set `reader`, a file system of fsspec, and `directory`, a path in it."""

    format: Format = "jsonl"
    reader: Any
    directory: str

    def files(self, kind: str) -> list[str]:
        self.reader.invalidate_cache()
        found: list[str] = self.reader.glob(f"{self.directory}/{kind}/date=*/*.{self.format}")
        return found

    def rows(self, kind: str) -> list[dict[str, Any]]:
        return [row for path in self.files(kind) for row in self.rows_of(path)]

    def rows_of(self, path: str) -> list[dict[str, Any]]:
        content: bytes = self.reader.cat_file(path)
        if self.format == "jsonl":
            return [json.loads(line) for line in content.decode().split("\n") if line]
        rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(content)).to_pylist()
        return rows

    def count(self, sink: Any) -> tuple[int, int]:
        return len(self.rows("exposures")), len(self.rows("actions"))

    def count_identities(self, sink: Any) -> int:
        return len(self.rows("identities"))

    def test_the_columns_are_those_of_the_schema(self, sink: FileSink) -> None:
        self.send(sink, exposure("42", insert_id="i"))
        (row,) = self.rows("exposures")
        assert list(row) == list(EXPOSURE_COLUMNS)
        assert (row["insert_id"], row["unit_id"]) == ("i", "42")

    def test_each_batch_has_files_of_its_own_and_nothing_else_is_left(self, sink: FileSink) -> None:
        for _ in range(3):
            self.send(sink, exposure(), action())
        self.reader.invalidate_cache()
        assert len(self.reader.find(self.directory)) == 6

    def test_a_reader_never_meets_half_a_file(self, sink: FileSink) -> None:
        done = threading.Event()
        found: list[int] = []
        broken: list[Exception] = []

        def read_all_the_time() -> None:
            while not done.is_set():
                try:
                    found.extend(len(self.rows_of(path)) for path in self.files("exposures"))
                except (OSError, ValueError) as error:
                    broken.append(error)

        reader = threading.Thread(target=read_all_the_time)
        reader.start()
        for _ in range(20):
            self.send(sink, *(exposure() for _ in range(200)))
        done.set()
        reader.join()
        assert broken == []
        assert set(found) <= {200}
        assert len(self.rows("exposures")) == 4_000


class TestMemory(FolderContract):
    """A file system that is neither the local one nor an object store."""

    @pytest.fixture
    def sink(self) -> FileSink:
        self.reader = MemoryFileSystem()
        self.directory = f"/{uuid4().hex}"
        return FileSink(f"memory:/{self.directory}", format=self.format)


class TestMemoryParquet(TestMemory):
    format: Format = "parquet"


class TestFsspecLocal(FolderContract):
    @pytest.fixture
    def sink(self, tmp_path: Path) -> FileSink:
        self.reader, self.directory = LocalFileSystem(), str(tmp_path / "events")
        return FileSink(self.directory, filesystem=LocalFileSystem(), format=self.format)

    def test_it_is_the_same_as_a_path(self, sink: FileSink) -> None:
        """With the file forced to the disk, and renamed."""
        FileSink(f"file://{self.directory}", format=self.format).send([exposure()])
        assert self.count(sink) == (1, 0)
        assert list((Path(self.directory) / ".incomplete").iterdir()) == []


class TestPyarrow(FolderContract):
    @pytest.fixture
    def sink(self, tmp_path: Path) -> FileSink:
        self.reader, self.directory = LocalFileSystem(), str(tmp_path / "events")
        filesystem = pyarrow.fs.SubTreeFileSystem(str(tmp_path), pyarrow.fs.LocalFileSystem())
        return FileSink("/events", filesystem=filesystem, format=self.format)


class Refusing(MemoryFileSystem):  # type: ignore[misc]
    """Refuses what is moved to the folder of the actions, as a cloud does: with an error of its own."""

    class QuotaError(Exception):
        pass

    refuses = False

    def mv(self, path1: str, path2: str, **options: Any) -> None:
        if self.refuses and "actions" in path2:
            raise self.QuotaError("no room")
        super().mv(path1, path2, **options)


def test_a_batch_that_fails_leaves_no_part_of_it_and_is_tried_again() -> None:
    filesystem = Refusing()
    directory = f"/{uuid4().hex}"
    sink = FileSink(directory, filesystem=filesystem, format="jsonl")
    filesystem.refuses = True
    outcome = sink.send([exposure(), action()])
    assert outcome == Retry(reason=f"cannot write to {directory}: QuotaError: no room")
    assert filesystem.find(directory) == []
    filesystem.refuses = False
    assert sink.send([exposure(), action()]) is None
    assert len(filesystem.find(directory)) == 2


class Gradual(MemoryFileSystem):  # type: ignore[misc]
    """Shows files while they are written."""

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        super().pipe_file(path, value[: len(value) // 2])
        self.glimpsed = self.glob(f"/{Path(path).parts[1]}/*/date=*/*")
        super().pipe_file(path, value)


def test_what_shows_files_while_they_are_written_is_written_to_aside() -> None:
    filesystem = Gradual()
    directory = f"/{uuid4().hex}"
    sink = FileSink(directory, filesystem=filesystem, format="jsonl")
    assert sink.send([exposure()]) is None
    assert filesystem.glimpsed == []
    assert len(filesystem.glob(f"{directory}/*/date=*/*")) == 1


@pytest.mark.parametrize(
    ("url", "problem"),
    [("nosuchstore://bucket", "no file system for nosuchstore://bucket"), ("http://h/x", "http")],
)
def test_a_url_that_cannot_be_written_to_is_an_error_at_once(url: str, problem: str) -> None:
    with pytest.raises(DeliveryError, match=problem):
        FileSink(url, format="jsonl")


def test_a_password_in_a_url_is_never_shown() -> None:
    shown = repr(FileSink(f"memory://me:secret@host/{uuid4().hex}", format="jsonl"))
    assert shown.startswith("<FileSink jsonl in memory://me:***@host/")


S3_FORK = """
import os, sys
import s3fs
from abkit.events import Action
from abkit.sinks.files import FileSink

filesystem = s3fs.S3FileSystem(key="k", secret="s", endpoint_url=sys.argv[1])
sink = FileSink(sys.argv[2], filesystem=filesystem, format="jsonl")
before = set(sys.modules)
assert sink.send([Action(name="parent", time=1.0)]) is None
child = os.fork()
assert sink.send([Action(name="parent again" if child else "child", time=1.0)]) is None
if child:
    assert os.waitpid(child, 0)[1] == 0
"""


class TestS3(FolderContract):
    format: Format = "parquet"

    @pytest.fixture
    def sink(self, s3_endpoint: str) -> FileSink:
        self.endpoint = s3_endpoint
        options = {"key": "k", "secret": "s", "endpoint_url": s3_endpoint}
        self.reader = fsspec.filesystem("s3", **options)
        bucket = f"bucket-{uuid4().hex}"
        self.reader.mkdir(bucket)
        self.directory = f"{bucket}/events"
        return FileSink(f"s3://{self.directory}", filesystem=fsspec.filesystem("s3", **options))

    def test_a_forked_child_has_a_connection_of_its_own(self, sink: FileSink) -> None:
        subprocess.run(
            [sys.executable, "-c", S3_FORK, self.endpoint, self.directory],
            check=True,
            timeout=60,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert len(self.reader.find(f"{self.directory}/actions")) == 3

    def test_pyarrows_own_client_will_do(self, sink: FileSink) -> None:
        keys = {"access_key": "k", "secret_key": "s"}
        client = pyarrow.fs.S3FileSystem(
            **keys, endpoint_override=self.endpoint, region="us-east-1"
        )
        self.send(FileSink(self.directory, filesystem=client), exposure(), action())
        assert self.count(sink) == (1, 1)

    def test_a_bucket_that_is_gone_is_tried_again(self, sink: FileSink) -> None:
        bucket = self.directory.partition("/")[0]
        self.reader.rm(bucket, recursive=True)
        outcome = sink.send([exposure()])
        assert isinstance(outcome, Retry)
        assert bucket in outcome.reason
        with pytest.raises(DeliveryError, match="must be a directory that can be written to"):
            FileSink(f"s3://{self.directory}", filesystem=self.reader)
