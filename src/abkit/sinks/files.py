"""Events as files: Parquet or JSON lines, in one folder per kind and UTC date."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

from attrs import frozen

from abkit.errors import DeliveryError, MissingExtraError
from abkit.events import ACTION_COLUMNS, EXPOSURE_COLUMNS, Event
from abkit.sinks.base import BatchLimits, Retry
from abkit.sinks.records import Record, json_line, records

if TYPE_CHECKING:
    import pyarrow as pa

Format = Literal["parquet", "jsonl"]
_Writer = Callable[[Path, Sequence[Record], Mapping[str, str]], None]


@frozen
class _Pending:
    """Where a file is written, and where readers will find it."""

    written: Path
    target: Path


class FileSink:
    """Writes each batch to new files below a directory.

    `exposures/date=YYYY-MM-DD/<unique>.parquet` and `actions/date=YYYY-MM-DD/<unique>.parquet`, where
    the date is the event's, in UTC. A file appears complete or not at all. Any number of processes may
    write to one directory.

    Args:
        directory: Made if it does not exist.
        format: "parquet" (needs the extra `files`) or "jsonl".
        limits: When a batch is full; large batches make few, large files.

    Raises:
        DeliveryError: The directory cannot be written to, or the format is unknown.
        MissingExtraError: The format is "parquet" and pyarrow is not installed.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        format: Format = "parquet",  # noqa: A002 - what it is called everywhere
        limits: BatchLimits | None = None,
    ) -> None:
        self._directory = Path(directory)
        self._suffix = format
        self._write = _writer(format)
        self.limits = limits or BatchLimits(count=20_000, size=16_000_000, age=10.0)
        self._check_writable()

    def send(self, events: Sequence[Event], /) -> Retry | None:
        """Write the events. What the disk refuses is to be tried again."""
        exposures, actions = records(events)
        pending: list[_Pending] = []
        try:
            for kind, rows, columns in (
                ("exposures", exposures, EXPOSURE_COLUMNS),
                ("actions", actions, ACTION_COLUMNS),
            ):
                for date, of_date in _by_date(rows).items():
                    file = self._place(kind, date)
                    pending.append(file)
                    for folder in (file.written.parent, file.target.parent):
                        folder.mkdir(parents=True, exist_ok=True)
                    self._write(file.written, of_date, columns)
                    _to_disk(file.written)
            for file in pending:
                file.written.replace(file.target)
        except OSError as error:
            return Retry(reason=f"cannot write to {self._directory}: {error}")
        finally:
            for file in pending:
                file.written.unlink(missing_ok=True)
        return None

    def _place(self, kind: str, date: str) -> _Pending:
        # No pattern over the folders of the events meets this one.
        incomplete = self._directory / ".incomplete"
        folder = self._directory / kind / f"date={date}"
        name = uuid4().hex
        return _Pending(incomplete / f"{name}.part", folder / f"{name}.{self._suffix}")

    def _check_writable(self) -> None:
        """Write a file like the others, and remove it.

        It also makes the libraries load all that they need: at the end of the program, or in the middle of
        a fork, they could not.
        """
        trial = self._place("exposures", "trial")
        try:
            trial.written.parent.mkdir(parents=True, exist_ok=True)
            self._write(trial.written, [dict.fromkeys(EXPOSURE_COLUMNS)], EXPOSURE_COLUMNS)
            trial.written.unlink()
        except OSError as error:
            message = (
                f"FileSink: {self._directory} must be a directory that can be written to: {error}"
            )
            raise DeliveryError(message) from error

    def __repr__(self) -> str:
        return f"<FileSink {self._suffix} in {self._directory}>"


def _writer(format: str) -> _Writer:  # noqa: A002 - as above
    if format == "jsonl":
        return _write_jsonl
    if format != "parquet":
        message = f'FileSink: format must be "parquet" or "jsonl", not {format!r}'
        raise DeliveryError(message)
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise MissingExtraError("pyarrow", "files") from None
    return _write_parquet


def _by_date(rows: Iterable[Record]) -> dict[str, list[Record]]:
    dates: defaultdict[str, list[Record]] = defaultdict(list)
    for row in rows:
        dates[str(row["time"])[: len("YYYY-MM-DD")]].append(row)
    return dates


def _write_jsonl(path: Path, rows: Sequence[Record], columns: Mapping[str, str]) -> None:  # noqa: ARG001
    path.write_text("".join([f"{json_line(row)}\n" for row in rows]), encoding="utf-8")


def _write_parquet(path: Path, rows: Sequence[Record], columns: Mapping[str, str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema(columns)
    arrays = [
        pa.array([_arrow_value(row[name]) for row in rows], type=schema.field(name).type)
        for name in columns
    ]
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path)


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


def _to_disk(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
