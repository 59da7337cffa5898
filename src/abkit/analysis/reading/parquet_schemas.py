"""Which Parquet files have the same columns, by the bytes that say so at their ends.

DuckDB would open every file for that, and once more to read it. Where a writer has written many files, the
bytes of their schemas are the same, and one of them tells of all.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_MAGIC: Final = b"PAR1"
_TAIL: Final = 4_096  # bytes; the ends of most files of events are shorter
_LONGEST: Final = 1 << 20  # bytes of an end that are looked through for the schema
_MOST: Final = 8  # groups; more are no work of one writer
_DATE: Final = re.compile(r"date=\d{4}-\d\d-\d\d")

# Of Thrift's compact protocol: the types of fields, by the number in the lower half of a byte.
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _STRUCT = 1, 2, 3, 7, 8, 12
_INTEGERS: Final = frozenset({4, 5, 6})
_LISTS: Final = frozenset({9, 10})
_SCHEMA: Final = (0x15, 0x19)  # the headers of the first two fields: the version, and a list


def alike(files: Sequence[Path]) -> tuple[tuple[Path, ...], ...]:
    """The files in groups of one schema each; none if that is not known, or there are too many groups.

    There is only one group where folders tell more than the date: the type of a column that comes from the
    names of folders depends on all of them.

    Args:
        files: Whole Parquet files.

    Raises:
        FileNotFoundError: One is gone.
    """
    groups: defaultdict[bytes, list[Path]] = defaultdict(list)
    for file in files:
        try:
            end = _end_of(file)
            schema = next((known for known in groups if end.startswith(known)), None)
            groups[schema or end[: _length_of_schema(end)]].append(file)
        except FileNotFoundError:
            raise
        except (OSError, IndexError, ValueError, RecursionError):
            return ()  # Whoever reads it will say what is wrong with it.
        if len(groups) > _MOST:
            return ()
    if len(groups) > 1 and len({_partition(file) for file in files}) > 1:
        return ()
    return tuple(tuple(group) for group in groups.values())


def _partition(file: Path) -> tuple[str, ...]:
    """The folders that are columns, whatever the date."""
    parts = [part for part in file.parts[:-1] if "=" in part]
    return tuple("date=" if _DATE.fullmatch(part) else part for part in parts)


def _end_of(file: Path) -> bytes:
    """What stands behind the data, or how that begins.

    Raises:
        ValueError: It is no Parquet file, or half of one.
    """
    with file.open("rb", buffering=0) as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - _TAIL))
        tail = stream.read(_TAIL)
        length = int.from_bytes(tail[-8:-4], "little")
        if tail[-4:] != _MAGIC or not 0 < length <= size - 8:
            message = f"{file} has no end"
            raise ValueError(message)
        if length + 8 <= len(tail):
            return tail[-8 - length : -8]
        stream.seek(size - 8 - length)
        return stream.read(min(length, _LONGEST))


def _length_of_schema(end: bytes) -> int:
    """How long the version and the schema are, with which the end of a file begins.

    What begins with them has the same schema, as they tell their own length.

    Raises:
        ValueError: It begins with something else.
        IndexError: It is cut off.
    """
    version, after = _SCHEMA
    at = _skipped_varint(end, 1)
    if end[0] != version or end[at] != after:
        message = "an end that begins with something else than the version and the schema"
        raise ValueError(message)
    length = _skipped(end, at + 1, after & 0x0F)
    if length >= len(end):
        message = "an end that is cut off within the schema"
        raise ValueError(message)
    return length


def _skipped(data: bytes, at: int, kind: int) -> int:
    """Where a value ends that begins at `at`."""
    if kind in _INTEGERS:
        return _skipped_varint(data, at)
    if kind == _BINARY:
        length, at = _varint(data, at)
        return at + length
    if kind in _LISTS:
        return _skipped_list(data, at)
    if kind == _STRUCT:
        return _skipped_struct(data, at)
    if kind in {_TRUE, _FALSE, _BYTE, _DOUBLE}:
        return at + {_BYTE: 1, _DOUBLE: 8}.get(kind, 0)
    message = f"Thrift has no type {kind} here"
    raise ValueError(message)


def _skipped_list(data: bytes, at: int) -> int:
    count, kind = data[at] >> 4, data[at] & 0x0F
    at += 1
    if count == 0x0F:
        count, at = _varint(data, at)
    if count > len(data):
        message = f"a list of {count} elements in {len(data)} bytes"
        raise ValueError(message)
    for _ in range(count):
        # In a list, a truth is a byte.
        at = _skipped(data, at, _BYTE if kind in {_TRUE, _FALSE} else kind)
    return at


def _skipped_struct(data: bytes, at: int) -> int:
    while header := data[at]:
        at += 1
        if not header >> 4:  # the number of the field is told, not its distance from the one before
            at = _skipped_varint(data, at)
        at = _skipped(data, at, header & 0x0F)
    return at + 1


def _skipped_varint(data: bytes, at: int) -> int:
    return _varint(data, at)[1]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A whole number of seven bits a byte, and where it ends."""
    value = shift = 0
    while data[at] & 0x80:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
    return value | data[at] << shift, at + 1
