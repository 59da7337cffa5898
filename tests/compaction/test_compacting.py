"""The days of a folder are merged beside those who write and read it, on disks and elsewhere."""

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import fsspec  # type: ignore[import-untyped]
import pyarrow.parquet as pq
import pytest
from attrs import evolve
from fsspec.implementations.memory import MemoryFileSystem  # type: ignore[import-untyped]

from abkit import Conversion, Sum, UserExperiment
from abkit.analysis.analysis import Analysis
from abkit.compaction.compacting import CompactedDay
from abkit.compaction.days import KINDS
from abkit.errors import AnalysisError, CompactionError
from abkit.open_files import open_name
from abkit.sinks.files import FileSink
from abkit.sinks.records import json_line, record

from ..forwarder import forwarding
from .stored import AT_ONCE, action, events, expected, exposure, files, ids, ids_in, write

DAY = "date=2026-11-01"


def told(days: Sequence[CompactedDay]) -> list[tuple[str, int, int, str]]:
    return [(str(each.day), each.replaced, each.files, each.problem) for each in days]


def test_each_day_that_is_over_becomes_one_file_of_each_kind(tmp_path: Path) -> None:
    write(tmp_path)
    reported: list[CompactedDay] = []
    days = AT_ONCE.run(str(tmp_path), report=reported.append)
    assert reported == days
    assert told(days) == [
        (f"{kind} of 2026-11-0{day}", 4, 1, "") for day in (1, 2) for kind in sorted(KINDS)
    ]
    assert len(files(tmp_path)) == 6
    for kind in KINDS:
        assert ids(tmp_path, kind) == expected(kind)
    assert AT_ONCE.run(str(tmp_path)) == []
    assert [*(tmp_path / ".incomplete").iterdir()] == []


def test_a_day_is_merged_when_it_has_been_over_for_so_long(tmp_path: Path) -> None:
    """It is five o'clock of the 21st, in UTC: the 20th has been over for five hours."""
    for day in (18, 19, 20):
        for number in (1, 2):
            FileSink(tmp_path).send([exposure(number, day=day)])

    def merged(**older: float) -> list[str]:
        compaction = evolve(AT_ONCE, older_than=timedelta(**older))
        return [str(each.day.date) for each in compaction.run(str(tmp_path))]

    assert merged(days=2) == []
    assert merged(days=1) == ["2026-11-19"]
    assert merged(hours=5.5) == []
    assert merged(hours=5) == ["2026-11-20"]
    assert merged(hours=0) == []


def test_what_comes_later_is_merged_with_what_was_merged(tmp_path: Path) -> None:
    write(tmp_path, batches=2)
    AT_ONCE.run(str(tmp_path))
    FileSink(tmp_path).send([action(3), action(900)])
    (again,) = AT_ONCE.run(str(tmp_path))
    assert told([again]) == [("actions of 2026-11-01", 2, 1, "")]
    assert (again.rows, again.copies) == (11, 1)
    assert ids(tmp_path, "actions") == expected("actions", batches=2) + Counter(["a0-900"])


class Exp0(UserExperiment):
    salt = "s"
    variants = ["a", "b"]
    metrics = [Conversion("look"), Sum("revenue", action="buy", property="price")]


class Exp1(Exp0):
    salt = "s"


def numbers(where: Path) -> list[Any]:
    found = []
    for experiment in (Exp0, Exp1):
        result = Analysis(
            experiment,
            exposures=str(where / "exposures"),
            actions=str(where / "actions"),
            identities=str(where / "identities"),
        )
        document = result.run().to_dict()
        found.append({name: document[name] for name in ("exposures", "metrics", "warnings")})
    return found


def test_an_analysis_has_the_same_numbers_before_and_after_and_in_the_middle(
    tmp_path: Path,
) -> None:
    write(tmp_path, days=1)
    FileSink(tmp_path).send(events(range(3)))  # sent again
    before = numbers(tmp_path)
    in_the_middle: list[Any] = []

    def look(_seconds: float) -> None:
        if not in_the_middle:
            assert len(files(tmp_path)) == 3 * 5 + 3
            in_the_middle.append(numbers(tmp_path))

    evolve(AT_ONCE, settle=timedelta(seconds=10), wait=look).run(str(tmp_path))
    assert len(files(tmp_path)) == 3
    assert [numbers(tmp_path)] == in_the_middle == [before]
    assert sum(count["rows"] for of in before for count in of["exposures"]["variants"]) == 20


