"""Files of another machine: whatever file system of fsspec a URL names."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from glob import has_magic
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

from attrs import frozen

from abkit.errors import AnalysisError, EmptyDataError
from abkit.file_systems import FileSystem, filesystem_of, is_of_this_machine
from abkit.quoting import masked
from abkit.remote_file import as_os_errors

_ATTEMPTS = 5

_Infos: TypeAlias = Mapping[str, Mapping[str, Any]]
"""By path, what a file system tells of its files."""


@frozen
class RemoteFiles:
    """The files of a URL, as they were listed.

    Attributes:
        label: How messages call them.
        filesystem: Where they are.
        root: What their paths begin with.
        infos: What the file system tells of each, by its path below the root, in order.
    """

    label: str
    filesystem: FileSystem
    root: str
    infos: _Infos

    @property
    def are_of_this_machine(self) -> bool:
        """Whether they can be read where they are."""
        return is_of_this_machine(self.filesystem)

    def path(self, name: str) -> str:
        """The path of a file by its name below the root."""
        return f"{self.root}/{name}"

    def copied(self, names: Sequence[str], folder: Path) -> list[Path]:
        """Fetch files into a folder, many at once where the file system can.

        Args:
            names: Which of them.
            folder: Where they have the same names.

        Raises:
            FileNotFoundError: One is gone.
        """
        copies = [folder / name for name in names]
        for parent in {copy.parent for copy in copies}:
            parent.mkdir(parents=True, exist_ok=True)
        if names:
            self.filesystem.get([self.path(name) for name in names], [str(copy) for copy in copies])
        for name, copy in zip(names, copies, strict=True):
            if not copy.exists():  # Some file systems say nothing of what is gone.
                raise FileNotFoundError(self.path(name))
        return copies


def listed_remotely(url: str, *, is_data: Callable[[Sequence[str]], bool]) -> RemoteFiles:
    """The files of a URL as they are now.

    Args:
        url: Of a file, a folder or a glob, such as "s3://bucket/events/exposures".
        is_data: Whether a file of a folder, by the parts of its path within, is one of the table's.

    Raises:
        EmptyDataError: It is a glob that matches none.
        AnalysisError: It does not exist, or cannot be read; the message says why.
        MissingExtraError: fsspec is not installed.
    """
    with refused(url):
        filesystem, path = filesystem_of(url)
        filesystem.invalidate_cache()  # what has been written since is there too
        root, infos = _named(filesystem, path, is_data)
        if infos is None:
            message = f"{masked(url)} does not exist; give a file, a folder or a glob"
            raise AnalysisError(message)
        if not infos and has_magic(path):
            raise EmptyDataError(masked(url), "matches no file")
        below = {name[len(root) :].lstrip("/"): infos[name] for name in sorted(infos)}
        return RemoteFiles(masked(url), filesystem, root, below)


def fetched(url: str, into: Path, *, is_data: Callable[[Sequence[str]], bool]) -> list[Path]:
    """Copies of the files of a URL, below a new folder; those of this machine are left where they are.

    Each query would else fetch them anew.

    Args:
        url: As of `listed_remotely`.
        into: A folder for the copies.
        is_data: As of `listed_remotely`.

    Raises:
        EmptyDataError: There is no such file.
        AnalysisError: It cannot be read; the message says why.
        MissingExtraError: fsspec is not installed.
    """
    for _ in range(_ATTEMPTS):
        files = listed_remotely(url, is_data=is_data)
        if files.are_of_this_machine:
            return [Path(files.path(name)) for name in files.infos]
        with refused(url):
            try:
                return files.copied([*files.infos], into / uuid4().hex)
            except FileNotFoundError:  # Others may merge files, or remove old ones.
                continue
    message = f"{masked(url)} changes all the time: a file was removed while it was fetched"
    raise AnalysisError(message)


def exists(url: str) -> bool:
    """Whether there is a file or a folder of this URL.

    Raises:
        AnalysisError: That cannot be found out; the message says why.
        MissingExtraError: fsspec is not installed.
    """
    with refused(url):
        filesystem, path = filesystem_of(url)
        filesystem.invalidate_cache()
        return bool(filesystem.exists(path))


@contextmanager
def refused(url: str) -> Iterator[None]:
    """Let what a file system raises be our own error."""
    try:
        with as_os_errors(masked(url), doing="read"):
            yield
    except OSError as error:
        raise AnalysisError(str(error)) from error


def _named(
    filesystem: FileSystem, path: str, is_data: Callable[[Sequence[str]], bool]
) -> tuple[str, _Infos | None]:
    """What the paths of the files begin with, and the files; None if there is no such path."""
    if has_magic(path) and not filesystem.exists(path):
        root = path[: min(path.index(sign) for sign in "*?[" if sign in path)].rpartition("/")[0]
        found: _Infos = filesystem.glob(path, detail=True)
        return root, {name: info for name, info in found.items() if info.get("type") == "file"}
    if filesystem.isfile(path):
        return path.rpartition("/")[0], {path: filesystem.info(path)}
    root = path.rstrip("/")
    found = filesystem.find(root, detail=True)
    if not found and not filesystem.exists(root):
        return root, None
    below = {name: info for name, info in found.items() if name.startswith(f"{root}/")}
    return root, {
        name: info for name, info in below.items() if is_data(name[len(root) + 1 :].split("/"))
    }
