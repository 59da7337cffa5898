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

from .stored import events, files, ids

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
    folder = tmp_path / "events"
    known = {kind: Counter[str]() for kind in KINDS}
    killed, attempts, longest = 0, 0, 1.0
    while killed < ROUNDS and attempts < 10 * ROUNDS:
        attempts += 1
        for day in range(2):
            numbers = range(10 * attempts, 10 * attempts + 5)
            for _ in range(2):  # the second time it is sent again
                FileSink(folder).send(events(numbers, day=day))
            for kind in KINDS:
                known[kind].update(f"{kind[0]}{day}-{number}" for number in numbers)
        began = time.monotonic()
        if runs.run(folder, kill_after=random.uniform(0, longest)) == -signal.SIGKILL:
            killed += 1
        else:  # It was done before: the next one is killed sooner.
            longest = min(longest, time.monotonic() - began) * 0.8
        for kind in KINDS:
            assert ids(folder, kind).keys() == known[kind].keys()
    assert killed == ROUNDS
    assert runs.run(folder) == 0
    assert len(files(folder)) == 6
    for kind in KINDS:
        assert ids(folder, kind) == known[kind]
