"""Half a line at the end of a file is no event."""

from pathlib import Path

import pytest

from abkit.compaction import whole_lines as module
from abkit.compaction.whole_lines import whole_lines


@pytest.mark.parametrize(
    ("content", "whole"),
    [
        (b'{"a": 1}\n{"b": 2}\n', None),
        (b'{"a": 1}\n{"b": 2', b'{"a": 1}\n'),
        (b'{"a": 1', b""),
        (b"", None),
    ],
)
@pytest.mark.parametrize("chunk", [2, 1 << 20])
def test_a_file_is_copied_without_it(
    content: bytes, whole: bytes | None, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CHUNK", chunk)
    file, copy = tmp_path / "file", tmp_path / "copy"
    file.write_bytes(content)
    found = whole_lines(file, copy)
    assert found == (file if whole is None else copy)
    assert found.read_bytes() == (content if whole is None else whole)
    assert file.read_bytes() == content
