"""Events as files: Parquet or JSON lines, in one folder per kind and UTC date."""

import os
import time
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from uuid import uuid4

from abkit.errors import DeliveryError
from abkit.events import EXPOSURE_COLUMNS, Event
from abkit.file_systems import FileSystem
from abkit.quoting import masked, told
from abkit.sinks.base import BatchLimits, Outcome, Retry
from abkit.sinks.event_files import File
from abkit.sinks.file_formats import TABLES, Format, file_format
from abkit.sinks.folders import folder
from abkit.sinks.records import Record, by_kind, record
from abkit.sinks.refusals import sorted_out, with_refusals

__all__ = ["FileSink", "Format"]

_MANY = 20_000  # rows that are worth a file of their own
_DAY = 24 * 3_600.0


class FileSink:
    """Writes events to files in a directory, local or in any fsspec file system.

    `exposures/date=YYYY-MM-DD/<unique>.parquet`, and the same in `actions` and in `identities`, where the
    date is the event's, in UTC. Files appear complete. Any number of processes can write to one directory.

    On a local disk, a process has one file for the events of an hour. Until it is closed, it is
    `_<unique>.jsonl.open`: each batch is appended, and forced to the disk. Analyses of abkit read it; other
    programs skip it by its name. It is closed after the hour, by `close()`, and when the program
    ends; what a killed process has left is closed by another one, an hour later. Batches of 20,000
    events, events of other days, and all batches in other file systems have files of their own.

    Args:
        directory: It is created if it does not exist. A URL such as "s3://bucket/events" needs fsspec and
            the package that fsspec names for such URLs (s3fs, gcsfs, adlfs...).
        format: "parquet" (needs the extra `files`) or "jsonl".
        filesystem: An fsspec or pyarrow file system in which `directory` is a path. A pyarrow file system
            for a cloud does not work in a forked child; those of fsspec do.
        limits: When a batch is full. Large batches give few, large files.
        clock: Gives seconds since the epoch.

    Raises:
        DeliveryError: The directory cannot be written to, or the format is unknown.
        MissingExtraError: pyarrow, for the format "parquet", or fsspec, for a URL, is not installed.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        format: Format = "parquet",  # noqa: A002 - what it is called everywhere
        filesystem: FileSystem | None = None,
        limits: BatchLimits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._directory = os.fspath(directory)
        self._suffix = format
        self._place = masked(self._directory)
        self._clock = clock
        self._folder = folder(self._directory, filesystem, file_format(format), clock=clock)
        self.limits: BatchLimits = limits or BatchLimits(count=20_000, size=16_000_000, age=10.0)
        self._check_writable()
        weakref.finalize(self, self._folder.close)

    def send(self, events: Sequence[Event], /) -> Outcome:
        """Write the events. If the disk or the store refuses them, they are sent again."""
        sound, refusals = sorted_out(events, record)
        return with_refusals(refusals, self._write(*by_kind(sound)))

    def close(self) -> None:
        """Close the files that grow. The sink may be used again."""
        self._folder.close()

    def _write(self, *records: Sequence[Record]) -> Retry | None:
        """Write the exposures, the actions and the identities."""
        files = [
            self._file(kind, date, of_date, columns)
            for (kind, columns), rows in zip(TABLES.items(), records, strict=True)
            for date, of_date in _by_date(rows).items()
        ]
        try:
            self._folder.put(files)
        except OSError as error:
            return Retry(reason=f"cannot write to {self._place}: {told(str(error))}")
        return None

    def _file(
        self, kind: str, date: str, rows: Sequence[Record], columns: Mapping[str, str]
    ) -> File:
        grows = len(rows) < _MANY and date in self._current_dates()
        folder, name = f"{kind}/date={date}", f"{uuid4().hex}.{self._suffix}"
        return File(folder, name, rows, columns, grows=grows)

    def _current_dates(self) -> set[str]:
        """The dates whose events come again and again: that of today, and those around it."""
        now = self._clock()
        return {_date(now + days * _DAY) for days in (-1, 0, 1)}

    def _check_writable(self) -> None:
        """Write a file like the others, and remove it.

        It also makes the libraries load all that they need: at the end of the program, or in the middle of
        a fork, they could not.
        """
        trial = self._file(
            "exposures", "trial", [dict.fromkeys(EXPOSURE_COLUMNS)], EXPOSURE_COLUMNS
        )
        try:
            self._folder.try_out(trial)
        except OSError as error:
            why = told(str(error))
            message = f"FileSink: {self._place} must be a directory that can be written to: {why}"
            raise DeliveryError(message) from error

    def __repr__(self) -> str:
        return f"<FileSink {self._suffix} in {self._place}>"


def _date(time: float) -> str:
    return str(datetime.fromtimestamp(time, UTC))[: len("YYYY-MM-DD")]


def _by_date(rows: Iterable[Record]) -> dict[str, list[Record]]:
    dates: defaultdict[str, list[Record]] = defaultdict(list)
    for row in rows:
        dates[str(row["time"])[: len("YYYY-MM-DD")]].append(row)
    return dates
