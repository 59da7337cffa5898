"""Where the files of events are: a local folder, or any file system of fsspec."""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from abkit.analysis.reading.remote import refused
from abkit.compaction.days import KINDS, StoredFile, stored_file
from abkit.errors import CompactionError
from abkit.file_systems import filesystem_of, is_object_store, is_of_this_machine, is_url
from abkit.quoting import masked, told
from abkit.sinks.durable import file_to_disk, folders_to_disk
from abkit.sinks.event_files import INCOMPLETE
from abkit.sinks.hour_files import close_abandoned_files
from abkit.sinks.leftovers import Sweep, name_of_part

_MODIFIED = ("LastModified", "mtime", "last_modified", "updated", "created")


class EventFiles(Protocol):
    """Where the files are.

    Attributes:
        label: How messages call it.
    """

    label: str

    def close_abandoned(self) -> None:
        """Close the files that dead processes were still writing to."""
        ...

    def listed(self, folders: Iterable[str] = KINDS) -> list[StoredFile]:
        """The files of events in folders below.

        Raises:
            OSError: One cannot be looked into.
        """
        ...

    def fetched(self, files: Sequence[StoredFile], into: Path) -> list[Path]:
        """Where the files can be read on this machine: where they are, or copies in a folder.

        Raises:
            FileNotFoundError: One is gone.
            OSError: One cannot be read.
        """
        ...

    def put(self, source: Path, target: str) -> None:
        """Let a file appear, complete and for good.

        Args:
            source: The file.
            target: Where, below the folder of the events.

        Raises:
            OSError: It could not be written; nothing has appeared.
        """
        ...

    def remove(self, files: Sequence[StoredFile]) -> None:
        """Remove files; those that are gone already are fine.

        Raises:
            OSError: Some could not be removed.
        """
        ...


def event_files(events: str) -> EventFiles:
    """The files of a folder, or of a URL.

    Raises:
        CompactionError: There is no such folder.
        AnalysisError: The URL cannot be read.
        MissingExtraError: fsspec is not installed, for a URL.
    """
    if not is_url(events):
        return _local(Path(events))
    with refused(events):
        filesystem, path = filesystem_of(events)
        if is_of_this_machine(filesystem):
            return _local(Path(path))
        filesystem.invalidate_cache()
        if not filesystem.exists(path):
            message = f"{masked(events)} does not exist; give the folder that a FileSink writes to"
            raise CompactionError(message)
    return _RemoteFiles(filesystem, path.rstrip("/"), masked(events))


def _local(folder: Path) -> "_LocalFiles":
    if not folder.is_dir():
        message = f"{folder} is no folder; give the one that a FileSink writes to"
        raise CompactionError(message)
    return _LocalFiles(folder)


