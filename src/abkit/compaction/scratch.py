"""Folders for what is computed, which are removed also if the process is killed: by the next one."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from abkit.sinks.leftovers import Sweep, name_of_part

_PREFIX = "abkit-compact-"


@contextmanager
def scratch() -> Iterator[Path]:
    """A new folder in the folder for temporary files (`TMPDIR`)."""
    folder = Path(tempfile.gettempdir()) / f"{_PREFIX}{name_of_part()}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned() -> None:
    """Remove what killed processes have left there."""
    with suppress(OSError):
        temporary = Path(tempfile.gettempdir())
        names = [each.name.removeprefix(_PREFIX) for each in temporary.glob(f"{_PREFIX}*")]
        for name in Sweep().abandoned(names):
            shutil.rmtree(temporary / f"{_PREFIX}{name}", ignore_errors=True)
