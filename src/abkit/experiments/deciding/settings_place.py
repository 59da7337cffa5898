"""Where settings are: in a file, or at a URL."""

import os

from abkit.experiments.deciding.settings import SettingsFile, SettingsSource
from abkit.file_systems import is_url


def settings_at(place: str | os.PathLike[str]) -> SettingsSource:
    """The settings in a file, or in one that a URL names.

    Raises:
        ConfigError: The name ends neither with .toml nor with .json, or there is no file system for the URL.
        MissingExtraError: fsspec is not installed, for a URL.
    """
    if is_url(place):
        from abkit.experiments.deciding.remote_settings import RemoteSettings

        return RemoteSettings(str(place))
    return SettingsFile(place)
