"""Whenever a run is killed, no event is lost, and none is there twice once a run has ended."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from abkit.compaction.days import KINDS
from abkit.sinks.files import FileSink

from .stored import events, files, ids, write

ROUNDS = int(os.environ.get("ABKIT_KILLS", "6"))


class Runs:
    """Runs of another process."""

    def __init__(self, temporary: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("killable.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(temporary)},  # what killed ones leave there
        )

    def run(self, folder: Path, *, kill_after: float | None = None) -> int:
        """The exit code; negative if it was killed, after so many seconds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{folder}\t{'' if kill_after is None else kill_after}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    runs = Runs(tmp_path)
    yield runs
    runs.close()


def test_killed_at_any_moment_a_run_loses_nothing(runs: Runs, tmp_path: Path) -> None:
    random = Random(5)  # noqa: S311 - reproducible moments, no secret
    warm, events_folder = tmp_path / "warm", tmp_path / "events"
    write(warm, batches=3)
    began = time.monotonic()
    assert runs.run(warm) == 0
    whole = time.monotonic() - began
    known = {kind: Counter[str]() for kind in KINDS}
    killed = 0
    for number in range(ROUNDS):
        for day in range(2):
            for batch in range(3):  # the third is sent twice
                start = 1_000 * number + 10 * min(batch, 1)
                FileSink(events_folder).send(events(range(start, start + 5), day=day))
            for kind in KINDS:
                each = (0, 1, 2, 3, 4, 10, 11, 12, 13, 14)
                known[kind].update(f"{kind[0]}{day}-{1_000 * number + n}" for n in each)
        killed += runs.run(events_folder, kill_after=random.uniform(0, whole)) == -signal.SIGKILL
        for kind in KINDS:
            assert ids(events_folder, kind).keys() == known[kind].keys()
    assert killed > ROUNDS / 4
    assert runs.run(events_folder) == 0
    assert len(files(events_folder)) == 6
    for kind in KINDS:
        assert ids(events_folder, kind) == known[kind]
