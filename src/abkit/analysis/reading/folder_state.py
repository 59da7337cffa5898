"""What tells whether files changed, without reading them."""

import os
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from abkit.open_files import is_open

FileState: TypeAlias = tuple[str, int, int, int]
"""The path of a file, its size, its time and its number."""


def folder_state(places: Iterable[str | os.PathLike[str]]) -> tuple[FileState, ...]:
    """The state of each file of this machine, and of those in folders and below them.

    The newest time alone would not do: a file that is written aside, and moved into its place, is older than
    its arrival. In folders, names that begin with . or _ are another writer's, as where files are read.

    Args:
        places: Files and folders; one that is not there has no state.

    Raises:
        OSError: One cannot be looked into.
    """
    return tuple(sorted(each for place in places for each in _files(os.fspath(place))))


def _files(place: str) -> Iterator[FileState]:
    try:
        entries = [*os.scandir(place)]
    except NotADirectoryError:
        yield _state(place, os.stat(place))  # noqa: PTH116 - as `scandir` gives it
        return
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.name.startswith((".", "_")) and not is_open(entry.name):
            continue
        if entry.is_dir():
            yield from _files(entry.path)
            continue
        try:
            yield _state(entry.path, entry.stat())
        except FileNotFoundError:  # Removed meanwhile: it is as if it had never been there.
            continue


def _state(path: str, status: os.stat_result) -> FileState:
    return path, status.st_size, status.st_mtime_ns, status.st_ino
