"""Which files the events of a table are in, and those of them that are new."""

import os
from collections.abc import Mapping, Sequence
from glob import has_magic
from itertools import takewhile
from pathlib import Path
from typing import Protocol, TypeAlias

from attrs import frozen

from abkit.analysis.reading.files import named_files
from abkit.analysis.reading.gone_files import FilesGoneError
from abkit.analysis.reading.places import is_url
from abkit.analysis.reading.remote import refused
from abkit.analysis.reading.sources import Table
from abkit.analysis.store.file.remote_event_files import remote_event_files
from abkit.errors import AnalysisError
from abkit.remote_file import path_of

State: TypeAlias = str
"""What changes when a file does: its size, its time and its number."""


class EventFiles(Protocol):
    """The files of a table, wherever they are."""

    @property
    def place(self) -> str:
        """Where they are, however that was written."""
        ...

    @property
    def root(self) -> Path | str:
        """What their names are relative to."""
        ...

    @property
    def states(self) -> Mapping[str, State]:
        """By name, the state of each that is not empty: one without a byte is none yet."""
        ...

    def linked(self, names: Sequence[str], folder: Path) -> Path:
        """A folder that has some of the files only.

        Args:
            names: Which ones.
            folder: An empty one, in which it is made.

        Raises:
            FilesGoneError: One is gone.
        """
        ...

    def there(self, names: Sequence[str]) -> Sequence[str]:
        """Those of some files that are still there, or have been copied when they were.

        Args:
            names: Which ones.
        """
        ...


@frozen
class _LocalEventFiles:
    """The files of a table on this machine.

    Attributes:
        place: The path that names them, without links.
        root: The path that their names are relative to: whatever files come, names stay the same.
        states: By name, the state of each.
    """

    place: str
    root: Path
    states: Mapping[str, State]

    def linked(self, names: Sequence[str], folder: Path) -> Path:
        """As `EventFiles.linked`."""
        for name in names:
            link = folder / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to((self.root / name).absolute())
        return folder

    def there(self, names: Sequence[str]) -> Sequence[str]:
        """As `EventFiles.there`."""
        return [name for name in names if (self.root / name).exists()]


def event_files(table: Table) -> EventFiles:
    """The files of a table as they are now.

    Raises:
        FilesGoneError: A file is gone that was listed.
        AnalysisError: The table is none of files, or there is no such file.
        MissingExtraError: fsspec is not installed, for a URL.
    """
    if not isinstance(table.source, str | Path):
        message = (
            f"store= keeps what files have, not {table.label}: give the path of files, or "
            "leave store out"
        )
        raise AnalysisError(message)
    place: str | Path = table.source
    if isinstance(place, str) and is_url(place):
        with refused(place):
            local = path_of(place)
        if local is None:
            return remote_event_files(place)
        place = local
    files, root = named_files(str(place)), _root(Path(place))
    try:
        status = {str(file.relative_to(root)): file.stat() for file in files}
    except FileNotFoundError as error:
        raise FilesGoneError(str(error)) from error
    states = {name: _state(found) for name, found in status.items() if found.st_size}
    return _LocalEventFiles(os.path.realpath(place), root, states)


def _root(place: Path) -> Path:
    """The folder that has all files that a path may mean."""
    if place.is_dir():
        return place
    if place.is_file():
        return place.parent
    return Path(*takewhile(lambda part: not has_magic(part), place.parts))


def _state(status: os.stat_result) -> State:
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ino}"
