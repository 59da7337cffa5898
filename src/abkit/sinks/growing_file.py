"""One file of lines that one process appends to, and any number read."""

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self
from uuid import uuid4

from abkit.open_files import closed_names, open_name
from abkit.sinks.durable import file_to_disk, folders_to_disk, make_folder
from abkit.sinks.file_formats import TABLES, FileFormat

if sys.platform != "win32":
    import fcntl

CAN_LOCK = sys.platform != "win32"
"""Whether this system tells a file that is written to from one that was left."""


class GrowingFile:
    """A file that this process holds a lock on: nobody else writes to it or closes it.

    The lock is on the open file, so that it ends with the process however that ends. A forked child
    inherits it and has to let go by `release`.

    Args:
        path: Where the file is.
        descriptor: Open for appending, and locked.
        began: When the file was made, in seconds.

    Attributes:
        path: Where the file is.
        began: When the file was made, in seconds.
    """

    def __init__(self, path: Path, descriptor: int, *, began: float = 0.0) -> None:
        self.path = path
        self.began: float = began
        self._descriptor = descriptor

    @classmethod
    def create(cls, folder: Path, *, now: float) -> Self:
        """Make a new file.

        Raises:
            OSError: The folder cannot be written to, or the file not be locked.
        """
        make_folder(folder)
        while True:
            path = folder / open_name(uuid4().hex)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND
            descriptor = os.open(path, flags, 0o666)
            try:
                locked = _locked(descriptor, path)
            except OSError:
                os.close(descriptor)
                path.unlink(missing_ok=True)
                raise
            if locked:
                folders_to_disk([folder])
                return cls(path, descriptor, began=now)
            os.close(descriptor)  # Somebody took it for a dead one's: another one.

    @classmethod
    def take_over(cls, path: Path) -> Self | None:
        """Take the file of a dead process; None if a process holds it, or somebody was faster.

        Raises:
            OSError: The file cannot be opened or locked.
        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        try:
            locked = _locked(descriptor, path)
        except OSError:
            os.close(descriptor)
            raise
        if locked:
            return cls(path, descriptor)
        os.close(descriptor)
        return None

    @property
    def size(self) -> int:
        """Bytes."""
        return os.fstat(self._descriptor).st_size

    @property
    def exists(self) -> bool:
        """Whether nobody has removed the file."""
        return _is_at(self._descriptor, self.path)

    def append(self, lines: bytes) -> None:
        """Write whole lines, and force them to the disk.

        Raises:
            OSError: They were not written, or only a part of them: `cut` takes that away.
        """
        written = os.write(self._descriptor, lines)
        if written < len(lines):
            message = f"the disk took {written} of {len(lines)} bytes"
            raise OSError(message)
        os.fsync(self._descriptor)

    def cut(self, size: int) -> None:
        """Take away what was appended since the file had that size.

        Raises:
            OSError: It is still there.
        """
        os.ftruncate(self._descriptor, size)

    def close(self, form: FileFormat, *, aside: Path) -> None:
        """Put a closed file in the place of this one, which is then gone, and let go of it.

        The closed one is there before this one is gone. Readers that know the names read one of them.

        Args:
            form: Of the closed file.
            aside: A path for the closed file while it is written, in the same file system.

        Raises:
            OSError: The closed file cannot be written; this one stays, to be closed by others later.
            ValueError: A line has no row; this file stays too.
        """
        try:
            folder = self.path.parent
            if not any(folder.joinpath(name).exists() for name in closed_names(self.path.name)):
                self._put_closed(form, aside)
            self.path.unlink(missing_ok=True)
            folders_to_disk([folder])
        finally:
            self.release()

    def _put_closed(self, form: FileFormat, aside: Path) -> None:
        end = sum(map(len, self._whole_lines()))
        if end == 0:
            return
        parquet, jsonl = map(self.path.with_name, closed_names(self.path.name))
        if form.convert is None:
            self.cut(end)  # A line may have been torn when its writer was killed.
            os.fsync(self._descriptor)
            self.path.replace(jsonl)
            return
        columns = TABLES[self.path.parent.parent.name]
        make_folder(aside.parent)
        try:
            form.convert(aside, self._whole_lines(), columns)
            file_to_disk(aside)
            aside.replace(parquet)
        finally:
            aside.unlink(missing_ok=True)
        folders_to_disk([parquet.parent])

    def _whole_lines(self) -> Iterator[bytes]:
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            file.seek(0)
            for line in file:
                if line.endswith(b"\n"):
                    yield line

    def release(self) -> None:
        """Let go of the file, and leave it as it is: in a forked child, the lock is still the parent's."""
        with suppress(OSError):
            os.close(self._descriptor)


def _locked(descriptor: int, path: Path) -> bool:
    """Lock the file; False if another has it, or has removed or closed it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return _is_at(descriptor, path)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