def test_a_file_whose_rows_cannot_be_told_apart_stays_as_it_is(tmp_path: Path) -> None:
    """If a run were killed, its rows would be there twice, and nobody could tell."""
    write(tmp_path, days=1)
    one = files(tmp_path, "actions")[0]
    table = pq.read_table(one)
    foreign = one.with_name("foreign.parquet")
    pq.write_table(table.drop_columns(["insert_id"]), foreign)
    content = foreign.read_bytes()
    found = {each.day.kind: each for each in AT_ONCE.run(str(tmp_path))}
    assert [file.name for file in found["actions"].left] == ["foreign.parquet"]
    assert told([found["actions"]]) == [("actions of 2026-11-01", 4, 1, "")]
    assert foreign.read_bytes() == content
    assert [file for file in files(tmp_path, "actions") if file != foreign] != []
    (again,) = AT_ONCE.run(str(tmp_path))
    assert told([again]) == [("actions of 2026-11-01", 0, 0, "")]
    assert len(again.left) == 1


def test_what_a_run_left_that_was_interrupted_is_put_right_by_the_next(tmp_path: Path) -> None:
    write(tmp_path, days=1)
    old = {file: file.read_bytes() for file in files(tmp_path)}
    AT_ONCE.run(str(tmp_path))
    for file, content in [*old.items()][::2]:
        file.write_bytes(content)
    AT_ONCE.run(str(tmp_path))
    assert len(files(tmp_path)) == 3
    for kind in KINDS:
        assert ids(tmp_path, kind) == expected(kind, days=1)


def test_what_a_killed_process_was_writing_is_merged_but_for_half_a_line(tmp_path: Path) -> None:
    write(tmp_path, days=1)
    lines = [json_line(record(action(number))) for number in (50, 51, 52)]
    dead, alive = (tmp_path / "actions" / DAY / open_name(process * 32) for process in ("0", "1"))
    dead.write_text("\n".join([*lines[:2], lines[2][:40]]))
    alive.write_text(lines[2][:40])
    hours_ago = time.time() - 3_700
    os.utime(dead, (hours_ago, hours_ago))
    AT_ONCE.run(str(tmp_path))
    assert ids(tmp_path, "actions") == expected("actions", days=1) + Counter(["a0-50", "a0-51"])
    assert (dead.exists(), alive.exists()) == (False, True)


def test_an_old_file_that_changes_meanwhile_stays(tmp_path: Path) -> None:
    write(tmp_path, days=1)
    changing = files(tmp_path, "exposures")[0]

    def change(_seconds: float) -> None:
        FileSink(tmp_path / "other").send([exposure(77)])
        files(tmp_path / "other")[0].replace(changing)

    evolve(AT_ONCE, settle=timedelta(seconds=10), wait=change).run(str(tmp_path))
    assert changing.exists()
    AT_ONCE.run(str(tmp_path))
    assert ids(tmp_path, "exposures") == expected("exposures", days=1) + Counter(["e0-77"])


def test_a_file_that_cannot_be_read_is_told_and_stops_no_other_day(tmp_path: Path) -> None:
    write(tmp_path)
    broken = tmp_path / "actions" / DAY / "broken.parquet"
    broken.write_bytes(b"PAR1 and no more")
    days = AT_ONCE.run(str(tmp_path))
    assert [str(each.day) for each in days if each.problem] == ["actions of 2026-11-01"]
    assert "broken.parquet" in days[0].problem
    assert len(files(tmp_path, "actions")) == 4 + 1 + 1
    assert ids(tmp_path, "exposures") == expected("exposures")


def test_what_is_no_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(CompactionError, match="evnts is no folder; give the one that a FileSink"):
        AT_ONCE.run(str(tmp_path / "evnts"))
    with pytest.raises(CompactionError, match="memory://nobody does not exist; give the folder"):
        AT_ONCE.run("memory://nobody")
    with pytest.raises(AnalysisError, match="unheard://x cannot be read"):
        AT_ONCE.run("unheard://x")
    assert AT_ONCE.run(str(tmp_path)) == []


