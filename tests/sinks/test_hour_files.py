"""The files that a process appends to for an hour: what readers meet, and how they are closed."""

import errno
import fcntl
import gc
import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pyarrow.parquet as pq
import pytest

from abkit.analysis.reading.readers import reader
from abkit.events import Event
from abkit.open_files import closed_names, is_open, open_name
from abkit.sinks import hour_files
from abkit.sinks.base import Retry
from abkit.sinks.files import FileSink, Format
from abkit.sinks.growing_file import GrowingFile

from .contract import TIME, SinkContract, action, exposure

HOUR = 3_600
DAY = "date=2024-05-17"


class Clock:
    def __init__(self) -> None:
        self.now = TIME + 60

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return tmp_path / "events"


@pytest.fixture
def sink(events: Path, clock: Clock) -> FileSink:
    return FileSink(events, clock=clock)


def files(events: Path, kind: str = "exposures") -> list[Path]:
    return sorted((events / kind).glob("date=*/*"))


def open_files(events: Path, kind: str = "exposures") -> list[Path]:
    return [file for file in files(events, kind) if is_open(file.name)]


def closed_files(events: Path, kind: str = "exposures") -> list[Path]:
    return [file for file in files(events, kind) if not is_open(file.name)]


def rows_of(parquet: Iterable[Path]) -> int:
    counts: list[int] = [pq.read_metadata(file).num_rows for file in parquet]
    return sum(counts)


def named(count: int, *, begin: int = 0) -> list[Event]:
    return [exposure(f"{i}", insert_id=f"{i:06}") for i in range(begin, begin + count)]


def insert_ids(events: Path, kind: str = "exposures") -> list[str]:
    """Those that an analysis reads; from closed JSON Lines, they are JSON."""
    query = f"select trim(insert_id::varchar, '\"') from {reader(events / kind)} order by 1"  # noqa: S608
    return [name for (name,) in duckdb.connect().execute(query).fetchall()]


class GrowingContract(SinkContract):
    @pytest.fixture
    def sink(self, events: Path, clock: Clock) -> FileSink:
        self.events = events
        return FileSink(events, clock=clock)

    def rows(self, sink: FileSink, kind: str) -> int:
        raise NotImplementedError

    def count(self, sink: Any) -> tuple[int, int]:
        return self.rows(sink, "exposures"), self.rows(sink, "actions")

    def count_identities(self, sink: Any) -> int:
        return self.rows(sink, "identities")


class TestOpen(GrowingContract):
    """Events of today, as long as the file is open; events by hand of other days have files of their own."""

    def rows(self, sink: FileSink, kind: str) -> int:
        lines = [line for f in open_files(self.events, kind) for line in f.read_text().split("\n")]
        closed = rows_of(closed_files(self.events, kind))
        return len([json.loads(line) for line in lines if line]) + closed


class TestClosed(GrowingContract):
    def rows(self, sink: FileSink, kind: str) -> int:
        sink.close()
        assert open_files(self.events, kind) == []
        return rows_of(files(self.events, kind))


class TestClosedLines(GrowingContract):
    @pytest.fixture
    def sink(self, events: Path, clock: Clock) -> FileSink:
        self.events = events
        return FileSink(events, format="jsonl", clock=clock)

    def rows(self, sink: FileSink, kind: str) -> int:
        sink.close()
        assert open_files(self.events, kind) == []
        return sum(len(file.read_bytes().splitlines()) for file in files(self.events, kind))


def test_all_batches_of_an_hour_are_in_one_file(events: Path, sink: FileSink) -> None:
    for i in range(20):
        assert sink.send([*named(5, begin=5 * i), action()]) is None
    assert len(files(events)) == len(files(events, "actions")) == 1
    assert len(insert_ids(events)) == 100
    sink.close()
    (file,) = files(events)
    assert file.suffix == ".parquet"
    assert len(insert_ids(events)) == 100


def test_a_file_reads_the_same_open_and_closed(events: Path, sink: FileSink) -> None:
    properties = {"price": 9.5, "text": 'a "quoted" line\nand Zoë'}
    sink.send([exposure("42", 1, properties=properties, insert_id="i"), exposure("43")])

    def rows() -> list[Any]:
        query = f"select * from {reader(events / 'exposures')} order by insert_id"  # noqa: S608
        return duckdb.connect().execute(query).fetchall()

    def types() -> list[Any]:
        return duckdb.connect().execute(f"describe from {reader(events / 'exposures')}").fetchall()

    before = rows(), types()
    sink.close()
    assert (rows(), types()) == before
    assert len(before[0]) == 2


