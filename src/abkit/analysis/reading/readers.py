"""What follows FROM in a query of DuckDB that reads files."""

import atexit
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from uuid import uuid4

from abkit.analysis.reading.delimited import Form, form_of, rewritten
from abkit.analysis.reading.files import Files, found_files
from abkit.analysis.reading.quoting import identifier, literal


def reader(path: str | Path) -> str:
    """What reads a path; copies of what must be copied stay until the process ends.

    Args:
        path: A file, a directory, a glob, or a URL of any of these.

    Raises:
        EmptyDataError: There is no file, or each one is empty.
        AnalysisError: The path does not exist, or the files are not of one known format.
    """
    scratch = _scratch()
    return body_of(found_files(path, scratch=scratch), scratch=scratch, careful=True)


def body_of(
    files: Files,
    *,
    scratch: Path,
    types: Mapping[str, str] | None = None,
    careful: bool = False,
) -> str:
    """What reads some files.

    Args:
        files: The files.
        scratch: A folder for what must be written anew to be read.
        types: The types of the columns of JSON Lines, if they are known: else each query that reads
            the files reads them once more to find out.
        careful: Write all CSV anew, row by row: what DuckDB could not read is read, or refused by its line.

    Raises:
        AnalysisError: A file of CSV cannot be read; the message says where and why.
    """
    if files.format == "csv":
        return _csv(files, scratch, careful=careful)
    listed = _listed(files.paths)
    if files.format == "parquet":
        return f"read_parquet({listed}, union_by_name = true)"
    if types:
        typed = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in types.items())
        return f"read_json({listed}, format = 'newline_delimited', columns = {{{typed}}})"
    return (
        f"read_json({listed}, format = 'newline_delimited', maximum_depth = 1, "
        "sample_size = -1, union_by_name = true)"
    )


def _csv(files: Files, scratch: Path, *, careful: bool) -> str:
    alike: dict[Form, list[Path]] = {}
    for path in files.paths:
        where, form = path, form_of(path)
        if careful or not form.plain:
            label = files.label if len(files.paths) == 1 else str(path)
            where, form = rewritten(path, form, scratch / f"{uuid4().hex}.csv", label=label)
        alike.setdefault(form, []).append(where)
    bodies = [_read_csv(form, paths) for form, paths in alike.items()]
    if len(bodies) == 1:
        return bodies[0]
    return f"({' union all by name '.join(f'select * from {body}' for body in bodies)})"  # noqa: S608


def _read_csv(form: Form, paths: list[Path]) -> str:
    """All is said of the form: what is not so is an error, never a guess."""
    columns = ", ".join(f"{identifier(name)}: 'VARCHAR'" for name in form.columns)
    return (
        f"read_csv({_listed(paths)}, auto_detect = false, header = true, "
        f"delim = {literal(form.delimiter)}, quote = '\"', escape = '\"', columns = {{{columns}}})"
    )


def _listed(paths: Sequence[Path]) -> str:
    return f"[{', '.join(literal(str(path)) for path in paths)}]"


@cache
def _scratch() -> Path:
    folder = tempfile.mkdtemp(prefix="abkit-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