def test_several_runs_at_once_beside_writers_and_readers_lose_nothing(tmp_path: Path) -> None:
    write(tmp_path, batches=6)
    known = [expected(kind, batches=6) for kind in KINDS]
    done = threading.Event()
    missed: list[Any] = []
    written: list[int] = []

    def read() -> None:
        while not done.is_set():
            for kind, certain in zip(KINDS, known, strict=True):
                missed.extend(certain.keys() - seen(tmp_path, kind).keys())

    def add() -> None:
        sink = FileSink(tmp_path)
        while not done.is_set() and len(written) < 12:
            number = 1_000 + len(written)
            sink.send(events(range(number, number + 1)))
            written.append(number)

    def merge() -> None:
        for _ in range(2):
            AT_ONCE.run(str(tmp_path))

    others = [threading.Thread(target=each) for each in (read, add)]
    runs = [threading.Thread(target=merge) for _ in range(2)]
    for thread in (*others, *runs):
        thread.start()
    for thread in runs:
        thread.join()
    done.set()
    for thread in others:
        thread.join()
    assert missed == []
    AT_ONCE.run(str(tmp_path))
    for kind, certain in zip(KINDS, known, strict=True):
        late = Counter(f"{kind[0]}0-{number}" for number in written)
        assert ids(tmp_path, kind) == certain + late


def seen(where: Path, kind: str) -> Counter[str]:
    """As a reader who lists until nothing is gone, and lists again if a file is gone."""
    import duckdb

    while True:
        found = files(where, kind)
        if not {*files(where, kind)} >= {*found}:
            continue
        try:
            return ids_in(found)
        except duckdb.IOException:
            continue


class Cloud(MemoryFileSystem):  # type: ignore[misc]
    """Fails as it is told: the calls of a method with a path that has a text in it."""

    protocol = "cloud"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    fails: ClassVar[dict[str, str]] = {}

    class RefusedError(Exception):
        pass

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        stripped: str = MemoryFileSystem._strip_protocol(path.removeprefix("cloud://"))
        return stripped

    def _maybe(self, method: str, path: str) -> None:
        text = self.fails.get(method)
        if text is not None and text in path:
            raise self.RefusedError(f"no {method} of {path}")

    def put_file(self, lpath: str, rpath: str, **options: Any) -> None:
        self._maybe("put", rpath)
        super().put_file(lpath, rpath, **options)

    def mv(self, path1: str, path2: str, **options: Any) -> None:
        self._maybe("move", path2)
        super().mv(path1, path2, **options)

    def rm(self, path: Any, **options: Any) -> None:
        for each in [path] if isinstance(path, str) else path:
            self._maybe("remove", each)
            super().rm(each, **options)

    def find(self, path: str, **options: Any) -> Any:
        self._maybe("list", path)
        return super().find(path, **options)


@pytest.fixture
def cloud() -> Iterator[str]:
    fsspec.register_implementation("cloud", Cloud, clobber=True)
    url = f"cloud://{uuid4().hex}"
    write(url)
    yield url
    Cloud.fails.clear()
    Cloud.store.clear()


def remote_files(url: str) -> list[str]:
    filesystem, path = fsspec.core.url_to_fs(url)
    filesystem.invalidate_cache()
    return sorted(name.removeprefix(f"{path}/") for name in filesystem.find(path))


def remote_ids(url: str, kind: str, into: Path) -> Counter[str]:
    filesystem, path = fsspec.core.url_to_fs(url)
    copies = into / uuid4().hex
    copies.mkdir()
    found = [copies / f"{uuid4().hex}.parquet" for _ in filesystem.find(f"{path}/{kind}")]
    filesystem.get(sorted(filesystem.find(f"{path}/{kind}")), [str(each) for each in found])
    return ids_in(found)


@pytest.mark.parametrize(
    ("fails", "failed", "left"),
    [
        ({"put": ".incomplete"}, 6, 24),
        ({"move": f"actions/{DAY}"}, 1, 5 + 4),
        # Old and new ones stay beside each other.
        ({"remove": f"actions/{DAY}"}, 1, 5 + 4 + 1),
    ],
)
def test_what_a_file_system_refuses_is_told_and_done_by_the_next_run(
    fails: dict[str, str], failed: int, left: int, cloud: str, tmp_path: Path
) -> None:
    Cloud.fails.update(fails)
    days = AT_ONCE.run(cloud)
    problems = [each.problem for each in days if each.problem]
    assert len(problems) == failed
    assert all("RefusedError" in problem for problem in problems)
    assert len(remote_files(cloud)) == left
    for kind in KINDS:
        assert remote_ids(cloud, kind, tmp_path).keys() == expected(kind).keys()
    Cloud.fails.clear()
    assert len(AT_ONCE.run(cloud)) == failed
    assert len(remote_files(cloud)) == 6
    for kind in KINDS:
        assert remote_ids(cloud, kind, tmp_path) == expected(kind)


