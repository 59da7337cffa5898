"""What is written survives a power cut: forced to the disk, with the folders that name it."""

import errno
import os
from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path

_CANNOT = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM})


def file_to_disk(path: Path) -> None:
    """Force a file's content to the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def folders_to_disk(folders: Iterable[Path]) -> None:
    """Force the names in some folders to the disk, where the system can."""
    if os.name != "posix":
        return
    for folder in folders:
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except PermissionError:
            continue  # One may write into a folder that one may not read.
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in _CANNOT:
                raise
        finally:
            os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder and those around it, and force their names to the disk."""
    missing = list(takewhile(lambda each: not each.exists(), (folder, *folder.parents)))
    folder.mkdir(parents=True, exist_ok=True)
    folders_to_disk(each.parent for each in missing)
