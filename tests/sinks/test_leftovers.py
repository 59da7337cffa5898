"""Files that killed writers have left are removed, those of living writers never."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest
from fsspec.implementations.memory import MemoryFileSystem  # type: ignore[import-untyped]

from abkit.sinks.files import FileSink
from abkit.sinks.leftovers import host, is_abandoned, is_alive, name_of_part

from .contract import exposure

HOUR, DAY = 3_600, 24 * 3_600
NOW = 1_700_000_000


@pytest.fixture(scope="module")
def dead() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def part(age: float, where: str, pid: int) -> str:
    return f"{int(time.time() - age)}-{where}-{pid}-{uuid4().hex}.part"


def leftovers(dead: int) -> dict[str, bool]:
    """Names of files, and whether they stay."""
    return {
        part(2 * HOUR, host(), dead): False,
        part(60, host(), dead): True,
        part(30 * DAY, host(), os.getpid()): True,
        part(2 * DAY, "elsewhere", dead): False,
        part(2 * HOUR, "elsewhere", dead): True,
        "notes.txt": True,
        f"{uuid4().hex}.part": True,
    }


def test_a_new_writer_removes_what_dead_ones_have_left(tmp_path: Path, dead: int) -> None:
    aside = tmp_path / ".incomplete"
    aside.mkdir()
    files = leftovers(dead)
    for name in files:
        (aside / name).write_bytes(b"half")
    FileSink(tmp_path, format="jsonl")
    assert {path.name for path in aside.iterdir()} == {
        name for name, stays in files.items() if stays
    }


def test_so_does_one_in_a_file_system_of_fsspec(dead: int) -> None:
    filesystem, directory = MemoryFileSystem(), f"/{uuid4().hex}"
    files = leftovers(dead)
    for name in files:
        filesystem.pipe_file(f"{directory}/.incomplete/{name}", b"half")
    FileSink(directory, filesystem=filesystem, format="jsonl")
    found = {path.rpartition("/")[2] for path in filesystem.ls(f"{directory}/.incomplete", False)}
    assert found == {name for name, stays in files.items() if stays}


def test_a_writer_that_was_killed_leaves_a_file_that_is_recognized(tmp_path: Path) -> None:
    program = """
import os, signal, sys
from pathlib import Path
from abkit.sinks import local_folder
local_folder.file_to_disk = lambda path: os.kill(os.getpid(), signal.SIGKILL)
from abkit.events import Action
from abkit.sinks.files import FileSink
FileSink(sys.argv[1], format="jsonl").send([Action("x", 1.0, insert_id="i", user_id="u")])
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], check=False, env=environment
    )
    assert process.returncode == -9
    (left,) = (path.name for path in (tmp_path / ".incomplete").iterdir())
    later = time.time() + 2 * HOUR
    assert is_abandoned(left, now=later, here=host(), is_alive=is_alive)
    assert FileSink(tmp_path, format="jsonl").send([exposure(insert_id="i")]) is None


def test_a_name_says_when_where_and_by_whom() -> None:
    began, here, pid, _ = name_of_part().split("-")
    assert (here, int(pid)) == (host(), os.getpid())
    assert int(began) <= time.time()
    assert re.fullmatch(r"[\w.]+", here)


@pytest.mark.parametrize(
    ("age", "here", "alive", "abandoned"),
    [
        (HOUR + 1, "h", False, True),
        (HOUR - 1, "h", False, False),
        (100 * DAY, "h", True, False),
        (DAY + 1, "other", True, True),
        (DAY - 1, "other", False, False),
        (-DAY, "h", False, False),
    ],
)
def test_only_the_old_files_of_the_dead_are_abandoned(
    age: int, here: str, alive: bool, abandoned: bool
) -> None:
    name = f"{NOW - age}-h-7-{uuid4().hex}.part"
    assert is_abandoned(name, now=NOW, here=here, is_alive=lambda pid: alive) is abandoned


def test_a_process_is_known_to_live_or_not(dead: int) -> None:
    assert is_alive(os.getpid())
    assert is_alive(1)
    assert not is_alive(dead)
    assert is_alive(10**30)
