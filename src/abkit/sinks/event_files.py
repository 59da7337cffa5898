"""What a sink of files writes for one batch, and what a folder does with it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from attrs import frozen

from abkit.sinks.records import Record

INCOMPLETE = ".incomplete"  # no pattern over the folders of the events meets this one


@frozen
class File:
    """Rows of one kind and date.

    Attributes:
        folder: Where readers will find them, below the directory of the sink.
        name: What the file is called, if it is one of its own.
        rows: The rows.
        columns: What each of them has.
        grows: Whether later rows may stand in the same file.
    """

    folder: str
    name: str
    rows: Sequence[Record]
    columns: Mapping[str, str]
    grows: bool = False

    @property
    def target(self) -> str:
        """Where the file will be, below the directory of the sink."""
        return f"{self.folder}/{self.name}"


class Folder(Protocol):
    """Where the files are put."""

    def put(self, files: Sequence[File], /) -> None:
        """Write all files, or none; readers meet whole rows only.

        Raises:
            OSError: Some file could not be written.
        """
        ...

    def try_out(self, file: File, /) -> None:
        """Write the file where no reader sees it, and remove it."""
        ...

    def close(self) -> None:
        """Close the files that later rows would have been written to. More may be put afterwards."""
        ...
