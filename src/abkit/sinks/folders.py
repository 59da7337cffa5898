"""Where files are put so that no reader meets half of one: a local folder, or any file system of fsspec."""

from collections.abc import Callable
from pathlib import Path

from abkit.errors import DeliveryError
from abkit.extras import extra
from abkit.file_systems import FileSystem, is_of_this_machine, is_url
from abkit.quoting import masked, told
from abkit.sinks.event_files import Folder
from abkit.sinks.file_formats import FileFormat
from abkit.sinks.local_folder import LocalFolder
from abkit.sinks.remote_folder import RemoteFolder


def folder(
    directory: str,
    filesystem: FileSystem | None,
    form: FileFormat,
    *,
    clock: Callable[[], float],
) -> Folder:
    """The folder at a path, or at a URL, or at a path of the file system given."""
    if filesystem is None and not is_url(directory):
        return LocalFolder(Path(directory), form, clock=clock)
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
    if isinstance(filesystem, LocalFileSystem) or is_of_this_machine(filesystem):
        path = Path(filesystem._strip_protocol(directory))
        return LocalFolder(path, form, clock=clock)
    return RemoteFolder(filesystem, directory, form)
