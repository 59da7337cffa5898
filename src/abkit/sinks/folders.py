"""Where files are put so that no reader meets half of one: a local folder, or any file system of fsspec."""

import copy
import io
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeAlias

from attrs import frozen

from abkit.errors import DeliveryError
from abkit.extras import extra
from abkit.quoting import masked, told
from abkit.sinks.leftovers import Sweep, name_of_part
from abkit.sinks.records import Record

Writer: TypeAlias = Callable[[Path | BinaryIO, Sequence[Record], Mapping[str, str]], None]
"""Writes rows with the columns that they have."""

FileSystem: TypeAlias = Any
"""Of fsspec or of pyarrow; neither tells its types."""

_INCOMPLETE = ".incomplete"  # no pattern over the folders of the events meets this one
# An object that is put there appears complete; anything else is moved into its place.
_OBJECT_STORES = frozenset(
    {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "adl", "az", "oci", "oss", "r2"}
)


@frozen
class File:
    """What is to be written, and where readers will find it, below the directory of the sink."""

    target: str
    rows: Sequence[Record]
    columns: Mapping[str, str]


class Folder(Protocol):
    """Where the files are put."""

    def put(self, files: Sequence[File], /) -> None:
        """Write all files, or none; each appears complete or not at all.

        Raises:
            OSError: Some file could not be written.
        """
        ...

    def try_out(self, file: File, /) -> None:
        """Write the file where no reader sees it, and remove it."""
        ...


class _LocalFolder:
    """Files are written aside, forced to the disk, and renamed."""

    def __init__(self, directory: Path, write: Writer) -> None:
        self._directory = directory
        self._write = write
        self._sweep = Sweep()

    def put(self, files: Sequence[File]) -> None:
        self._remove_abandoned()
        pending: list[tuple[Path, Path]] = []
        try:
            for file in files:
                written, target = self._aside(), self._directory / file.target
                pending.append((written, target))
                for parent in (written.parent, target.parent):
                    parent.mkdir(parents=True, exist_ok=True)
                self._write(written, file.rows, file.columns)
                _to_disk(written)
            for written, target in pending:
                written.replace(target)
        finally:
            for written, _ in pending:
                written.unlink(missing_ok=True)

    def try_out(self, file: File) -> None:
        written = self._aside()
        written.parent.mkdir(parents=True, exist_ok=True)
        self._write(written, file.rows, file.columns)
        written.unlink()
        self._remove_abandoned()

    def _aside(self) -> Path:
        return self._directory / _INCOMPLETE / name_of_part()

    def _remove_abandoned(self) -> None:
        if not self._sweep.is_due():
            return
        with suppress(OSError):  # Another process may have removed them, or there is none.
            aside = self._directory / _INCOMPLETE
            for name in self._sweep.abandoned(path.name for path in aside.iterdir()):
                (aside / name).unlink(missing_ok=True)


class _RemoteFolder:
    """Objects are put in one piece; where that is not the way, files are written aside and moved."""

    def __init__(self, filesystem: FileSystem, directory: str, write: Writer) -> None:
        self._filesystem = filesystem
        self._directory = directory.rstrip("/")
        self._write = write
        self._one_piece = not _OBJECT_STORES.isdisjoint(_protocols(filesystem))
        self._pid = os.getpid()
        self._sweep = Sweep()

    def put(self, files: Sequence[File]) -> None:
        self._reconnect_after_fork()
        self._remove_abandoned()
        contents = [(self._path(file.target), self._content(file)) for file in files]
        touched: list[str] = []
        try:
            for target, content in contents:
                touched.append(target)
                self._put_one(target, content)
        except Exception as error:
            # Every file system has errors of its own, and none of them is the events' fault.
            for path in touched:
                with suppress(Exception):
                    self._filesystem.rm_file(path)
            raise OSError(f"{type(error).__name__}: {error}") from error

    def try_out(self, file: File) -> None:
        # One name, so that where removing is not allowed, no more than one is left.
        trial = self._path(f"{_INCOMPLETE}/trial")
        try:
            if not self._one_piece:
                self._filesystem.makedirs(_parent(trial), exist_ok=True)
            self._filesystem.pipe_file(trial, self._content(file))
        except Exception as error:
            raise OSError(f"{type(error).__name__}: {error}") from error
        with suppress(Exception):
            self._filesystem.rm_file(trial)
        self._remove_abandoned()

    def _put_one(self, target: str, content: bytes) -> None:
        if self._one_piece:
            self._filesystem.pipe_file(target, content)
            return
        written = self._path(f"{_INCOMPLETE}/{name_of_part()}")
        for path in (written, target):
            self._filesystem.makedirs(_parent(path), exist_ok=True)
        try:
            self._filesystem.pipe_file(written, content)
            self._filesystem.mv(written, target)
        except Exception:
            with suppress(Exception):
                self._filesystem.rm_file(written)
            raise

    def _remove_abandoned(self) -> None:
        if self._one_piece or not self._sweep.is_due():
            return
        with suppress(Exception):  # As above; and not every file system can list.
            found = self._filesystem.ls(self._path(_INCOMPLETE), detail=False)
            for name in self._sweep.abandoned(path.rpartition("/")[2] for path in found):
                self._filesystem.rm_file(self._path(f"{_INCOMPLETE}/{name}"))

    def _content(self, file: File) -> bytes:
        buffer = io.BytesIO()
        self._write(buffer, file.rows, file.columns)
        return buffer.getvalue()

    def _path(self, relative: str) -> str:
        return f"{self._directory}/{relative}"

    def _reconnect_after_fork(self) -> None:
        if self._pid != os.getpid():
            # A copy is made anew, from the arguments of the first.
            self._filesystem = copy.copy(self._filesystem)
            self._pid = os.getpid()


def folder(directory: str, filesystem: FileSystem | None, write: Writer) -> Folder:
    """The folder at a path, or at a URL, or at a path of the file system given."""
    if filesystem is None and "://" not in directory:
        return _LocalFolder(Path(directory), write)
    with extra("files"):
        from fsspec import AbstractFileSystem  # type: ignore[import-untyped]
        from fsspec.core import url_to_fs  # type: ignore[import-untyped]
        from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]
    try:
        if filesystem is None:
            filesystem, directory = url_to_fs(directory)
        elif not isinstance(filesystem, AbstractFileSystem):
            from fsspec.implementations.arrow import ArrowFSWrapper  # type: ignore[import-untyped]

            filesystem = ArrowFSWrapper(filesystem)
    except (ImportError, ValueError) as error:
        message = f"FileSink: there is no file system for {masked(directory)}: {told(error)}"
        raise DeliveryError(message) from None
    if isinstance(filesystem, LocalFileSystem) or "local" in _protocols(filesystem):
        return _LocalFolder(Path(filesystem._strip_protocol(directory)), write)
    return _RemoteFolder(filesystem, directory, write)


def _protocols(filesystem: FileSystem) -> frozenset[str]:
    """The names of the file system: fsspec has one or several, pyarrow one."""
    names: str | Sequence[str] = filesystem.protocol
    return frozenset({names} if isinstance(names, str) else names)


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _to_disk(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
