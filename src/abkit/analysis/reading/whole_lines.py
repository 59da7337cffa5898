"""Files that are still written to, as they are now: their whole lines."""

import shutil
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

_CHUNK = 1 << 20


def whole_lines(file: Path, into: Path) -> Path:
    """A copy of a file, up to the end of its last whole line.

    All queries of an analysis read the same rows from it, also when the file has been closed since.

    Args:
        file: It may be written to, by appending.
        into: A folder for the copy; the folders `name=value` that the file is in are made in it.

    Raises:
        FileNotFoundError: The file is gone.
    """
    partitions = [part for part in file.absolute().parts[:-1] if "=" in part]
    copy = into.joinpath(uuid4().hex, *partitions, f"{file.name}.jsonl")
    with file.open("rb") as source:
        copy.parent.mkdir(parents=True)
        with copy.open("w+b") as target:
            shutil.copyfileobj(source, target, _CHUNK)
            target.truncate(_end_of_lines(target))
    return copy


def _end_of_lines(file: BinaryIO) -> int:
    """Where the last whole line ends."""
    end = file.seek(0, 2)
    while end > 0:
        begin = max(0, end - _CHUNK)
        file.seek(begin)
        found = file.read(end - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return 0
