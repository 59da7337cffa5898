"""What the files of a path are, and what is wrong with one that cannot be read."""

import json
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from gzip import BadGzipFile
from gzip import open as open_gzip
from pathlib import Path
from time import sleep
from typing import BinaryIO, TypeVar

from attrs import evolve, field, frozen

from abkit.analysis.reading.gone_files import FilesGoneError
from abkit.analysis.reading.listing import FORMATS, format_of, is_data, listed, without_replaced
from abkit.analysis.reading.parquet_schemas import alike
from abkit.analysis.reading.places import is_url
from abkit.analysis.reading.remote import fetched
from abkit.analysis.reading.whole_lines import whole_lines
from abkit.errors import AnalysisError, EmptyDataError
from abkit.open_files import is_open
from abkit.quoting import masked

_Found = TypeVar("_Found")

_ATTEMPTS = 5
_PAUSE = 0.05  # seconds, longer each time
_HEAD = 65536
_GONE = "was removed while it was read, as when files are merged: try again"
MANY = 500
"""Opening so many files takes a time of its own."""
_OTHERS = {
    b"PK\x03\x04": "an Excel or zip file: save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel file: save the sheet as CSV",
    b"PAR1": "a Parquet file: let its name end in .parquet",
    b"\x1f\x8b": "compressed by gzip: let its name end in .gz too",
    b"BZh": "compressed by bzip2: unpack it, or use gzip",
    b"\x28\xb5\x2f\xfd": "compressed by zstd: unpack it, or use gzip",
    b"\x89PNG": "a picture",
    b"%PDF": "a PDF",
}


@frozen
class Files:
    """Files on this machine, of one format, or Parquet with JSON Lines beside them.

    Attributes:
        paths: Where they are; none is empty.
        format: parquet, csv or jsonl.
        label: How messages call them together.
        beside: Files of JSON Lines with rows of the same table as these of Parquet; None: there are none.
        are_open: Whether all are copies of files of events that are still written to.
        names: How messages call some of them, such as copies, by the original.
        alike: Many files of Parquet in groups of the same columns; empty: it is not known which have them.
    """

    paths: tuple[Path, ...]
    format: str
    label: str
    beside: "Files | None" = None
    are_open: bool = False
    names: Mapping[Path, str] = field(factory=dict, eq=False, repr=False)
    alike: tuple[tuple[Path, ...], ...] = field(default=(), eq=False, repr=False)

    def called(self, file: Path) -> str:
        """How messages call one of the files."""
        return self.names.get(file, str(file))


def found_files(path: str | Path, *, scratch: Path) -> Files:
    """The files of a path that are not empty; of those that are still written to, a copy.

    Args:
        path: A file, a directory or a glob; or a URL of any of these, whose files are copied.
        scratch: A folder for the copies.

    Raises:
        EmptyDataError: There is no file, or each one is empty.
        AnalysisError: The path does not exist, or the files are not of one known format, or they go while
            they are looked at.
        MissingExtraError: fsspec is not installed, for a URL.
    """
    label = masked(str(path))

    def look() -> Files:
        named = listed(str(path))
        return _sorted_out(without_replaced(named), label, scratch=scratch)

    def fetch() -> Files:
        named = fetched(str(path), scratch, is_data=is_data)
        return _sorted_out(without_replaced(named), label, scratch=scratch)

    return _looked(fetch if is_url(path) else look, label)


def named_files(path: str) -> list[Path]:
    """The files of this machine that a path means, whatever is in them; of two with the same rows, one.

    Raises:
        EmptyDataError: It is a glob that matches none.
        AnalysisError: It does not exist, or files go while they are listed.
    """
    return _looked(lambda: without_replaced(listed(path)), masked(path))


def closed_files(folder: Path) -> Files:
    """The files of a folder that are not empty, and are not written to any more.

    Raises:
        EmptyDataError: There is no file, or each one is empty.
        AnalysisError: The files are not of one known format, or they go while they are looked at.
    """
    label = masked(str(folder))

    def look() -> Files:
        closed = [file for file in listed(str(folder)) if not is_open(file.name)]
        return _sorted_out(closed, label, scratch=folder)

    return _looked(look, label)


def _looked(look: Callable[[], _Found], label: str) -> _Found:
    """What is found; if a file is gone that was listed, all are listed again."""
    for attempt in range(_ATTEMPTS):
        sleep(attempt * _PAUSE)
        try:
            return look()
        except FileNotFoundError as error:  # Others may merge files, or remove old ones.
            gone = error
    message = f"{label} changes all the time: {gone.filename} was removed while it was looked at"
    raise AnalysisError(message) from gone


