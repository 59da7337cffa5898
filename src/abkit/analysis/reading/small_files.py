"""Many small files, whose opening takes longer than reading them: read once, into one."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from attrs import evolve

from abkit.analysis.reading.files import Files
from abkit.analysis.reading.quoting import literal

_MANY = 500
_SMALL = 200_000  # bytes, on average
_LARGEST = 2_000_000_000  # bytes; a copy needs room


def merged(files: Files, body: str, *, scratch: Path, execute: Callable[[str], object]) -> Files:
    """The files, or one copy of all their rows, where there are very many small ones of Parquet.

    Several queries follow, and each would open each file.

    Args:
        files: The files.
        body: What reads them, after FROM.
        scratch: A folder for the copy.
        execute: Runs a statement of DuckDB.
    """
    if files.format != "parquet" or len(files.paths) < _MANY:
        return files
    size = sum(path.stat().st_size for path in files.paths)
    if size > min(_LARGEST, _SMALL * len(files.paths)):
        return files
    copy = scratch / f"{uuid4().hex}.parquet"
    execute(f"copy (select * from {body}) to {literal(str(copy))} (format parquet)")  # noqa: S608
    return evolve(files, paths=(copy,), beside=None, names={copy: files.label})
