"""The folder of the generated files."""

from pathlib import Path

import pytest

from abkit import ConfigError
from abkit.frontend.folder import Drift, drifted, write
from abkit.frontend.typescript import HEADER

TEXTS = {"a.ts": f"{HEADER}export const a = 1;\n", "b.tsx": f"{HEADER}export const b = 2;\n"}


def test_what_is_missing_is_written_and_then_nothing_differs(tmp_path: Path) -> None:
    folder = tmp_path / "static" / "experiments"
    assert [each.drift for each in drifted(folder, TEXTS)] == [Drift.MISSING, Drift.MISSING]
    assert write(folder, TEXTS) == (folder / "a.ts", folder / "b.tsx")
    assert drifted(folder, TEXTS) == ()
    assert {path.name for path in folder.iterdir()} == TEXTS.keys()


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    write(tmp_path, TEXTS)
    inodes = {path.name: path.stat().st_ino for path in tmp_path.iterdir()}
    changed = {**TEXTS, "b.tsx": f"{HEADER}export const b = 3;\n"}
    (found,) = drifted(tmp_path, changed)
    assert found.drift is Drift.DIFFERS
    assert "-export const b = 2;" in found.diff
    assert "+export const b = 3;" in found.diff
    assert write(tmp_path, changed) == (tmp_path / "b.tsx",)
    assert (tmp_path / "a.ts").stat().st_ino == inodes["a.ts"]
    assert (tmp_path / "b.tsx").read_text() == changed["b.tsx"]


def test_line_endings_of_another_system_are_no_difference(tmp_path: Path) -> None:
    for name, text in TEXTS.items():
        (tmp_path / name).write_bytes(text.replace("\n", "\r\n").encode())
    assert drifted(tmp_path, TEXTS) == ()


def test_what_an_earlier_version_generated_is_stale_and_is_not_touched(tmp_path: Path) -> None:
    write(tmp_path, TEXTS)
    (tmp_path / "own.ts").write_text("export const own = 1;\n")
    (found,) = drifted(tmp_path, {"a.ts": TEXTS["a.ts"]})
    assert (found.path, found.drift) == (tmp_path / "b.tsx", Drift.STALE)
    assert write(tmp_path, {"a.ts": TEXTS["a.ts"]}) == ()
    assert (tmp_path / "b.tsx").exists()


@pytest.mark.parametrize("content", [b"export const mine = 1;\n", b"", b"\xff\xfe"])
def test_a_file_of_somebody_else_is_never_overwritten(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "b.tsx").write_bytes(content)
    with pytest.raises(ConfigError, match=r"b\.tsx was not written by abkit typescript"):
        write(tmp_path, TEXTS)
    assert [path.name for path in tmp_path.iterdir()] == ["b.tsx"]
    assert (tmp_path / "b.tsx").read_bytes() == content
