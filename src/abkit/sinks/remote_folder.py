"""A folder in a file system of fsspec: nothing can be appended there, so each batch has files of its own."""

import copy
import io
import os
from collections.abc import Sequence
from contextlib import suppress

from abkit.file_systems import FileSystem, is_object_store
from abkit.sinks.event_files import INCOMPLETE, File
from abkit.sinks.file_formats import FileFormat
from abkit.sinks.leftovers import Sweep, name_of_part


class RemoteFolder:
    """Objects are put in one piece; where that is not the way, files are written aside and moved."""

    def __init__(self, filesystem: FileSystem, directory: str, form: FileFormat) -> None:
        self._filesystem = filesystem
        self._directory = directory.rstrip("/")
        self._form = form
        self._one_piece = is_object_store(filesystem)
        self._pid = os.getpid()
        self._sweep = Sweep()

    def put(self, files: Sequence[File], /) -> None:
        """Put all files, or none.

        Raises:
            OSError: Some file could not be put.
        """
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

    def close(self) -> None:
        """Nothing is open."""

    def try_out(self, file: File, /) -> None:
        """Put the file where no reader sees it, and remove it."""
        # One name, so that where removing is not allowed, no more than one is left.
        trial = self._path(f"{INCOMPLETE}/trial")
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
        written = self._path(f"{INCOMPLETE}/{name_of_part()}")
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
            found = self._filesystem.ls(self._path(INCOMPLETE), detail=False)
            for name in self._sweep.abandoned(path.rpartition("/")[2] for path in found):
                self._filesystem.rm_file(self._path(f"{INCOMPLETE}/{name}"))

    def _content(self, file: File) -> bytes:
        buffer = io.BytesIO()
        self._form.write(buffer, file.rows, file.columns)
        return buffer.getvalue()

    def _path(self, relative: str) -> str:
        return f"{self._directory}/{relative}"

    def _reconnect_after_fork(self) -> None:
        if self._pid != os.getpid():
            # A copy is made anew, from the arguments of the first.
            self._filesystem = copy.copy(self._filesystem)
            self._pid = os.getpid()


def _parent(path: str) -> str:
    return path.rpartition("/")[0]
