"""The files that a process appends to: one a folder, for an hour."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from abkit.open_files import is_open
from abkit.sinks.event_files import INCOMPLETE
from abkit.sinks.file_formats import TABLES, FileFormat, file_format
from abkit.sinks.growing_file import GrowingFile
from abkit.sinks.leftovers import Sweep, name_of_part

HOUR = 3_600.0
_LARGEST = 32_000_000  # bytes; readers copy what is open, and closing reads it


def close_abandoned_files(directory: Path) -> None:
    """Close the files that dead processes have left open, as lines of JSON.

    Args:
        directory: Of a sink.
    """
    form = file_format("jsonl")
    HourFiles(directory, directory / INCOMPLETE, form, clock=time.time).close_abandoned()


@frozen
class Appended:
    """Lines that were appended, and how to take them away again."""

    file: GrowingFile
    size_before: int


class HourFiles:
    """Files that this process appends to, and those that dead processes have left.

    Args:
        directory: Of the sink.
        aside: A folder for what is being written.
        form: Of closed files.
        clock: Seconds since the epoch.
    """

    def __init__(
        self, directory: Path, aside: Path, form: FileFormat, *, clock: Callable[[], float]
    ) -> None:
        self._directory = directory
        self._aside = aside
        self._form = form
        self._clock = clock
        self._files: dict[Path, GrowingFile] = {}
        self._sweep = Sweep()

    def append(self, folder: Path, lines: bytes) -> Appended:
        """Append whole lines to the file of a folder, and force them to the disk.

        Raises:
            OSError: They were not written.
        """
        file = self._files.get(folder)
        if file is not None and not file.exists:
            self._files.pop(folder).release()  # Somebody has removed it, with all that was in it.
            file = None
        if file is None:
            file = self._files[folder] = GrowingFile.create(folder, now=self._clock())
        appended = Appended(file, file.size)
        try:
            file.append(lines)
        except OSError:
            self.take_away(appended)
            raise
        return appended

    def take_away(self, appended: Appended) -> None:
        """Leave a file as it was before lines were appended, as far as the disk can."""
        try:
            appended.file.cut(appended.size_before)
        except OSError:  # What is sent again has the same insert ids.
            self._give_up(appended.file)

    def close_full(self) -> None:
        """Close the files whose hour is over, or that are large; where the clock was set back too."""
        now = self._clock()
        for folder, file in [*self._files.items()]:
            if not 0 <= now - file.began < HOUR or file.size >= _LARGEST:
                del self._files[folder]
                self._close(file)

    def close_all(self) -> None:
        """Close all files of this process."""
        while self._files:
            _, file = self._files.popitem()
            self._close(file)

    def close_abandoned(self) -> None:
        """Once an hour, close what processes have left that are dead."""
        if not self._sweep.is_due():
            return
        with suppress(OSError):
            for path in self._open_paths():
                with suppress(OSError):  # Another process may be closing it.
                    if time.time() - path.stat().st_mtime < HOUR:
                        continue
                    file = GrowingFile.take_over(path)
                    if file is not None:
                        self._close(file)

    def release_all(self) -> None:
        """In a forked child: let go of the parent's files."""
        while self._files:
            _, file = self._files.popitem()
            file.release()

    def _give_up(self, file: GrowingFile) -> None:
        """Do not write to a file any more: others will close it."""
        for folder in [each for each, mine in self._files.items() if mine is file]:
            del self._files[folder]
        file.release()

    def _close(self, file: GrowingFile) -> None:
        """Close a file; one that cannot be closed now stays open for others to close, later."""
        with suppress(OSError, ValueError):
            file.close(self._form, aside=self._aside / name_of_part())

    def _open_paths(self) -> Iterator[Path]:
        for kind in TABLES:
            for day in self._directory.glob(f"{kind}/date=*"):
                yield from [file for file in day.iterdir() if is_open(file.name)]
