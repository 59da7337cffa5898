"""Which files the events of a table are in, and those of them that are new."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from attrs import frozen

from abkit.analysis.reading.files import named_files
from abkit.analysis.reading.places import is_url
from abkit.analysis.reading.sources import Table
from abkit.errors import AnalysisError

State: TypeAlias = str
"""What changes when a file does: its size, its time and its number."""


@frozen
class EventFiles:
    """The files of a table.

    Attributes:
        root: The path that their names are relative to.
        states: By name, the state of each.
    """

    root: Path
    states: Mapping[str, State]

    def linked(self, names: Sequence[str], folder: Path) -> Path:
        """A folder that has some of the files only.

        Args:
            names: Which ones.
            folder: An empty one, in which it is made.
        """
        for name in names:
            link = folder / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to((self.root / name).absolute())
        return folder


def event_files(table: Table) -> EventFiles:
    """The files of a table as they are now.

    Raises:
        AnalysisError: The table is none of files, or there is no such file.
    """
    if not isinstance(table.source, str | Path) or is_url(table.source):
        message = (
            f"store= keeps what files of this machine have, not {table.label}: give the path of files, or "
            "leave store out"
        )
        raise AnalysisError(message)
    files = named_files(str(table.source))
    if not files:
        return EventFiles(Path(table.source), {})
    root = Path(os.path.commonpath([file.parent for file in files]))
    return EventFiles(root, {str(file.relative_to(root)): _state(file) for file in files})


def _state(file: Path) -> State:
    status = file.stat()
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ino}"
