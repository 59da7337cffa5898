"""What an extra installs, imported where it is used."""

from collections.abc import Iterator
from contextlib import contextmanager

from abkit.errors import MissingExtraError


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Imports what an extra installs; for `with`.

    Only a module that is missing is told like this. A package that is there and cannot be imported, and
    a module of abkit's own that is not there, raise what Python raises: installing the extra would not help.

    Args:
        name: The extra, as `pyproject.toml` calls it.

    Raises:
        MissingExtraError: A module that the extra installs is not there.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "abkit":
            raise
        raise MissingExtraError(error.name, name) from error
