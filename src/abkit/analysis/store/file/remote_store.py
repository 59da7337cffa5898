"""A store that a URL names: its file is fetched, used, and put back in one step.

It is put back only if it is still the one that was fetched. Whoever is second starts again from what the
first one has put there, which has most of the work done. A process that is killed has put back all or
nothing.
"""

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from attrs import evolve, frozen

from abkit.analysis.reading.places import is_url
from abkit.analysis.store.place import Store
from abkit.errors import AnalysisError
from abkit.remote_file import RemoteFile, ReplacedError, Version, path_of

logger: logging.Logger = logging.getLogger("abkit")

TIMES = 5
"""So often an analysis is made of a store that others replace."""

_Made = TypeVar("_Made")


class StoreReplacedError(AnalysisError):
    """Another process has put another store in the place of the one that was fetched."""


@contextmanager
def working_copy(place: Path | str) -> Iterator[Path]:
    """A file of this machine to work with; what becomes of it is put back, unless an error ends it.

    Args:
        place: Where the store is; one of this machine is worked with itself.

    Raises:
        StoreReplacedError: Another process has replaced it meanwhile; it stays as that one left it.
        AnalysisError: It cannot be fetched or put back.
        MissingExtraError: fsspec is not installed.
    """
    with _told():
        local = path_of(str(place)) if is_url(place) else Path(place)
    if local is not None:
        yield local
        return
    with tempfile.TemporaryDirectory(prefix="abkit-") as scratch:
        copy = _Copy.fetched(str(place), Path(scratch) / "store.duckdb")
        try:
            yield copy.path
        except AnalysisError as error:
            error.args = tuple(
                str(each).replace(str(copy.path), copy.file.label) for each in error.args
            )
            raise
        copy.put_back()


@contextmanager
def shared_copy(store: Store) -> Iterator[Store]:
    """As `working_copy`, for several analyses that are done when it is put back.

    If it was replaced meanwhile, what they found is right all the same; a warning says that what they read
    is not kept.
    """
    if store.path is None:
        yield store
        return
    try:
        with working_copy(store.path) as copy:
            yield evolve(store, path=copy)
    except StoreReplacedError as error:
        logger.warning("%s: the results are right, and the next run goes on from that store", error)


def from_the_newest(make: Callable[[], _Made]) -> _Made:
    """What is made with a store; if that was replaced meanwhile, it is made again, from the newer one.

    Raises:
        AnalysisError: It was replaced each time.
    """
    for _ in range(TIMES - 1):
        try:
            return make()
        except StoreReplacedError as error:
            logger.info("%s: once more, from the newer one", error)
    return make()


@frozen
class _Copy:
    """A copy of a store's file.

    Attributes:
        file: Where it is from.
        path: The copy.
        version: What was fetched; None: there was nothing yet.
        state: Of the copy, as it was fetched.
    """

    file: RemoteFile
    path: Path
    version: Version | None
    state: tuple[int, int] | None

    @classmethod
    def fetched(cls, url: str, path: Path) -> "_Copy":
        with _told():
            file = RemoteFile(url)
            version = file.fetch(path)
            if version is None:
                file.check_bucket()
        return cls(file, path, version, _state(path))

    def put_back(self) -> None:
        """Put it back, if anything was written."""
        if _state(self.path) == self.state:
            return
        with _told():
            self.file.put(self.path, over=self.version)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except ReplacedError as error:
        raise StoreReplacedError(str(error)) from error
    except OSError as error:
        raise AnalysisError(str(error)) from error


def _state(path: Path) -> tuple[int, int] | None:
    """What changes when DuckDB writes; None: there is no file."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns
