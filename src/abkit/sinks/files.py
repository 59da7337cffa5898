"""Events as files: Parquet or JSON lines, in one folder per kind and UTC date."""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal
from uuid import uuid4

from abkit.errors import DeliveryError
from abkit.events import ACTION_COLUMNS, EXPOSURE_COLUMNS, IDENTITY_COLUMNS, Event
from abkit.extras import extra
from abkit.quoting import masked, told
from abkit.sinks.base import BatchLimits, Outcome, Retry
from abkit.sinks.folders import File, FileSystem, Writer, folder
from abkit.sinks.records import Record, by_kind, json_line, record
from abkit.sinks.refusals import sorted_out, with_refusals

if TYPE_CHECKING:
    import pyarrow as pa

Format = Literal["parquet", "jsonl"]

_TABLES = {
    "exposures": EXPOSURE_COLUMNS,
    "actions": ACTION_COLUMNS,
    "identities": IDENTITY_COLUMNS,
}


class FileSink:
    """Writes each batch to new files in a directory, local or in any fsspec file system.

    `exposures/date=YYYY-MM-DD/<unique>.parquet`, and the same in `actions` and in `identities`, where the
    date is the event's, in UTC. Files are written atomically. Any number of processes can
    write to one directory. Unfinished files of a killed process are removed by another one, an hour later.

    Args:
        directory: It is created if it does not exist. A URL such as "s3://bucket/events" needs fsspec and
            the package that fsspec names for such URLs (s3fs, gcsfs, adlfs...).
        format: "parquet" (needs the extra `files`) or "jsonl".
        filesystem: An fsspec or pyarrow file system in which `directory` is a path. A pyarrow file system
            for a cloud does not work in a forked child; those of fsspec do.
        limits: When a batch is full. Large batches give few, large files.

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
    ) -> None:
        self._directory = os.fspath(directory)
        self._suffix = format
        self._place = masked(self._directory)
        self._folder = folder(self._directory, filesystem, _writer(format))
        self.limits: BatchLimits = limits or BatchLimits(count=20_000, size=16_000_000, age=10.0)
        self._check_writable()

    def send(self, events: Sequence[Event], /) -> Outcome:
        """Write the events. If the disk or the store refuses them, they are sent again."""
        sound, refusals = sorted_out(events, record)
        return with_refusals(refusals, self._write(*by_kind(sound)))

    def _write(self, *records: Sequence[Record]) -> Retry | None:
        """Write the exposures, the actions and the identities."""
        files = [
            self._file(kind, date, of_date, columns)
            for (kind, columns), rows in zip(_TABLES.items(), records, strict=True)
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
        return File(f"{kind}/date={date}/{uuid4().hex}.{self._suffix}", rows, columns)

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


def _writer(format: str) -> Writer:  # noqa: A002 - as above
    if format == "jsonl":
        return _write_jsonl
    if format != "parquet":
        message = f'FileSink: format must be "parquet" or "jsonl", not {format!r}'
        raise DeliveryError(message)
    with extra("files"):
        import pyarrow.parquet  # noqa: F401
    return _write_parquet


def _by_date(rows: Iterable[Record]) -> dict[str, list[Record]]:
    dates: defaultdict[str, list[Record]] = defaultdict(list)
    for row in rows:
        dates[str(row["time"])[: len("YYYY-MM-DD")]].append(row)
    return dates


def _write_jsonl(
    where: Path | BinaryIO,
    rows: Sequence[Record],
    columns: Mapping[str, str],  # noqa: ARG001
) -> None:
    content = "".join([f"{json_line(row)}\n" for row in rows]).encode()
    if isinstance(where, Path):
        where.write_bytes(content)
    else:
        where.write(content)


def _write_parquet(
    where: Path | BinaryIO, rows: Sequence[Record], columns: Mapping[str, str]
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema(columns)
    arrays = [
        pa.array([_arrow_value(row[name]) for row in rows], type=schema.field(name).type)
        for name in columns
    ]
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), where)


def _schema(columns: Mapping[str, str]) -> "pa.Schema":
    import pyarrow as pa

    types = {
        "text": pa.string(),
        "json": pa.string(),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "map": pa.map_(pa.string(), pa.string()),
    }
    return pa.schema([(name, types[kind]) for name, kind in columns.items()])


def _arrow_value(value: object) -> object:
    return list(value.items()) if isinstance(value, dict) else value
