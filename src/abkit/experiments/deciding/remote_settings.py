"""Settings in a file that a URL names."""

from pathlib import PurePosixPath

from abkit.errors import ConfigError
from abkit.experiments.deciding.settings import FORMATS, NOTHING, Settings, parse_content
from abkit.remote_file import RemoteFile, Version


class RemoteSettings:
    """Settings in a TOML or a JSON file in any file system of fsspec; a file that does not exist has none.

    Args:
        url: Such as "s3://bucket/experiments.toml"; its name ends with .toml or .json.

    Raises:
        ConfigError: The name ends otherwise, or there is no file system for it.
        MissingExtraError: fsspec is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            self._file = RemoteFile(url)
        except OSError as error:
            raise ConfigError(str(error)) from error
        self._name = PurePosixPath(url.partition("?")[0])
        if self._name.suffix not in FORMATS:
            message = f"A settings file is called .toml or .json, not {self._name.name!r}"
            raise ConfigError(message)
        self._known: Version | None = None
        self._is_known = False
        self._broken: ConfigError | None = None

    def read(self) -> Settings | None:
        """As `SettingsSource.read`; it costs one request if the file has not changed.

        Raises:
            ConfigError: It cannot be read, as it is now.
        """
        try:
            version = self._file.version()
            if self._is_known and version == self._known:
                if self._broken is not None:
                    raise self._broken.with_traceback(None)
                return None
            found = self._file.read()
        except OSError as error:
            raise ConfigError(str(error)) from error
        content, self._known = (None, None) if found is None else found
        self._is_known, self._broken = True, None
        if content is None:
            return NOTHING
        try:
            return parse_content(content, self._name, label=self._file.label)
        except ConfigError as error:
            self._broken = error
            raise

    def __repr__(self) -> str:
        return f"RemoteSettings({self._file.label!r})"
