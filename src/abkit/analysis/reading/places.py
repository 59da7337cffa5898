"""Where data are: a path of this machine, or a URL of any other."""

from pathlib import Path

from abkit.file_systems import is_url as is_url  # noqa: PLC0414 - what is read and what is kept ask alike


def within(place: str, name: str) -> str:
    """A file or a folder within a folder."""
    if is_url(place):
        folder, mark, rest = place.partition("?")
        return f"{folder.rstrip('/')}/{name}{mark}{rest}"
    return str(Path(place) / name)


def absolute(place: str) -> str:
    """The same, whatever the current folder is."""
    return place if is_url(place) else str(Path(place).resolve())