def test_a_closed_file_is_in_the_order_of_time(events: Path, sink: FileSink) -> None:
    for seconds in (5, 3, 4):
        sink.send([exposure(f"{seconds}", time=TIME + seconds), exposure("0", time=TIME)])
    sink.close()
    (file,) = files(events)
    assert pq.read_table(file)["unit_id"].to_pylist() == ["0", "0", "0", "3", "4", "5"]


@pytest.mark.parametrize("seconds", [HOUR, -120, 30 * 24 * HOUR])
def test_a_file_is_closed_when_its_hour_is_over_or_the_clock_was_set_back(
    events: Path, sink: FileSink, clock: Clock, seconds: float
) -> None:
    sink.send([exposure("1")])
    clock.now += HOUR - 1 if seconds > 0 else 0
    sink.send([exposure("2")])
    assert len(open_files(events)) == 1
    clock.now += seconds
    sink.send([])
    assert open_files(events) == []
    (file,) = closed_files(events)
    assert pq.read_metadata(file).num_rows == 2


def test_a_file_that_is_large_is_closed_before(
    events: Path, sink: FileSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hour_files, "_LARGEST", 10_000)
    for i in range(10):
        sink.send(named(10, begin=10 * i))
    assert 1 < len(files(events)) < 10
    assert len(insert_ids(events)) == 100


def test_many_events_at_once_have_a_file_of_their_own(events: Path, sink: FileSink) -> None:
    sink.send([*named(20_000), action()])
    assert open_files(events) == []
    assert len(open_files(events, "actions")) == 1


def test_events_of_other_days_have_files_of_their_own(events: Path, sink: FileSink) -> None:
    for days in (-3, 2):
        sink.send([exposure(time=TIME + days * 86_400)])
    assert (len(closed_files(events)), open_files(events)) == (2, [])
    for days in (-1, 0, 1):
        sink.send([exposure(time=TIME + days * 86_400)])
    assert (len(closed_files(events)), len(open_files(events))) == (2, 3)


def test_a_sink_that_is_forgotten_closes_its_files(events: Path, clock: Clock) -> None:
    FileSink(events, clock=clock).send([exposure()])
    gc.collect()
    assert (len(closed_files(events)), open_files(events)) == (1, [])


def test_a_sink_that_was_closed_may_be_used_again(events: Path, sink: FileSink) -> None:
    for i in range(3):
        sink.send(named(1, begin=i))
        sink.close()
        sink.close()
    assert len(closed_files(events)) == 3


def test_a_folder_that_somebody_removes_is_made_again(events: Path, sink: FileSink) -> None:
    sink.send(named(1))
    (file,) = files(events)
    file.unlink()
    file.parent.rmdir()
    sink.send(named(1, begin=1))
    assert insert_ids(events) == ["000001"]


def test_half_a_line_is_cut_off_when_the_file_is_closed(events: Path) -> None:
    for form, kind in (("parquet", "exposures"), ("jsonl", "actions")):
        left(events, kind, '{"insert_id":"1","time":"2024-05-17T12:30:15.000000Z"}\n{"insert_id"')
        FileSink(events, format=form).send([])  # type: ignore[arg-type]
        assert open_files(events, kind) == []
        assert insert_ids(events, kind) == ["1"]


# --- What others have left


def left(events: Path, kind: str, text: str, *, age: float = HOUR + 60) -> Path:
    """A file that somebody has left."""
    path = events / kind / DAY / open_name(uuid4().hex)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    older(path, age)
    return path


def older(path: Path, age: float) -> None:
    then = path.stat().st_mtime - age
    os.utime(path, (then, then))


ROW = '{"insert_id":"1","time":"2024-05-17T12:30:15.000000Z"}\n'


def test_what_was_left_is_closed_an_hour_later(events: Path) -> None:
    new, old = left(events, "exposures", ROW, age=60), left(events, "exposures", ROW)
    FileSink(events).send([])
    assert (new.exists(), old.exists()) == (True, False)
    assert [file.name for file in closed_files(events)] == [closed_names(old.name)[0]]


def test_a_file_whose_writer_lives_is_not_touched(events: Path, sink: FileSink) -> None:
    sink.send(named(1))
    (file,) = open_files(events)
    older(file, 30 * 24 * HOUR)
    FileSink(events).send([])
    sink.send(named(1, begin=1))
    assert open_files(events) == [file]
    assert insert_ids(events) == ["000000", "000001"]