class _LocalFiles:
    """Files are read where they are. New ones are written aside, forced to the disk, and renamed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.label = str(folder)
        self._remove_abandoned()

    def close_abandoned(self) -> None:
        """As `EventFiles.close_abandoned`."""
        close_abandoned_files(self._folder)

    def listed(self, folders: Iterable[str] = KINDS) -> list[StoredFile]:
        return [file for folder in folders for file in self._below(folder)]

    def _below(self, folder: str) -> Iterator[StoredFile]:
        try:
            entries = [*os.scandir(self._folder / folder)]
        except FileNotFoundError:
            return
        for entry in entries:
            path = f"{folder}/{entry.name}"
            try:
                if entry.is_dir():
                    yield from self._below(path)
                    continue
                status = entry.stat()
            except FileNotFoundError:  # Removed meanwhile.
                continue
            file = stored_file(path, status.st_size, status.st_mtime)
            if file is not None:
                yield file

    def fetched(self, files: Sequence[StoredFile], into: Path) -> list[Path]:  # noqa: ARG002 - as the other
        return [self._folder / file.path for file in files]

    def put(self, source: Path, target: str) -> None:
        written, place = self._folder / INCOMPLETE / name_of_part(), self._folder / target
        written.parent.mkdir(exist_ok=True)
        try:
            shutil.copyfile(source, written)
            file_to_disk(written)
            written.replace(place)
        finally:
            written.unlink(missing_ok=True)
        # What it replaces is removed next: its name must be on the disk before.
        folders_to_disk([place.parent])

    def remove(self, files: Sequence[StoredFile]) -> None:
        for file in files:
            (self._folder / file.path).unlink(missing_ok=True)

    def _remove_abandoned(self) -> None:
        with suppress(OSError):  # Another process may have removed them, or there is none.
            aside = self._folder / INCOMPLETE
            for name in Sweep().abandoned(path.name for path in aside.iterdir()):
                (aside / name).unlink(missing_ok=True)


class _RemoteFiles:
    """Files are copied to be read. Objects are put in one piece; other files are written aside and moved."""

    def __init__(self, filesystem: Any, root: str, label: str) -> None:
        self._filesystem = filesystem
        self._root = root
        self.label = label
        self._appears_whole = is_object_store(filesystem)

    def close_abandoned(self) -> None:
        """Nothing: where nothing can be appended, nothing is open."""

    def listed(self, folders: Iterable[str] = KINDS) -> list[StoredFile]:
        self._filesystem.invalidate_cache()
        found: list[StoredFile] = []
        for folder in folders:
            try:
                below = self._filesystem.find(f"{self._root}/{folder}", detail=True)
            except FileNotFoundError:
                continue
            except Exception as error:
                # Every file system has errors of its own; so it is below.
                raise OSError(told(error)) from error
            for path, info in below.items():
                relative = path.removeprefix(f"{self._root}/")
                file = stored_file(relative, int(info.get("size") or 0), _modified(info))
                if file is not None:
                    found.append(file)
        return found

    def fetched(self, files: Sequence[StoredFile], into: Path) -> list[Path]:
        copies = [into / file.name for file in files]
        try:
            self._filesystem.get(
                [self._path(file.path) for file in files], [str(copy) for copy in copies]
            )
        except FileNotFoundError:
            raise
        except Exception as error:
            raise OSError(told(error)) from error
        for file, copy in zip(files, copies, strict=True):
            if not copy.exists():  # Some file systems say nothing of what is gone.
                raise FileNotFoundError(file.path)
        return copies

    def put(self, source: Path, target: str) -> None:
        place = self._path(target)
        written = place if self._appears_whole else self._path(f"{INCOMPLETE}/{name_of_part()}")
        try:
            if not self._appears_whole:
                self._filesystem.makedirs(written.rpartition("/")[0], exist_ok=True)
            self._filesystem.put_file(str(source), written)
            if not self._appears_whole:
                self._filesystem.mv(written, place)
            self._filesystem.invalidate_cache()
            size = self._filesystem.size(place)
        except Exception as error:
            with suppress(Exception):
                self._filesystem.rm_file(written)
            raise OSError(told(error)) from error
        if size != source.stat().st_size:
            message = f"{target} has {size} bytes there, not {source.stat().st_size}"
            raise OSError(message)

    def remove(self, files: Sequence[StoredFile]) -> None:
        try:
            self._filesystem.rm([self._path(file.path) for file in files])
        except FileNotFoundError:
            self._remove_each(files)
        except Exception as error:
            raise OSError(told(error)) from error

    def _remove_each(self, files: Sequence[StoredFile]) -> None:
        for file in files:
            try:
                self._filesystem.rm_file(self._path(file.path))
            except FileNotFoundError:
                continue
            except Exception as error:
                raise OSError(told(error)) from error

    def _path(self, relative: str) -> str:
        return f"{self._root}/{relative}"


def _modified(info: dict[str, Any]) -> float | None:
    for name in _MODIFIED:
        value = info.get(name)
        if isinstance(value, datetime):
            return value.timestamp()
        if isinstance(value, int | float):
            return float(value)
    return None
