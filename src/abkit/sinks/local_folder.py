"""A folder of this machine, in which files appear complete, or grow by whole lines."""

import errno
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from abkit.sinks.durable import file_to_disk, folders_to_disk, make_folder
from abkit.sinks.event_files import INCOMPLETE, File
from abkit.sinks.file_formats import FileFormat, lines_of
from abkit.sinks.growing_file import CAN_LOCK, GrowingFile
from abkit.sinks.hour_files import Appended, HourFiles
from abkit.sinks.leftovers import Sweep, name_of_part

_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL})
_PATIENCE = 1.0  # seconds that closing waits for a batch that is being written


class LocalFolder:
    """Whole files are written aside, forced to the disk, and renamed; what may grow is appended.

    Where files cannot be locked, nothing is appended.

    Args:
        directory: Of the sink.
        form: How files are written.
        clock: Seconds since the epoch.
    """

    def __init__(self, directory: Path, form: FileFormat, *, clock: Callable[[], float]) -> None:
        self._directory = directory
        self._aside = directory / INCOMPLETE
        self._form = form
        self._sweep = Sweep()
        self._can_append: bool = CAN_LOCK
        self._growing = HourFiles(directory, self._aside, form, clock=clock)
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def put(self, files: Sequence[File], /) -> None:
        """Write all files, or none.

        Raises:
            OSError: Some file could not be written.
        """
        self._notice_fork()
        with self._lock:
            self._remove_abandoned()
            if self._can_append:
                self._growing.close_abandoned()
            self._put(files)
            self._growing.close_full()

    def _put(self, files: Sequence[File]) -> None:
        pending: list[tuple[Path, Path]] = []
        appended: list[Appended] = []
        try:
            for file in files:
                if file.grows and self._can_append:
                    lines = lines_of(file.rows)
                    appended.append(self._growing.append(self._directory / file.folder, lines))
                    continue
                written, target = self._aside / name_of_part(), self._directory / file.target
                pending.append((written, target))
                for parent in (written.parent, target.parent):
                    make_folder(parent)
                self._form.write(written, file.rows, file.columns)
                file_to_disk(written)
            for written, target in pending:
                written.replace(target)
            folders_to_disk({target.parent for _, target in pending})
        except BaseException:
            for each in reversed(appended):
                self._growing.take_away(each)
            raise
        finally:
            for written, _ in pending:
                written.unlink(missing_ok=True)

    def try_out(self, file: File, /) -> None:
        """Write a file, and another that grows and is closed, where no reader sees them; remove them."""
        written = self._aside / name_of_part()
        make_folder(written.parent)
        self._form.write(written, file.rows, file.columns)
        written.unlink()
        if self._can_append:
            self._try_to_append(file)
        self._remove_abandoned()

    def _try_to_append(self, file: File) -> None:
        place = self._aside / uuid4().hex / Path(file.folder)
        try:
            growing = GrowingFile.create(place, now=0.0)
            growing.append(lines_of(file.rows))
            growing.close(self._form, aside=self._aside / name_of_part())
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            self._can_append = False
        finally:
            _remove(place, up_to=self._aside)

    def close(self) -> None:
        """Close the files that this process has appended to."""
        self._notice_fork()
        # A thread that hangs in the file system must not keep the program from ending.
        if self._lock.acquire(timeout=_PATIENCE):
            try:
                self._growing.close_all()
            finally:
                self._lock.release()

    def _notice_fork(self) -> None:
        if self._pid != os.getpid():
            self._lock = threading.Lock()
            self._growing.release_all()
            self._pid = os.getpid()

    def _remove_abandoned(self) -> None:
        if not self._sweep.is_due():
            return
        with suppress(OSError):  # Another process may have removed them, or there is none.
            for name in self._sweep.abandoned(path.name for path in self._aside.iterdir()):
                (self._aside / name).unlink(missing_ok=True)


def _remove(folder: Path, *, up_to: Path) -> None:
    """Remove a folder with its files, and those around it that are then empty."""
    with suppress(OSError):
        for file in [*folder.iterdir()]:
            file.unlink()
        while folder != up_to:
            folder.rmdir()
            folder = folder.parent
