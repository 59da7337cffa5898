"""Where rows come from: a file, a directory, a glob, a frame in memory, a table of a database."""

from collections.abc import Mapping
from glob import has_magic
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from attrs import Attribute, field, frozen

from abkit.analysis.reading.quoting import literal
from abkit.errors import AnalysisError, EmptyDataError
from abkit.events import ACTION_COLUMNS, EXPOSURE_COLUMNS

Source: TypeAlias = object
"""A path (`str` or `Path`; a file, a directory or a glob) of Parquet, CSV or JSON Lines files; or a
pandas, Polars or Arrow frame, an Ibis table or a DuckDB relation; or the name of a table, where the
engine is a database or Spark; or a Spark DataFrame."""

Place: TypeAlias = str | tuple[str, str]
"""A column, or a column of maps, structs or JSON objects and the name of an entry."""

_NOTHING: Mapping[str, Place] = MappingProxyType({})
_KNOWN = tuple(dict.fromkeys((*EXPOSURE_COLUMNS, *ACTION_COLUMNS)))
_OF_ENTRIES = ("groups", "properties")

_FORMATS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_READERS = {
    "parquet": "read_parquet({files}, union_by_name = true)",
    "csv": "read_csv({files}, header = true, all_varchar = true, union_by_name = true)",
    "jsonl": (
        "read_json({files}, format = 'newline_delimited', maximum_depth = 1, "
        "sample_size = -1, union_by_name = true)"
    ),
}
_HEAD = 65536


def _mapped(_table: "Table", _attribute: "Attribute[Mapping[str, Place]]", value: object) -> None:
    if not isinstance(value, Mapping):
        message = f'columns must be a mapping such as {{"time": "event_time"}}, not {value!r}'
        raise AnalysisError(message)
    for name, place in value.items():
        _check_name(name, place)
        parts = place if isinstance(place, tuple) else (place,)
        if len(parts) > 2 or not all(isinstance(part, str) and part for part in parts):
            message = (
                f"columns maps {name!r} to {place!r}; give the name of a column, or the names of a "
                'column and of its entry: ("event_properties", "experiment")'
            )
            raise AnalysisError(message)


def _check_name(name: object, place: object) -> None:
    """Refuse what is no column of the schema."""
    of, dot, entry = str(name).partition(".")
    if name in _KNOWN or (of in _OF_ENTRIES and dot and entry):
        return
    turned = place in _KNOWN and "; it is the schema's name that comes first: " + repr(
        {place: name}
    )
    message = (
        f"columns maps {name!r}, which is no column of the schema{turned or ''}. The schema has "
        f'{", ".join(_KNOWN)}; and entries such as "groups.org" and "properties.price"'
    )
    raise AnalysisError(message)


@frozen
class Table:
    """Rows whose columns have names of their own.

    Attributes:
        source: A path, a frame, or the name of a table.
        columns: The table's name for a column of the schema, such as {"unit_id": "userid"}; or for an
            entry of `groups` or `properties`, such as {"groups.org": "org_id"}. Where it stands within
            a column of maps, structs or JSON objects, the column and the entry:
            {"experiment": ("event_properties", "experiment")}.

    Raises:
        AnalysisError: A name is not one of the schema.
    """

    source: Source
    columns: Mapping[str, Place] = field(default=_NOTHING, validator=_mapped)

    @property
    def name(self) -> str:
        """A title: the file's name, without its folders."""
        return Path(self.label).name

    @property
    def label(self) -> str:
        """How messages and reports call the table."""
        if isinstance(self.source, str | Path):
            return str(self.source)
        return f"the {type(self.source).__name__}"


def table(source: Source) -> Table:
    """`source` itself if it is a table already, else a table with the schema's column names."""
    return source if isinstance(source, Table) else Table(source)


def reader(path: str | Path, types: Mapping[str, str] | None = None) -> str:
    """What follows FROM in a query of DuckDB that reads a path.

    Args:
        path: A file, a directory or a glob.
        types: The types of the columns of JSON Lines, if they are known: else each query that reads
            the files reads them once more to find out.

    Raises:
        EmptyDataError: There is no file, or each one is empty.
        AnalysisError: The path does not exist, or the files are not of one known format.
    """
    files, format_ = found_files(path)
    listed = ", ".join(literal(str(file)) for file in files)
    if format_ == "jsonl" and types:
        typed = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in types.items())
        return f"read_json([{listed}], format = 'newline_delimited', columns = {{{typed}}})"
    return _READERS[format_].format(files=f"[{listed}]")


def found_files(path: str | Path) -> tuple[list[Path], str]:
    """The files of a path that are not empty, and their format: parquet, csv or jsonl.

    Raises:
        EmptyDataError: There is no file, or each one is empty.
        AnalysisError: The path does not exist, or the files are not of one known format.
    """
    files = [file for file in _files(str(path)) if file.stat().st_size > 0]
    if not files:
        raise EmptyDataError(str(path), "is empty (0 bytes); it needs a header and rows")
    formats = {_format(file) for file in files}
    if len(formats) > 1:
        message = f"{path} has files of several formats ({', '.join(sorted(formats))}); give it one"
        raise AnalysisError(message)
    (format_,) = formats
    _check_head(files[0], format_)
    return files, format_


def _files(path: str) -> list[Path]:
    where = Path(path)
    if where.is_dir():
        found = [file for file in sorted(where.rglob("*")) if _is_data(file, where)]
        if not found:
            problem = f"has no file that ends in {', '.join(_FORMATS)} (or these with .gz)"
            raise EmptyDataError(path, problem)
        return found
    if where.is_file():
        return [where]
    if has_magic(path):
        below = Path(where.anchor)
        pattern = str(where.relative_to(where.anchor))
        found = [file for file in sorted(below.glob(pattern)) if file.is_file()]
        if not found:
            raise EmptyDataError(path, "matches no file")
        return found
    problem = "is no regular file" if where.exists() else "does not exist"
    message = f"{path} {problem}; give a file, a directory or a glob"
    raise AnalysisError(message)


def _is_data(file: Path, root: Path) -> bool:
    """Whether a directory's file is data: names that begin with . or _ are another writer's."""
    hidden = any(part.startswith((".", "_")) for part in file.relative_to(root).parts)
    return not hidden and _suffix(file) in _FORMATS and file.is_file()


def _suffix(file: Path) -> str:
    name = file.name.lower().removesuffix(".gz")
    return Path(name).suffix


def _format(file: Path) -> str:
    try:
        return _FORMATS[_suffix(file)]
    except KeyError:
        message = f"{file} must end in {', '.join(_FORMATS)} (or these with .gz), to say what it is"
        raise AnalysisError(message) from None


def _check_head(file: Path, format_: str) -> None:
    """Refuse what is not what its name says, before a parser makes nonsense of it."""
    try:
        with file.open("rb") as opened:
            head = opened.read(_HEAD)
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}"
        raise AnalysisError(message) from error
    compressed = file.name.lower().endswith(".gz")
    if format_ == "parquet" and not head.startswith(b"PAR1"):
        message = f"{file} is not a Parquet file, though its name says so"
        raise AnalysisError(message)
    if format_ != "parquet" and not compressed and b"\0" in head:
        message = f"{file} is not text in UTF-8 (it has NUL bytes), though its name says so"
        raise AnalysisError(message)
