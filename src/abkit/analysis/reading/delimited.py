"""CSV as people have it: which form a file has, and the same rows in the form that every parser reads."""

import codecs
import csv
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from gzip import BadGzipFile
from io import StringIO, TextIOWrapper
from pathlib import Path

from attrs import evolve, frozen

from abkit.analysis.reading.files import head_of, opened
from abkit.errors import AnalysisError, EmptyDataError

_DELIMITERS = (",", ";", "\t", "|")
_UTF_8 = "utf-8-sig"
_WESTERN = "cp1252"
"""What is not UTF-8 is taken for this, as spreadsheets write it: each byte is one letter."""

_SEPARATOR = re.compile(r'"?sep=(.)"?[\r\n]+', re.IGNORECASE)
"""The first line by which Excel tells itself the delimiter."""

_TOTALS = {"total", "totals", "sum", "subtotal", "grand total", "gesamt", "summe"}
_SHOWN = 60


@frozen(kw_only=True)
class Form:
    """How a file is written.

    Attributes:
        delimiter: Between two values.
        columns: Their names, each once.
        encoding: Python's name of it.
        spaces: Whether a space follows each delimiter.
        before: The characters before the header: a line about the delimiter, and empty lines.
    """

    delimiter: str
    columns: tuple[str, ...]
    encoding: str = _UTF_8
    spaces: bool = False
    before: int = 0

    @property
    def plain(self) -> bool:
        """Whether a parser that knows the delimiter and the columns can read it."""
        return self.encoding == _UTF_8 and not self.spaces and not self.before


def form_of(file: Path) -> Form:
    """The form of a file, by its beginning.

    Raises:
        EmptyDataError: There is no line of names.
        AnalysisError: It is no text.
    """
    head = head_of(file)
    encoding = _encoding(head)
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(head)
    if "\0" in text:
        message = f"{file} is not text (it has NUL characters), though its name says so"
        raise AnalysisError(message)
    said = _SEPARATOR.match(text)
    begins = said.end() if said else 0
    begins += len(text[begins:]) - len(text[begins:].lstrip("\r\n"))
    body = text[begins:]
    if not body.strip():
        raise EmptyDataError(str(file), "has only empty lines; it needs a header and rows")
    usual = "\t" if ".tsv" in file.name.lower() else ","
    delimiter = said[1] if said else _delimiter(body, usual=usual)
    first = next(_records(body, delimiter), [])
    return Form(
        delimiter=delimiter,
        columns=_named(first),
        encoding=encoding,
        spaces=len(first) > 1 and all(name.startswith(" ") for name in first[1:]),
        before=begins,
    )


def rewritten(file: Path, form: Form, target: Path, *, label: str) -> tuple[Path, Form]:
    """The same rows in a new file, in UTF-8, with one delimiter and one end of a line.

    Args:
        file: What to read.
        form: Its form.
        target: What to write.
        label: How messages call the file.

    Raises:
        AnalysisError: A row cannot be read; the message says which, and what would be right.
    """
    try:
        return _rewritten(file, form, target, label=label)
    except UnicodeDecodeError:
        if form.encoding != _UTF_8:
            message = f"{label} is not text in {form.encoding}, as it begins; save it as UTF-8"
            raise AnalysisError(message) from None
        return _rewritten(file, evolve(form, encoding=_WESTERN), target, label=label)
    except (EOFError, BadGzipFile, zlib.error):
        message = f"{label} is not a whole gzip file, though its name says so; copy it again"
        raise AnalysisError(message) from None


def _rewritten(file: Path, form: Form, target: Path, *, label: str) -> tuple[Path, Form]:
    new = Form(delimiter=",", columns=form.columns)
    with target.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(form.columns)
        rows.writerows(_rows(file, form, label))
    return target, new


def _rows(file: Path, form: Form, label: str) -> Iterator[Sequence[str]]:
    """Each row below the header, with as many values as that has names."""
    # A byte that Windows-1252 lacks is some letter all the same.
    errors = "replace" if form.encoding == _WESTERN else "strict"
    width = len(form.columns)
    with (
        opened(file) as raw,
        TextIOWrapper(raw, encoding=form.encoding, errors=errors, newline="") as text,
    ):
        before = text.read(form.before).splitlines()
        found = csv.reader(
            text, delimiter=form.delimiter, skipinitialspace=form.spaces, strict=True
        )
        begins = 1
        try:
            next(found)
            for row in found:
                line, begins = begins + 1, found.line_num
                if len(row) > width and not any(row[width:]):
                    del row[width:]  # delimiters without values after the last
                if len(row) == width:
                    yield row
                elif any(value.strip() for value in row):
                    raise AnalysisError(_ragged(row, form, f"{label}, line {line + len(before):,}"))
        except csv.Error as error:
            line = begins + 1 + len(before)
            raise AnalysisError(_misquoted(error, f"{label}, line {line:,}")) from None


def _ragged(row: Sequence[str], form: Form, where: str) -> str:
    values = "1 value" if len(row) == 1 else f"{len(row)} values"
    shown = form.delimiter.join(row)[:_SHOWN]
    if row[0].strip().rstrip(":").casefold() in _TOTALS:
        advice = "it looks like a row of totals: remove it"
    elif len(row) > len(form.columns):
        advice = f'a value with {form.delimiter!r} in it must stand in quotation marks: "..."'
    else:
        advice = (
            f"each row needs all {len(form.columns) - 1} delimiters, also where values are missing"
        )
    return f"{where} has {values} ({shown!r}), where the header has {len(form.columns)}; {advice}"


def _misquoted(error: csv.Error, where: str) -> str:
    if "field larger" in str(error):
        return (
            f"{where} begins a value of more than {csv.field_size_limit():,} characters: "
            "a quotation mark is probably never closed"
        )
    if "unexpected end" in str(error):
        return f"{where} opens a quotation mark that is never closed"
    return f'{where} has a quotation mark within a quoted value; there it must be written twice: ""'


def _encoding(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    half = len(head) // 2
    for encoding, odd in (("utf-16-le", 1), ("utf-16-be", 0)):
        if half > 2 and head[odd::2].count(0) > 0.8 * half and b"\0" not in head[1 - odd :: 2]:
            return encoding
    try:
        codecs.getincrementaldecoder(_UTF_8)().decode(head)  # its last letter may be cut
    except UnicodeDecodeError:
        return _WESTERN
    return _UTF_8


def _delimiter(body: str, *, usual: str) -> str:
    """The one by which the rows have equally many values, and the most."""

    def worth(delimiter: str) -> tuple[bool, int, bool]:
        rows = [row for row, _ in zip(_records(body, delimiter), range(20), strict=False) if row]
        rows = rows[:-1] if len(rows) > 2 else rows  # the last one may be cut
        width = len(rows[0])
        alike = width > 1 and all(len(row) == width for row in rows)
        return alike, width, delimiter == usual

    return max(_DELIMITERS, key=worth)


def _records(body: str, delimiter: str) -> Iterator[list[str]]:
    found = csv.reader(StringIO(body, newline=""), delimiter=delimiter)
    try:
        yield from found
    except csv.Error:
        return


def _named(header: Sequence[str]) -> tuple[str, ...]:
    """The names of the columns, each once; one that stands twice says where it stands."""
    names = [name.strip() for name in header]
    alike = Counter(name.casefold() for name in names)
    return tuple(
        name if name and alike[name.casefold()] == 1 else f"{name} (column {i})".strip()
        for i, name in enumerate(names, 1)
    )