def test_a_folder_that_cannot_be_listed_is_told(cloud: str) -> None:
    Cloud.fails["list"] = "actions"
    with pytest.raises(OSError, match="RefusedError: no list of"):
        AT_ONCE.run(cloud)
    assert len(remote_files(cloud)) == 24


def test_a_listing_that_has_what_is_gone_loses_nothing(
    cloud: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store may tell for a while of what another run has removed."""
    filesystem, path = fsspec.core.url_to_fs(cloud)
    stale = {
        folder: MemoryFileSystem.find(filesystem, f"{path}/{folder}", detail=True)
        for folder in (
            *KINDS,
            *(f"{kind}/{date}" for kind in KINDS for date in (DAY, "date=2026-11-02")),
        )
    }
    AT_ONCE.run(cloud)
    monkeypatch.setattr(
        Cloud, "find", lambda self, where, **options: stale[where.removeprefix(f"{path}/")]
    )
    problems = {each.problem.partition(" ")[2] for each in AT_ONCE.run(cloud)}
    assert problems == {"is gone: another one merges too, or it was removed"}
    monkeypatch.undo()
    for kind in KINDS:
        assert remote_ids(cloud, kind, tmp_path) == expected(kind)


@pytest.fixture
def s3(s3: str) -> str:
    """A folder of events in a new bucket."""
    return f"{s3}/events"


def test_objects_of_s3_are_merged_also_if_a_listing_has_several_pages(
    s3: str, tmp_path: Path
) -> None:
    write(s3, days=1)
    store = fsspec.filesystem("s3")
    lines = {
        f"{s3}/actions/{DAY}/{number:032x}.jsonl": f"{json_line(record(action(number)))}\n".encode()
        for number in range(100, 170)
    }
    store.pipe(lines)  # a page has thirty, as tests/conftest.py says
    days = AT_ONCE.run(s3)
    assert told(days) == [
        ("actions of 2026-11-01", 74, 1, ""),
        ("exposures of 2026-11-01", 4, 1, ""),
        ("identities of 2026-11-01", 4, 1, ""),
    ]
    assert len(remote_files(s3)) == 3
    late = Counter(f"a0-{number}" for number in range(100, 170))
    assert remote_ids(s3, "actions", tmp_path) == expected("actions", days=1) + late
    assert json.loads(pq.read_table(next_copy(s3, tmp_path))["properties"][0].as_py())
    assert AT_ONCE.run(s3) == []


def test_what_s3_refuses_is_told_and_tried_again_and_no_event_is_lost(
    s3: str, s3_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(s3, days=1)
    old = remote_files(s3)
    with forwarding(s3_endpoint) as forwarder:
        monkeypatch.setenv("AWS_ENDPOINT_URL", forwarder.url)
        fsspec.filesystem("s3").clear_instance_cache()
        forwarder.judge = lambda method, _path: (403, "AccessDenied") if method == "PUT" else None
        assert {each.problem for each in AT_ONCE.run(s3)} == {
            "PermissionError: refused: AccessDenied"
        }
        assert remote_files(s3) == old
        forwarder.judge = lambda method, _path: (403, "AccessDenied") if method == "POST" else None
        assert all("the old files are still there" in each.problem for each in AT_ONCE.run(s3))
        assert {*remote_files(s3)} > {*old}
        fails = {"GET": 1, "PUT": 1, "POST": 1}

        def once(method: str, _path: str) -> tuple[int, str] | None:
            if not fails.get(method):
                return None
            fails[method] -= 1
            return 500, "InternalError"

        forwarder.judge = once
        assert [each.problem for each in AT_ONCE.run(s3)] == [""] * 3
        assert not any(fails.values())
    assert len(remote_files(s3)) == 3
    for kind in KINDS:
        assert remote_ids(s3, kind, tmp_path) == expected(kind, days=1)


def next_copy(url: str, into: Path) -> Path:
    copy = into / "actions.parquet"
    (name,) = [each for each in remote_files(url) if each.startswith("actions/")]
    fsspec.filesystem("s3").get_file(f"{url}/{name}", str(copy))
    return copy