def test_what_was_left_is_closed_once_however_many_come_for_it(events: Path) -> None:
    text = ROW * 1_000
    for _ in range(5):
        left(events, "exposures", text)
    sinks = [FileSink(events) for _ in range(8)]
    threads = [threading.Thread(target=each.send, args=([],)) for each in sinks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert open_files(events) == []
    assert [pq.read_metadata(file).num_rows for file in files(events)] == [1_000] * 5


def test_a_file_without_a_row_just_goes(events: Path) -> None:
    left(events, "exposures", "")
    left(events, "exposures", ROW[:-1])
    FileSink(events).send([])
    assert files(events) == []


@pytest.mark.parametrize("line", ["no JSON\n", "[1]\n", '{"time":"yesterday"}\n'])
def test_a_line_without_a_row_is_left_for_people(events: Path, line: str) -> None:
    file = left(events, "exposures", ROW + line)
    sink = FileSink(events)
    assert sink.send(named(1)) is None
    assert file.read_text() == ROW + line
    assert [*(events / ".incomplete").iterdir()] == []


def test_a_file_that_was_closed_but_not_removed_is_removed(events: Path) -> None:
    file = left(events, "exposures", ROW)
    FileSink(events).send([])
    (closed,) = files(events)
    file.write_text(ROW)
    assert insert_ids(events) == ["1"]
    older(file, HOUR + 60)
    FileSink(events).send([])
    assert files(events) == [closed]
    assert insert_ids(events) == ["1"]


def test_a_file_that_was_closed_between_looking_and_locking_is_nobodys(events: Path) -> None:
    file = left(events, "exposures", ROW)
    holding = GrowingFile.take_over(file)
    assert holding is not None
    assert GrowingFile.take_over(file) is None
    file.rename(file.with_name("one.jsonl"))
    holding.release()
    assert GrowingFile.take_over(file) is None


# --- Disks


@pytest.fixture
def largest_file() -> Iterator[Callable[[int], None]]:
    """Sets how large a file may be: as on a full disk, a part of what is written is taken."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, ignored)


def test_a_disk_that_is_full_in_the_middle_of_a_line_leaves_whole_lines(
    events: Path, sink: FileSink, largest_file: Callable[[int], None]
) -> None:
    sink.send([*named(1), action(insert_id="1")])
    (file,), (actions,) = open_files(events), open_files(events, "actions")
    before, actions_before = file.read_bytes(), actions.read_bytes()
    largest_file(len(before) + 200)
    for _ in range(3):
        outcome = sink.send([action(insert_id="2"), *named(3, begin=1)])
        assert isinstance(outcome, Retry)
        assert str(events) in outcome.reason
    assert (files(events), files(events, "actions")) == ([file], [actions])
    assert (file.read_bytes(), actions.read_bytes()) == (before, actions_before)
    largest_file(10_000_000)
    assert sink.send([action(insert_id="2"), *named(3, begin=1)]) is None
    sink.close()
    assert insert_ids(events, "actions") == ["1", "2"]
    assert insert_ids(events) == [f"{i:06}" for i in range(4)]


def test_what_was_appended_is_taken_away_when_the_rest_of_the_batch_fails(
    events: Path, sink: FileSink
) -> None:
    sink.send([*named(1), action()])
    (events / "identities").write_text("a file where the folder should be")
    (file,) = open_files(events)
    before = file.read_bytes()
    (events / "actions" / DAY).rename(events / "moved")
    (events / "actions" / DAY).write_text("another")
    assert isinstance(sink.send([*named(3, begin=1), action()]), Retry)
    assert file.read_bytes() == before


def test_a_disk_that_cannot_take_the_closed_file_keeps_the_open_one(
    events: Path, sink: FileSink, clock: Clock
) -> None:
    sink.send(named(1))
    (file,) = open_files(events)
    (events / ".incomplete").rmdir()
    (events / ".incomplete").write_text("a file where the folder should be")
    clock.now += HOUR
    assert sink.send(named(1, begin=1)) is None
    assert open_files(events) == [file]
    assert insert_ids(events) == ["000000", "000001"]
    (events / ".incomplete").unlink()
    older(file, HOUR + 60)
    FileSink(events).send([])
    assert (len(closed_files(events)), open_files(events)) == (1, [])


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP])
def test_where_files_cannot_be_locked_each_batch_has_files_of_its_own(
    events: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    sink = FileSink(events, clock=clock)
    for i in range(3):
        assert sink.send(named(1, begin=i)) is None
    assert (len(closed_files(events)), open_files(events)) == (3, [])


def test_a_file_that_cannot_be_cut_is_left_and_another_one_begun(
    events: Path,
    sink: FileSink,
    largest_file: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sink.send(named(1))
    (file,) = open_files(events)
    with monkeypatch.context() as patched:
        patched.setattr(GrowingFile, "cut", refuse_to_cut)
        largest_file(file.stat().st_size + 200)
        assert isinstance(sink.send(named(3, begin=1)), Retry)
    largest_file(10_000_000)
    assert sink.send(named(3, begin=1)) is None
    assert len(open_files(events)) == 2
    assert insert_ids(events) == [f"{i:06}" for i in range(4)]


def refuse_to_cut(_file: GrowingFile, _size: int) -> None:
    raise OSError(errno.EIO, "a broken disk")


# --- Processes


def run(program: str, *arguments: str | Path, code: int = 0) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", BEGIN + program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ran.returncode == code
    return ran.stdout.strip()


BEGIN = """
import os, signal, sys, time
from abkit.events import Action
from abkit.sinks.files import FileSink

def kill(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

sink = FileSink(sys.argv[1], format=sys.argv[2] if len(sys.argv) > 2 else "parquet")

def send(name):
    assert sink.send([Action(name, time.time(), insert_id=name)]) is None
"""


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_the_end_of_the_program_closes_its_files(events: Path, form: Format) -> None:
    run("send('a'); before = set(sys.modules)", events, form)
    (file,) = files(events, "actions")
    assert file.suffix == f".{form}"
    assert insert_ids(events, "actions") == ["a"]


def test_closing_imports_nothing(events: Path) -> None:
    """At the end of the program, or in the middle of a fork, it could not."""
    program = "before = set(sys.modules); send('a'); sink.close(); print(set(sys.modules) - before)"
    assert run(program, events) == "set()"


def test_nothing_that_was_accepted_is_lost_when_the_process_is_killed(events: Path) -> None:
    run("send('a'); send('b'); kill()", events, "jsonl", code=-9)
    (file,) = open_files(events, "actions")
    assert insert_ids(events, "actions") == ["a", "b"]
    older(file, HOUR + 60)
    FileSink(events).send([])
    assert open_files(events, "actions") == []
    assert insert_ids(events, "actions") == ["a", "b"]


@pytest.mark.parametrize(
    "moment",
    [
        "growing_file.file_to_disk = kill",
        "growing_file.folders_to_disk = kill",
        "pathlib.Path.unlink = kill",
    ],
)
def test_a_kill_at_any_step_of_closing_leaves_each_event_once(events: Path, moment: str) -> None:
    program = "import pathlib; from abkit.sinks import growing_file; send('a'); send('b'); "
    run(f"{program}{moment}; sink.close()", events, code=-9)
    assert insert_ids(events, "actions") == ["a", "b"]
    for file in open_files(events, "actions"):
        older(file, HOUR + 60)
    FileSink(events).send([])
    assert (len(closed_files(events, "actions")), open_files(events, "actions")) == (1, [])
    assert insert_ids(events, "actions") == ["a", "b"]


def test_a_forked_child_has_files_of_its_own(events: Path) -> None:
    program = """
send("parent")
child = os.fork()
if not child:
    send("child")
    sink.close()
    os._exit(0)
os.waitpid(child, 0)
send("parent again")
print(sorted(name.endswith(".open") for _, _, names in os.walk(sys.argv[1]) for name in names))
"""
    assert run(program, events, "jsonl") == "[False, True]"
    assert len(closed_files(events, "actions")) == 2
    assert insert_ids(events, "actions") == ["child", "parent", "parent again"]


def test_a_child_that_never_writes_closes_nothing_of_its_parent(events: Path) -> None:
    program = """
send("parent")
if not os.fork():
    sys.exit()
os.wait()
send("parent again")
kill()
"""
    run(program, events, "jsonl", code=-9)
    assert len(open_files(events, "actions")) == 1
    assert insert_ids(events, "actions") == ["parent", "parent again"]


def test_sinks_of_several_threads_and_one_of_them_all_write_whole_lines(
    events: Path, sink: FileSink, clock: Clock
) -> None:
    def send_many(each: FileSink, begin: int) -> None:
        for i in range(begin, begin + 20):
            assert each.send(named(1, begin=i)) is None

    sinks = [sink, sink, sink, FileSink(events, clock=clock), FileSink(events, clock=clock)]
    threads = [
        threading.Thread(target=send_many, args=(each, 20 * i)) for i, each in enumerate(sinks)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(open_files(events)) == 3
    assert insert_ids(events) == [f"{i:06}" for i in range(100)]


def test_a_reader_meets_each_batch_once_while_files_grow_and_are_closed(
    events: Path, sink: FileSink, clock: Clock
) -> None:
    sink.send(named(50))
    broken: list[object] = []
    counts: list[int] = []

    def write() -> None:
        for i in range(1, 40):
            sink.send(named(50, begin=50 * i))
            clock.now += HOUR / 4

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        found = insert_ids(events)
        if len(found) != len(set(found)) or found != [f"{i:06}" for i in range(len(found))]:
            broken.append(found)
        counts.append(len(found))
    writer.join()
    assert broken == []
    assert counts == sorted(counts)
    assert len(insert_ids(events)) == 2_000
