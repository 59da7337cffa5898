"""Which stored files belong together, and which days are worth merging."""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from attrs import frozen

from abkit.sinks.file_formats import TABLES

KINDS: tuple[str, ...] = tuple(TABLES)
"""The folders of stored events."""

_DATE = re.compile(r"date=(\d{4}-\d{2}-\d{2})")
_MERGED = re.compile(r"merged-(?P<generation>\d{4})-(?P<run>[0-9a-f]{32})-\d{3}\.parquet")
_ENDS = (".parquet", ".jsonl", ".ndjson")


@frozen
class StoredFile:
    """A file of events.

    Attributes:
        kind: One of `KINDS`.
        date: The UTC date of its events.
        name: Without its folders.
        size: Bytes.
        modified: Seconds since the epoch; None where the file system does not say it.
    """

    kind: str
    date: dt.date
    name: str
    size: int
    modified: float | None = None

    @property
    def path(self) -> str:
        """Where it is, below the folder of the events."""
        return f"{self.kind}/date={self.date}/{self.name}"


@frozen
class Day:
    """The files of one kind and date that are to be merged."""

    kind: str
    date: dt.date
    files: tuple[StoredFile, ...]

    def __str__(self) -> str:
        return f"{self.kind} of {self.date}"

    def target(self, run: str, number: int) -> str:
        """Where a merged file of this day will be, below the folder of the events.

        It comes after the names that it replaces (those of `FileSink` begin with a digit or a to f): who
        lists the names in their order has listed those before they went, or lists this one.

        Args:
            run: 32 hexadecimal digits that no other run has.
            number: Of the file, from 0.
        """
        found = map(_match, self.files)
        generation = 1 + max((int(each["generation"]) for each in found if each), default=0)
        return f"{self.kind}/date={self.date}/merged-{generation:04}-{run}-{number:03}.parquet"


def stored_file(path: str, size: int, modified: float | None) -> StoredFile | None:
    """A file by its path below the folder of the events; None if it is not one of the events."""
    match path.split("/"):
        case [kind, folder, name] if kind in KINDS and (found := _DATE.fullmatch(folder)):
            try:
                return StoredFile(kind, dt.date.fromisoformat(found[1]), name, size, modified)
            except ValueError:
                return None
    return None


def days_to_merge(files: Iterable[StoredFile], *, before: dt.date) -> list[Day]:
    """The days of several files, or of one that is not as it should be; in their order.

    Names that begin with . or _ are another writer's, and stay; so does what is empty, and what is neither
    Parquet nor JSON Lines.

    Args:
        files: All files.
        before: The first date whose events may still come.
    """
    days: defaultdict[tuple[dt.date, str], list[StoredFile]] = defaultdict(list)
    for file in files:
        if file.date < before and _can_be_merged(file):
            days[file.date, file.kind].append(file)
    return [
        Day(kind, date, tuple(sorted(found, key=lambda file: file.name)))
        for (date, kind), found in sorted(days.items())
        if not is_done(found)
    ]


def is_done(files: Sequence[StoredFile]) -> bool:
    """Whether these are the files of one run, or a single one of Parquet, or none."""
    if len(files) < 2:
        return not files or files[0].name.endswith(".parquet")
    runs = {found["run"] if found else None for found in map(_match, files)}
    return len(runs) == 1 and None not in runs


def _can_be_merged(file: StoredFile) -> bool:
    hidden = file.name.startswith((".", "_"))
    return bool(file.size) and not hidden and file.name.endswith(_ENDS)


def _match(file: StoredFile) -> re.Match[str] | None:
    return _MERGED.fullmatch(file.name)
