"""What follows FROM in a query of DuckDB that reads files."""

import atexit
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from uuid import uuid4

from abkit.analysis.reading.delimited import Form, form_of, rewritten
from abkit.analysis.reading.files import Files, fault, found_files
from abkit.analysis.reading.mixed_types import Described, bodies_of, parts_of, types_beside
from abkit.analysis.reading.quoting import identifier, literal
from abkit.errors import AnalysisError
from abkit.events import ACTION_COLUMNS, EXPOSURE_COLUMNS, IDENTITY_COLUMNS
from abkit.extras import extra

_EVENTS: Mapping[str, str] = {**EXPOSURE_COLUMNS, **ACTION_COLUMNS, **IDENTITY_COLUMNS}
TYPES: Mapping[str, str] = {
    "text": "VARCHAR",
    "json": "VARCHAR",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "map": "MAP(VARCHAR, VARCHAR)",
}
"""DuckDB's types of the columns of stored events, by what `abkit.events` calls them."""


def reader(path: str | Path) -> str:
    """What reads a path; copies of what must be copied stay until the process ends.

    Args:
        path: A file, a directory, a glob, or a URL of any of these.

    Raises:
        EmptyDataError: There is no file, or each one is empty.
        AnalysisError: The path does not exist, or the files are not of one known format.
    """
    scratch = _scratch()
    files = found_files(path, scratch=scratch)
    types = types_of_events(files)
    return body_of(files, _described, scratch=scratch, types=types, careful=True)


def _described(body: str) -> Mapping[str, str]:
    with extra("analysis"):
        import duckdb
    with duckdb.connect() as connection:
        return {
            column: type_
            for column, type_, *_ in connection.sql(f"describe from {body}").fetchall()
        }


def body_of(
    files: Files,
    described: Described,
    *,
    scratch: Path,
    types: Mapping[str, str] | None = None,
    careful: bool = False,
) -> str:
    """What reads some files.

    Args:
        files: The files.
        described: As `Described`; it is asked of files of Parquet.
        scratch: A folder for what must be written anew to be read.
        types: The types of the columns of JSON Lines, if they are known: else each query that reads
            the files reads them once more to find out.
        careful: Write all CSV anew, row by row: what DuckDB could not read is read, or refused by its line.

    Raises:
        AnalysisError: A file of CSV cannot be read, or one of JSON Lines beside Parquet is something else.
    """
    if files.format == "csv":
        return _csv(files, scratch, careful=careful)
    if files.format == "jsonl":
        return _json(files, types)
    bodies = _parquet(files, described)
    if files.beside is not None:
        bodies.append(_json(files.beside, _types_beside(files.beside, together(bodies), described)))
    return together(bodies)


def types_of_events(files: Files) -> Mapping[str, str] | None:
    """The types that a sink gives to what is in JSON Lines when it closes them.

    Args:
        files: The files.

    Returns:
        None: not all are written by a sink right now.
    """
    if not files.are_open:
        return None
    names: dict[str, None] = {}
    for path in files.paths:
        with path.open("rb") as stream:
            try:
                names.update(dict.fromkeys(json.loads(stream.readline())))
            except (ValueError, TypeError):
                return None
    return {name: TYPES[_EVENTS.get(name, "text")] for name in names}


def _types_beside(lines: Files, parquet: str, described: Described) -> Mapping[str, str]:
    """The types of the columns of JSON Lines: those that go with Parquet, for the columns that both have.

    Args:
        lines: The files of JSON Lines.
        parquet: What reads those of Parquet.
        described: As `Described`.

    Raises:
        AnalysisError: A file of JSON Lines is something else.
    """
    found = types_of_events(lines)
    if found is None:
        found = described(_json(lines, None))
        if [*found] == ["json"] and (problem := fault(lines)) is not None:
            raise AnalysisError(problem)
    said = described(parquet)
    both = [name for name in found if name in said]
    return {**found, **types_beside(said, both, lambda: described(_json(lines, None, depth=-1)))}


def _parquet(files: Files, described: Described) -> list[str]:
    """What reads the files of Parquet, in parts."""
    if not files.alike:
        return bodies_of(files.paths, _united, described)
    found = parts_of(files.alike, _alike, described)
    return [_alike(group) for group in files.alike] if found is None else found


def _alike(paths: Sequence[Path]) -> str:
    """With the columns of the first file, which all have."""
    return f"read_parquet({listed(paths)})"


def _united(paths: Sequence[Path]) -> str:
    """With the columns of all; each file is opened to know them."""
    return f"read_parquet({listed(paths)}, union_by_name = true)"


def _json(files: Files, types: Mapping[str, str] | None, *, depth: int = 1) -> str:
    paths = listed(files.paths)
    if types:
        typed = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in types.items())
        return f"read_json({paths}, format = 'newline_delimited', columns = {{{typed}}})"
    return (
        f"read_json({paths}, format = 'newline_delimited', maximum_depth = {depth}, "
        "sample_size = -1, union_by_name = true)"
    )


def _csv(files: Files, scratch: Path, *, careful: bool) -> str:
    alike: dict[Form, list[Path]] = {}
    for path in files.paths:
        where, form = path, form_of(path)
        if careful or not form.plain:
            where, form = rewritten(
                path, form, scratch / f"{uuid4().hex}.csv", label=files.called(path)
            )
        alike.setdefault(form, []).append(where)
    bodies = [_read_csv(form, paths) for form, paths in alike.items()]
    return together(bodies)


def together(bodies: Sequence[str]) -> str:
    """What reads the rows of all of them."""
    if len(bodies) == 1:
        return bodies[0]
    return f"({' union all by name '.join(f'select * from {body}' for body in bodies)})"  # noqa: S608


def _read_csv(form: Form, paths: list[Path]) -> str:
    """All is said of the form: what is not so is an error, never a guess."""
    columns = ", ".join(f"{identifier(name)}: 'VARCHAR'" for name in form.columns)
    return (
        f"read_csv({listed(paths)}, auto_detect = false, header = true, "
        f"delim = {literal(form.delimiter)}, quote = '\"', escape = '\"', columns = {{{columns}}})"
    )


def listed(paths: Sequence[Path]) -> str:
    """Files as a list, as DuckDB's readers take them."""
    return f"[{', '.join(literal(str(path)) for path in paths)}]"


@cache
def _scratch() -> Path:
    folder = tempfile.mkdtemp(prefix="abkit-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
