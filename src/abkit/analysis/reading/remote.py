"""Files of another machine: whatever file system of fsspec a URL names."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from glob import has_magic
from pathlib import Path
from typing import Any
from uuid import uuid4

from abkit.errors import AbkitError, AnalysisError, EmptyDataError
from abkit.extras import extra
from abkit.quoting import masked

_ATTEMPTS = 5


def fetched(url: str, into: Path, *, is_data: Callable[[Sequence[str]], bool]) -> list[Path]:
    """Copies of the files of a URL, below a new folder; those of this machine are left where they are.

    Each query would else fetch them anew.

    Args:
        url: Of a file, a folder or a glob, such as "s3://bucket/events/exposures".
        into: A folder for the copies.
        is_data: Whether a file of a folder, by the parts of its path within, is one of the table's.

    Raises:
        EmptyDataError: There is no such file.
        AnalysisError: It cannot be read; the message says why.
        MissingExtraError: fsspec is not installed.
    """
    with refused(url):
        filesystem, path = filesystem_of(url)
        for _ in range(_ATTEMPTS):
            filesystem.invalidate_cache()  # what has been written since is there too
            root, names = _named(filesystem, path, is_data)
            if names is None:
                message = f"{masked(url)} does not exist; give a file, a folder or a glob"
                raise AnalysisError(message)
            if not names and has_magic(path):
                raise EmptyDataError(masked(url), "matches no file")
            if "local" in _protocols(filesystem):
                return [Path(name) for name in names]
            try:
                return _copies(filesystem, root, names, into / uuid4().hex)
            except FileNotFoundError:  # Others may merge files, or remove old ones.
                continue
    message = f"{masked(url)} changes all the time: a file was removed while it was fetched"
    raise AnalysisError(message)


def _copies(filesystem: Any, root: str, names: Sequence[str], folder: Path) -> list[Path]:
    """Fetch files into a new folder.

    Raises:
        FileNotFoundError: One is gone.
    """
    copies = [folder / name.removeprefix(root).lstrip("/") for name in names]
    for parent in {copy.parent for copy in copies}:
        parent.mkdir(parents=True, exist_ok=True)
    if names:
        filesystem.get(names, [str(copy) for copy in copies])
    return copies


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


def filesystem_of(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it.

    Raises:
        ImportError, ValueError: There is none.
        MissingExtraError: fsspec is not installed.
    """
    with extra("files"):
        from fsspec.core import url_to_fs  # type: ignore[import-untyped]
    filesystem, path = url_to_fs(url)
    return filesystem, str(path)


@contextmanager
def refused(url: str) -> Iterator[None]:
    """Let what a file system raises be our own error."""
    try:
        yield
    except AbkitError:
        raise
    except FileNotFoundError as error:
        message = f"{masked(url)} does not exist: {_said(error)}"
        raise AnalysisError(message) from error
    except PermissionError as error:
        message = f"{masked(url)} may not be read with these credentials: {_said(error)}"
        raise AnalysisError(message) from error
    except Exception as error:
        # Every file system has errors of its own.
        message = f"{masked(url)} cannot be read: {_said(error)}"
        raise AnalysisError(message) from error


def _named(
    filesystem: Any, path: str, is_data: Callable[[Sequence[str]], bool]
) -> tuple[str, list[str] | None]:
    """What the names of the files begin with, and their names; None if there is no such path."""
    if has_magic(path) and not filesystem.exists(path):
        root = path[: min(path.index(sign) for sign in "*?[" if sign in path)].rpartition("/")[0]
        return root, sorted(name for name in filesystem.glob(path) if filesystem.isfile(name))
    if filesystem.isfile(path):
        return path.rpartition("/")[0], [path]
    root = path.rstrip("/")
    names = sorted(filesystem.find(root))
    if not names and not filesystem.exists(root):
        return root, None
    below = [name for name in names if name.startswith(f"{root}/")]
    return root, [name for name in below if is_data(name[len(root) + 1 :].split("/"))]


def _protocols(filesystem: Any) -> frozenset[str]:
    names: str | Sequence[str] = filesystem.protocol
    return frozenset({names} if isinstance(names, str) else names)


def _said(error: Exception) -> str:
    return " ".join(f"{error}".split()) or type(error).__name__
