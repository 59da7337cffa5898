"""What a killed process has left is removed by a later one."""

import os
import tempfile
from pathlib import Path

import pytest

from abkit.compaction.scratch import remove_abandoned, scratch
from abkit.sinks import leftovers


def test_only_what_nobody_works_in_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "abkit-compact-notes").mkdir()
    alive = leftovers.is_alive
    with scratch() as mine:
        assert mine.stat().st_mode & 0o077 == 0
        (mine / "file").write_text("1")
        monkeypatch.setattr(leftovers, "_OF_THE_DEAD", -1.0)  # as if it were an hour later
        remove_abandoned()
        assert mine.exists(), "its process lives"
        monkeypatch.setattr(leftovers, "is_alive", lambda pid: pid != os.getpid() and alive(pid))
        remove_abandoned()
        assert not mine.exists()
    assert [each.name for each in tmp_path.iterdir()] == ["abkit-compact-notes"]
