"""The files of events of a URL: their listing tells which of them are new, and only these are fetched."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import frozen

from abkit.analysis.reading.gone_files import FilesGoneError
from abkit.analysis.reading.listing import is_data
from abkit.analysis.reading.remote import RemoteFiles, listed_remotely, refused
from abkit.remote_file import Version


@frozen
class RemoteEventFiles:
    """The files of a table that a URL names.

    Attributes:
        files: As they were listed.
        states: By name, the state of each that is not empty: what the file system calls its content, its
            size, its time.
    """

    files: RemoteFiles
    states: Mapping[str, str]

    @property
    def place(self) -> str:
        """The URL, without a password and a slash at its end."""
        return self.files.label.rstrip("/")

    @property
    def root(self) -> str:
        """How messages call the place that the names are relative to."""
        return self.files.label

    def linked(self, names: Sequence[str], folder: Path) -> Path:
        """A folder with copies of some of the files.

        Raises:
            FilesGoneError: One is gone.
            AnalysisError: One cannot be read.
        """
        try:
            self.files.copied(names, folder)
        except FileNotFoundError as error:
            raise FilesGoneError(str(error)) from error
        except Exception as error:  # Every file system has errors of its own.
            with refused(self.files.label):
                raise error from None
        return folder

    def there(self, names: Sequence[str]) -> Sequence[str]:
        """All of them: `linked` says what is gone, and what is read are copies."""
        return names


def remote_event_files(url: str) -> RemoteEventFiles:
    """The files of a URL as they are now.

    Raises:
        EmptyDataError: It is a glob that matches none.
        AnalysisError: It does not exist, or cannot be read.
        MissingExtraError: fsspec is not installed.
    """
    files = listed_remotely(url, is_data=is_data)
    states = {
        name: str(Version.of(info)) for name, info in files.infos.items() if info.get("size") != 0
    }
    return RemoteEventFiles(files, states)
