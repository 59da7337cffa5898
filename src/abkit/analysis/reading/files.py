"""Which files a path means, what they are, and what is wrong with one that cannot be read."""

import json
import zlib
from collections.abc import Iterator, Sequence
from glob import has_magic
from gzip import BadGzipFile
from gzip import open as open_gzip
from pathlib import Path
from typing import BinaryIO

from attrs import frozen

from abkit.analysis.reading.places import is_url
from abkit.analysis.reading.remote import fetched
from abkit.errors import AnalysisError, EmptyDataError
from abkit.quoting import masked

FORMATS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
"""What the end of a file's name says; before .gz too."""

_HEAD = 65536
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
    """Files of one format, on this machine.

    Attributes:
        paths: Where they are; none is empty.
        format: parquet, csv or jsonl.
        label: How messages call them together.
    """

    paths: tuple[Path, ...]
    format: str
    label: str


def found_files(path: str | Path, *, scratch: Path) -> Files:
    """The files of a path that are not empty.

    Args:
        path: A file, a directory or a glob; or a URL of any of these, whose files are copied.
        scratch: A folder for the copies.

    Raises:
        EmptyDataError: There is no file, or each one is empty.
        AnalysisError: The path does not exist, or the files are not of one known format.
        MissingExtraError: fsspec is not installed, for a URL.
    """
    label = masked(str(path))
    named = fetched(str(path), scratch, is_data=is_data) if is_url(path) else named_files(str(path))
    files = [file for file in named if file.stat().st_size > 0]
    if not files:
        if not named:
            ends = ", ".join(FORMATS)
            raise EmptyDataError(label, f"has no file that ends in {ends} (or these with .gz)")
        raise EmptyDataError(label, "is empty (0 bytes); it needs a header and rows")
    formats = {_format(file) for file in files}
    if len(formats) > 1:
        message = (
            f"{label} has files of several formats ({', '.join(sorted(formats))}); give it one"
        )
        raise AnalysisError(message)
    (format_,) = formats
    _check_head(files[0], format_)
    return Files(tuple(files), format_, label)


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
        with opened(file) as stream:
            return stream.read(_HEAD)
    except (EOFError, BadGzipFile, zlib.error):
        message = f"{file} is not a whole gzip file, though its name says so; copy it again"
        raise AnalysisError(message) from None
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}"
        raise AnalysisError(message) from error


def fault(files: Files) -> str | None:
    """What is wrong with the first file that is not what its name says; None if nothing is found."""
    for file in files.paths:
        try:
            problem = _FAULTS[files.format](file) if files.format in _FAULTS else None
        except AnalysisError as error:
            return str(error)
        if problem is not None:
            return f"{_called(file, files)} {problem}"
    return None


def _called(file: Path, files: Files) -> str:
    return files.label if len(files.paths) == 1 else str(file)


def is_data(relative: Sequence[str]) -> bool:
    """Whether a directory's file is data: names that begin with . or _ are another writer's.

    Args:
        relative: The parts of its path, from the directory on.
    """
    hidden = any(part.startswith((".", "_")) for part in relative)
    return not hidden and _suffix(relative[-1]) in FORMATS


def named_files(path: str) -> list[Path]:
    """The files of this machine that a path means, whatever is in them.

    Raises:
        EmptyDataError: It is a glob that matches none.
        AnalysisError: It does not exist.
    """
    where = Path(path)
    if where.is_dir():
        below = sorted(where.rglob("*"))
        return [f for f in below if is_data(f.relative_to(where).parts) and f.is_file()]
    if where.is_file():
        return [where]
    if has_magic(path):
        root = Path(where.anchor)
        pattern = str(where.relative_to(where.anchor))
        found = [file for file in sorted(root.glob(pattern)) if file.is_file()]
        if not found:
            raise EmptyDataError(path, "matches no file")
        return found
    problem = "is no regular file" if where.exists() else "does not exist"
    message = f"{path} {problem}; give a file, a directory or a glob"
    raise AnalysisError(message)


def _suffix(name: str) -> str:
    return Path(name.lower().removesuffix(".gz")).suffix


def _format(file: Path) -> str:
    try:
        return FORMATS[_suffix(file.name)]
    except KeyError:
        message = f"{file} must end in {', '.join(FORMATS)} (or these with .gz), to say what it is"
        raise AnalysisError(message) from None


def _check_head(file: Path, format_: str) -> None:
    """Refuse what is not what its name says, before a parser makes nonsense of it."""
    head = head_of(file)
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
