"""Where data are: a path of this machine, or a URL of any other."""

from pathlib import Path


def is_url(place: object) -> bool:
    """Whether a place is a URL such as "s3://bucket/events", not a path of this machine."""
    return isinstance(place, str) and "://" in place


def within(place: str, name: str) -> str:
    """A file or a folder within a folder."""
    if is_url(place):
        folder, mark, rest = place.partition("?")
        return f"{folder.rstrip('/')}/{name}{mark}{rest}"
    return str(Path(place) / name)


def absolute(place: str) -> str:
    """The same, whatever the current folder is."""
    return place if is_url(place) else str(Path(place).resolve())
