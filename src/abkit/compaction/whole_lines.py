"""Files that are cut off in the middle of a line, as a process leaves them that was killed."""

import shutil
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 20


def whole_lines(file: Path, copy: Path) -> Path:
    """The file, if its last line is whole; else a copy without that.

    Args:
        file: Of JSON Lines.
        copy: Where the copy would be.

    Raises:
        FileNotFoundError: The file is gone.
    """
    with file.open("rb") as source:
        size = source.seek(0, 2)
        end = _end_of_lines(source, size)
        if end == size:
            return file
        source.seek(0)
        with copy.open("w+b") as target:
            shutil.copyfileobj(source, target, _CHUNK)
            target.truncate(end)
    return copy


def _end_of_lines(file: BinaryIO, size: int) -> int:
    """Where the last whole line ends."""
    end = size
    while end > 0:
        begin = max(0, end - _CHUNK)
        file.seek(begin)
        found = file.read(end - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return 0
