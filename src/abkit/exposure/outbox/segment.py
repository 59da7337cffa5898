"""One file of an outbox: written, locked and in the end removed by one process."""

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Self
from uuid import uuid4

from abkit.errors import DeliveryError
from abkit.exposure.outbox.journal import Journal, read, settled_entry

if sys.platform != "win32":
    import fcntl

SUFFIX = ".events"


def require_locks() -> None:
    """Make sure that files can be locked.

    Raises:
        DeliveryError: This system cannot.
    """
    if sys.platform == "win32":
        message = (
            "An Outbox needs flock(2) to tell a living process from a dead one: a Unix system."
        )
        raise DeliveryError(message)


class Segment:
    """A file of entries that this process holds a lock on.

    The lock is on the open file, so that it ends with the process however that ends. A forked child
    inherits it and has to let go by `abandon`.

    Args:
        path: Where the file is.
        file: Its descriptor, open for appending and locked.
        size: Its size in bytes.
        pending: The insert ids of its events that are not settled.

    Attributes:
        path: Where the file is.
        size: Its approximate size in bytes.
        pending: The insert ids of its events that are not settled.
        damaged: How many entries could not be read.
    """

    def __init__(
        self, path: Path, file: int, *, size: int = 0, pending: Iterable[str] = ()
    ) -> None:
        self.path = path
        self.size: int = size
        # A dict, not a set, because there are threads: each of its operations is one step.
        self.pending: dict[str, None] = dict.fromkeys(pending)
        self.damaged = 0
        self._file = file

    @classmethod
    def create(cls, directory: Path) -> Self:
        """Make a new file.

        Raises:
            OSError: The directory cannot be written to.
        """
        while True:
            path = directory / f"{uuid4().hex}{SUFFIX}"
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            try:
                if _locked(file):
                    return cls(path, file)
            except OSError:
                os.close(file)
                raise
            os.close(file)  # Somebody took it for a dead one's before it was locked: another one.

    @classmethod
    def recover(cls, path: Path) -> tuple[Self, Journal] | None:
        """Take over the file of a dead process.

        Returns:
            The file and what is in it; None if a process holds it, or somebody was faster.

        Raises:
            OSError: The file cannot be read.
        """
        try:
            # Whatever has taken the file's place since it was listed: a pipe must not block.
            file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        try:
            content = _content(file) if _locked(file) else None
        except OSError:
            os.close(file)
            raise
        if content is None:
            os.close(file)
            return None
        journal = read(content)
        pending = [event.insert_id for event in journal.events]
        segment = cls(path, file, size=len(content), pending=pending)
        segment.damaged = journal.damaged
        return segment, journal

    @property
    def exists(self) -> bool:
        """Whether nobody has removed the file."""
        return os.fstat(self._file).st_nlink > 0

    def append(self, entry: bytes) -> None:
        """Write an entry. Several threads may; each entry is one write.

        Raises:
            OSError: It was not written, or not all of it.
        """
        written = os.write(self._file, entry)
        self.size += written
        if written < len(entry):
            message = f"the disk took {written} of {len(entry)} bytes"
            raise OSError(message)

    def settle(self, insert_ids: Iterable[str]) -> None:
        """Note that these events need not be sent any more, if they are of this file.

        Raises:
            OSError: It could not be written down; they are settled as long as this process lives.
        """
        pending = self.pending
        settled = [name for name in insert_ids if name in pending]
        for name in settled:
            pending.pop(name, None)
        if settled:
            self.append(settled_entry(settled))

    def finish(self) -> None:
        """Let go of the file: remove it if nothing is pending, otherwise leave it to other processes.

        One that was damaged is kept for inspection, under another name.
        """
        with suppress(OSError):  # A file that stays is recovered, and found to be settled.
            if self.damaged and not self.pending:
                self.path.rename(self.path.with_suffix(".damaged"))
            elif not self.pending:
                self.path.unlink()
        self.abandon()

    def abandon(self) -> None:
        """Close the file, and nothing else: in a forked child, the lock is still the parent's."""
        with suppress(OSError):
            os.close(self._file)


def _content(file: int) -> bytes:
    with os.fdopen(os.dup(file), "rb") as reader:
        reader.seek(0)
        return reader.read()


def _locked(file: int) -> bool:
    """Lock the file; False if another has it, or has removed it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return os.fstat(file).st_nlink > 0
