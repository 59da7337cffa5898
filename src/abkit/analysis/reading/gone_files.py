"""Files that were listed, and are gone when they are read."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from abkit.errors import AnalysisError

_Found = TypeVar("_Found")

_ATTEMPTS = 5


class FilesGoneError(AnalysisError):
    """A file that was listed is gone: others merge files, close them, or remove old ones."""


def read_again(read: Callable[[], _Found]) -> _Found:
    """What is read of files; if one is gone that was listed, all is read again, of another listing.

    Raises:
        FilesGoneError: One was gone each time.
    """
    for _ in range(_ATTEMPTS - 1):
        with suppress(FilesGoneError):
            return read()
    return read()
