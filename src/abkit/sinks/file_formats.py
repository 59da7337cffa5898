"""Events as Parquet and as lines of JSON."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, TypeAlias

from attrs import frozen

from abkit.errors import DeliveryError
from abkit.events import ACTION_COLUMNS, EXPOSURE_COLUMNS, IDENTITY_COLUMNS
from abkit.extras import extra
from abkit.sinks.records import Record, json_line

if TYPE_CHECKING:
    import pyarrow as pa

Format: TypeAlias = Literal["parquet", "jsonl"]

TABLES: Mapping[str, Mapping[str, str]] = {
    "exposures": EXPOSURE_COLUMNS,
    "actions": ACTION_COLUMNS,
    "identities": IDENTITY_COLUMNS,
}
"""The columns of each kind of events, by the name of its folder."""

Where: TypeAlias = Path | BinaryIO

_AT_ONCE = 5_000  # lines that are Python's objects at the same time
# Columns by which readers leave out what they do not need: what all rows have, or none.
_SELECTED_BY = ("time", "experiment", "action", "unit_type", "variant")
_FEW_VALUES = ("experiment", "salt", "unit_type", "variant", "action", "weights", "properties")


@frozen
class FileFormat:
    """How files of events are written.

    Attributes:
        suffix: What the names of the files end in.
        write: Writes rows with the columns that they have.
        convert: Writes the rows of whole lines of JSON, in the order of their times; None: the lines are
            what is wanted. It raises a ValueError if a line has no row.
    """

    suffix: Format
    write: Callable[[Where, Sequence[Record], Mapping[str, str]], None]
    convert: Callable[[Where, Iterable[bytes], Mapping[str, str]], None] | None


def file_format(name: str) -> FileFormat:
    """The format of that name; what it needs is imported.

    Raises:
        DeliveryError: There is no such format.
        MissingExtraError: pyarrow is not installed, for Parquet.
    """
    if name == "jsonl":
        return FileFormat("jsonl", _write_jsonl, None)
    if name != "parquet":
        message = f'FileSink: format must be "parquet" or "jsonl", not {name!r}'
        raise DeliveryError(message)
    with extra("files"):
        import pyarrow.parquet  # noqa: F401
    return FileFormat("parquet", _write_parquet, _convert_to_parquet)


def lines_of(rows: Iterable[Record]) -> bytes:
    """The rows as lines of JSON."""
    return "".join([f"{json_line(row)}\n" for row in rows]).encode()


def _write_jsonl(
    where: Where,
    rows: Sequence[Record],
    columns: Mapping[str, str],  # noqa: ARG001
) -> None:
    content = lines_of(rows)
    if isinstance(where, Path):
        where.write_bytes(content)
    else:
        where.write(content)


def _write_parquet(where: Where, rows: Sequence[Record], columns: Mapping[str, str]) -> None:
    import pyarrow as pa

    write_table(where, pa.Table.from_batches([_batch(rows, columns)]))


def _convert_to_parquet(where: Where, lines: Iterable[bytes], columns: Mapping[str, str]) -> None:
    import pyarrow as pa

    batches: list[pa.RecordBatch] = []
    times: list[str] = []
    for some in _chunks(iter(lines)):
        rows = [_row(line) for line in some]
        times += [str(row.get("time")) for row in rows]
        batches.append(_batch([{**row, "time": _instant(row)} for row in rows], columns))
    table = pa.Table.from_batches(batches, schema=schema_of(columns)).combine_chunks()
    # The texts of the times have one length: their order is that of the times.
    order = sorted(range(len(times)), key=times.__getitem__)
    write_table(where, table.take(pa.array(order, type=pa.int64())))


def _chunks(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    while some := list(islice(lines, _AT_ONCE)):
        yield some


def _row(line: bytes) -> Record:
    row = json.loads(line)
    if not isinstance(row, dict):
        message = f"{line[:40]!r} is no row"
        raise ValueError(message)  # noqa: TRY004 - as a line that is no JSON
    return row


def _instant(row: Record) -> datetime | None:
    time = row.get("time")
    return None if time is None else datetime.fromisoformat(str(time))


def write_table(where: Where, table: "pa.Table") -> None:
    """Write a file of Parquet.

    Small files are mostly footer: no statistics that nobody asks for, no schema of Arrow's own.
    """
    import pyarrow.parquet as pq

    names = table.column_names
    pq.write_table(
        table,
        where,
        compression="zstd",
        use_dictionary=[name for name in names if name in _FEW_VALUES],
        write_statistics=[name for name in names if name in _SELECTED_BY],
        store_schema=False,
    )


def _batch(rows: Sequence[Record], columns: Mapping[str, str]) -> "pa.RecordBatch":
    import pyarrow as pa

    schema = schema_of(columns)
    arrays = [
        pa.array([_arrow_value(row.get(name)) for row in rows], type=schema.field(name).type)
        for name in columns
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def schema_of(columns: Mapping[str, str]) -> "pa.Schema":
    """The schema of events in Parquet.

    Args:
        columns: By name, the kind of each column, as of `EXPOSURE_COLUMNS`.
    """
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
