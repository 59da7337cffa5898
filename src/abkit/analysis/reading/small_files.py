"""Many small files, whose opening takes longer than reading them: read once, into one."""

from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

from attrs import evolve

from abkit.analysis.reading.files import MANY, Files
from abkit.analysis.reading.quoting import identifier, literal

_SMALL = 64_000  # bytes, on average: reading them takes as long as opening them some times
_LARGEST = 2_000_000_000  # bytes; a copy needs room


def are_small(files: Files) -> bool:
    """Whether there are so many files of Parquet, and so small ones, that one copy of their rows is worth it.

    Several queries follow, and each would open each file.
    """
    if files.format != "parquet" or len(files.paths) < MANY:
        return False
    try:
        size = sum(path.stat().st_size for path in files.paths)
    except FileNotFoundError:
        return False  # Whoever reads it will say that it is gone.
    return size <= min(_LARGEST, _SMALL * len(files.paths))


def copied(
    files: Files,
    name: str,
    columns: Sequence[str],
    *,
    scratch: Path,
    execute: Callable[[str], object],
) -> Files:
    """One file with some columns of all rows.

    Args:
        files: The files.
        name: What queries call them.
        columns: The columns that are needed.
        scratch: A folder for the copy.
        execute: Runs a statement of DuckDB.
    """
    copy = scratch / f"{uuid4().hex}.parquet"
    needed = ", ".join(map(identifier, columns))
    rows = f"select {needed} from {identifier(name)}"  # noqa: S608 - names are quoted
    execute(f"copy ({rows}) to {literal(str(copy))} (format parquet)")
    return evolve(files, paths=(copy,), beside=None, names={copy: files.label}, alike=())
