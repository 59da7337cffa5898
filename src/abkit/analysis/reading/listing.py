"""Which files a path means, while others write files and put new ones in the place of old ones."""

import os
from collections.abc import Collection, Iterator, Sequence
from errno import ENOENT
from glob import has_magic
from pathlib import Path
from stat import S_ISREG
from time import sleep

from abkit.errors import AnalysisError, EmptyDataError
from abkit.open_files import closed_names, is_open

FORMATS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
"""What the end of a file's name says; before .gz too."""

_LISTINGS = 10
_PAUSE = 0.01  # seconds, longer each time


def format_of(name: str) -> str | None:
    """What a file is by its name; None if that does not say it."""
    if is_open(name):
        return "jsonl"
    return FORMATS.get(Path(name.lower().removesuffix(".gz")).suffix)


def is_data(relative: Sequence[str]) -> bool:
    """Whether a directory's file is data: names that begin with . or _ are another writer's.

    Only files of events that are still written to begin with _ and are data.

    Args:
        relative: The parts of its path, from the directory on.
    """
    *folders, name = relative
    if any(_is_hidden(folder) for folder in folders):
        return False
    return is_open(name) or (not _is_hidden(name) and format_of(name) is not None)


def listed(path: str) -> list[Path]:
    """The files of a path, sorted.

    Args:
        path: A file, a directory or a glob.

    Raises:
        EmptyDataError: A glob matches no file.
        AnalysisError: The path does not exist.
        FileNotFoundError: A file of the directory is gone.
    """
    where = Path(path)
    if where.is_dir():
        return [file for file in _below(where) if _is_regular(file)]
    if where.is_file():
        return [where]
    if has_magic(path):
        root = Path(where.anchor)
        pattern = str(where.relative_to(where.anchor))
        found = [file for file in sorted(root.glob(pattern)) if file.is_file()]
        if not found:
            raise EmptyDataError(path, "matches no file")
        return found
    problem = "is no regular file" if where.exists() else "does not exist"
    message = f"{path} {problem}; give a file, a directory or a glob"
    raise AnalysisError(message)


def without_replaced(files: Sequence[Path]) -> list[Path]:
    """The files without the open ones whose closed file is there too: it has the same rows."""
    there = set(files)
    return [
        file
        for file in files
        if not (is_open(file.name) and _has_any(there, file, closed_names(file.name)))
    ]


def _has_any(there: Collection[Path], file: Path, names: Sequence[str]) -> bool:
    return any(file.with_name(name) in there for name in names)


def _below(where: Path) -> list[Path]:
    """The data of a directory.

    A directory is not listed in one moment: a file that another one replaces meanwhile may be missed
    under both names. What replaces a file is there before that is gone, so that nothing is missed by a
    listing that has all that the one before had.
    """
    earlier = set(_names(where))
    for attempt in range(_LISTINGS):
        found = set(_names(where))
        if found >= earlier:
            return sorted(Path(name) for name in found)
        gone, earlier = earlier - found, found
        sleep(attempt * _PAUSE)
    raise FileNotFoundError(ENOENT, "removed", min(gone))


def _is_regular(file: Path) -> bool:
    """Whether it is a file; what points to nothing is none.

    Raises:
        FileNotFoundError: It is gone.
    """
    try:
        return S_ISREG(file.stat().st_mode)
    except FileNotFoundError:
        if file.is_symlink():
            return False
        raise


def _names(where: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(where):
        folders[:] = [name for name in folders if not _is_hidden(name)]
        yield from (os.path.join(folder, name) for name in names if is_data((name,)))  # noqa: PTH118


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "_"))
