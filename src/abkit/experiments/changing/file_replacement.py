"""Replacing a file in one step, so that whoever reads it sees the old or the new one, never a part."""

import errno
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import frozen

from abkit.errors import ConfigError

if sys.platform != "win32":
    import fcntl

PATIENCE = 10.0
"""Seconds that somebody waits for the lock of a file: a change takes some milliseconds."""

_PAUSE = 0.01
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}  # of some network drives


def real_path(path: str | os.PathLike[str]) -> Path:
    """The file itself, where the path is a symbolic link: replacing a link would cut it.

    Raises:
        ConfigError: The links lead nowhere.
    """
    try:
        return Path(path).resolve()
    except (
        OSError,
        RuntimeError,
    ) as error:  # Up to Python 3.12, a loop of links is a RuntimeError.
        message = f"{path} cannot be changed: {error}"
        raise ConfigError(message) from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep others away who change the file, in this process and in others; for `with`.

    It is flock(2) of a hidden file beside it. Where there is none, as on Windows and some network drives, who
    is second finds out when they compare.

    Raises:
        ConfigError: The lock cannot be had.
    """
    beside = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Reading is enough to lock it, and whoever may read it may be somebody else than its owner.
        file = os.open(beside, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        message = f"{path} cannot be changed: {beside.name}: {error.strerror}"
        raise ConfigError(message) from error
    try:
        _lock(file, path)
        yield
    finally:
        os.close(file)  # unlocks it, as does dying


def _lock(file: int, path: Path) -> None:
    if sys.platform == "win32":
        return
    until = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                message = (
                    f"{path} is being changed by somebody else for {PATIENCE:g} seconds: try again"
                )
                raise ConfigError(message) from None
            time.sleep(_PAUSE)
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return
            message = f"{path} cannot be locked: {error.strerror}"
            raise ConfigError(message) from error
        else:
            return


def content_of(path: Path) -> bytes | None:
    """What is in a file that may be replaced; None if it does not exist.

    Raises:
        ConfigError: It cannot be read, is no regular file, or is read-only.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # Reading a pipe or a device may never end.
            message = f"{path} cannot be changed: it is no regular file"
            raise ConfigError(message)
        # Replacing needs only the folder's permission; root may always. Both ignore what is meant.
        if not status.st_mode & 0o222 or not os.access(path, os.W_OK):
            message = f"{path} cannot be changed: it is read-only"
            raise ConfigError(message)
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise ConfigError(message) from error


@frozen
class Replacement:
    """A new content that is on disk, and not yet in its place.

    Attributes:
        path: The file to replace.
        before: Its content that the new one was made from; None: there was no file.
        unfinished: The file with the new content.
    """

    path: Path
    before: bytes | None
    unfinished: Path

    def put_in_place(self) -> None:
        """Replace the file.

        Raises:
            ConfigError: The file is not what it was, or it cannot be replaced; it stays as it is.
        """
        if content_of(self.path) != self.before:
            message = f"{self.path} was changed by somebody else just now, so nothing is written: try again"
            raise ConfigError(message)
        try:
            self.unfinished.replace(self.path)
        except OSError as error:
            message = f"{self.path} cannot be replaced: {error.strerror}"
            raise ConfigError(message) from error
        _flush_folder(self.path.parent)


@contextmanager
def prepared(path: Path, before: bytes | None, content: bytes) -> Iterator[Replacement]:
    """Write the new content of a file beside it, with its permissions; for `with`, under the file's lock.

    Args:
        path: The file.
        before: Its present content; None: there is no file.
        content: The new one.

    Raises:
        ConfigError: It cannot be written.
    """
    # With the suffix, which says the format; with one name, so that a process that died leaves one at most.
    unfinished = path.with_name(f".{path.stem}.new{path.suffix}")
    try:
        unfinished.unlink(missing_ok=True)
        # What few may read must not be for all to read meanwhile.
        mode = 0o666 if before is None else 0o600
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            if before is not None:
                _copy_permissions(path, unfinished)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        message = f"{path} cannot be changed: {unfinished.name}: {error.strerror}"
        raise ConfigError(message) from error
    try:
        yield Replacement(path, before, unfinished)
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def _copy_permissions(path: Path, unfinished: Path) -> None:
    status = path.stat()
    if sys.platform != "win32":
        with suppress(
            PermissionError
        ):  # Only root may give files away; the group may be one's own.
            os.chown(unfinished, -1, status.st_gid)
            os.chown(unfinished, status.st_uid, -1)
    unfinished.chmod(stat.S_IMODE(status.st_mode))


def _flush_folder(folder: Path) -> None:
    """Make the folder say so after a power cut too; some systems have no such thing."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