def _sorted_out(named: Sequence[Path], label: str, *, scratch: Path) -> Files:
    """Files by their format."""
    if not named:
        ends = ", ".join(FORMATS)
        raise EmptyDataError(label, f"has no file that ends in {ends} (or these with .gz)")
    copies = {whole_lines(file, scratch): file for file in named if is_open(file.name)}
    closed = [file for file in named if not is_open(file.name)]
    by_format: defaultdict[str, list[Path]] = defaultdict(list)
    for file in [*closed, *copies]:
        if file.stat().st_size > 0:
            by_format[_format(file)].append(file)
    if not by_format:
        raise EmptyDataError(label, "is empty (0 bytes); it needs a header and rows")
    alone = len(closed) + len(copies) == 1
    names = {file: label if alone else str(copies.get(file, file)) for file in [*closed, *copies]}
    found = {
        kind: Files(tuple(files), kind, label, are_open=copies.keys() >= {*files}, names=names)
        for kind, files in by_format.items()
    }
    for kind, files in found.items():
        _check_head(files.paths[0], kind)
    if "parquet" in found and len(found["parquet"].paths) >= MANY:
        found["parquet"] = evolve(found["parquet"], alike=alike(found["parquet"].paths))
    if len(found) == 1:
        return next(iter(found.values()))
    if found.keys() != {"parquet", "jsonl"}:
        message = (
            f"{label} has files of several formats ({', '.join(sorted(found))}); give it one, or "
            "Parquet and JSON Lines"
        )
        raise AnalysisError(message)
    return evolve(found["parquet"], beside=found["jsonl"])


def opened(file: Path) -> BinaryIO:
    """The bytes of a file, unpacked if its name ends in .gz."""
    if file.name.lower().endswith(".gz"):
        return open_gzip(file, "rb")  # type: ignore[return-value]
    return file.open("rb")


def head_of(file: Path) -> bytes:
    """How a file begins, unpacked.

    Raises:
        AnalysisError: It cannot be read.
    """
    try:
        return _head_of(file)
    except FileNotFoundError as error:
        message = f"{file} cannot be read: {error.strerror}"
        raise AnalysisError(message) from error


def _head_of(file: Path) -> bytes:
    """The same; a file that is gone is a FileNotFoundError."""
    try:
        with opened(file) as stream:
            return stream.read(_HEAD)
    except (EOFError, BadGzipFile, zlib.error):
        message = f"{file} is not a whole gzip file, though its name says so; copy it again"
        raise AnalysisError(message) from None
    except FileNotFoundError:
        raise
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}"
        raise AnalysisError(message) from error


def check_there(files: Files) -> None:
    """Check that no file is gone.

    Raises:
        FilesGoneError: One is.
    """
    for file in files.paths:
        if not file.exists():
            message = f"{files.called(file)} {_GONE}"
            raise FilesGoneError(message)
    if files.beside is not None:
        check_there(files.beside)


def fault(files: Files) -> str | None:
    """What is wrong with the first file that is not what its name says; None if nothing is found."""
    for file in files.paths:
        try:
            problem = _FAULTS[files.format](file) if files.format in _FAULTS else None
        except FileNotFoundError:
            problem = _GONE
        except AnalysisError as error:
            return str(error)
        if problem is not None:
            return f"{files.called(file)} {problem}"
    return None if files.beside is None else fault(files.beside)


def _format(file: Path) -> str:
    known = format_of(file.name)
    if known is None:
        message = f"{file} must end in {', '.join(FORMATS)} (or these with .gz), to say what it is"
        raise AnalysisError(message)
    return known


def _check_head(file: Path, format_: str) -> None:
    """Refuse what is not what its name says, before a parser makes nonsense of it."""
    head = _head_of(file)
    if format_ == "parquet":
        if not head.startswith(b"PAR1"):
            message = f"{file} is not a Parquet file, though its name says so"
            raise AnalysisError(message)
        return
    for magic, what in _OTHERS.items():
        if head.startswith(magic):
            message = f"{file} is not text, though its name says so; it is {what}"
            raise AnalysisError(message)
    if format_ == "jsonl" and b"\0" in head:
        message = f"{file} is not text in UTF-8 (it has NUL bytes), though its name says so"
        raise AnalysisError(message)


def _fault_of_parquet(file: Path) -> str | None:
    with file.open("rb") as stream:
        begins = stream.read(4)
        stream.seek(max(-4, -file.stat().st_size), 2)
        ends = stream.read(4)
    if (begins, ends) == (b"PAR1", b"PAR1"):
        return None
    return "is not a whole Parquet file (its end is missing): copy it again, or remove it"


def _fault_of_jsonl(file: Path) -> str | None:
    try:
        for number, line in enumerate(_lines(file), 1):
            problem = _fault_of_line(line)
            if problem is not None:
                return f"line {number:,} {problem}: each line must be one JSON object"
    except (EOFError, BadGzipFile, zlib.error):
        return "is not a whole gzip file: copy it again, or remove it"
    return None


def _lines(file: Path) -> Iterator[bytes]:
    with opened(file) as stream:
        yield from stream


def _fault_of_line(line: bytes) -> str | None:
    if not line.strip():
        return None
    try:
        value = json.loads(line)
    except UnicodeDecodeError:
        return "is not text in UTF-8"
    except (ValueError, RecursionError):
        return f"is not JSON ({line[:40].decode(errors='replace').strip()!r})"
    return None if isinstance(value, dict) else f"is a JSON {type(value).__name__}"


_FAULTS = {"parquet": _fault_of_parquet, "jsonl": _fault_of_jsonl}
