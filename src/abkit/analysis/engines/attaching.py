"""Files and frames as views of an embedded DuckDB."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abkit.analysis.engines.base import integer
from abkit.analysis.engines.duckdb_errors import explained
from abkit.analysis.engines.refusals import Refusals
from abkit.analysis.reading.columns import Kind
from abkit.analysis.reading.decimals import FORMS, decimal_mark, has_form, known, plain
from abkit.analysis.reading.files import Files, check_there, fault, found_files
from abkit.analysis.reading.matching import Match
from abkit.analysis.reading.quoting import identifier
from abkit.analysis.reading.readers import body_of, types_of_events
from abkit.analysis.reading.small_files import are_small, copied
from abkit.analysis.reading.sources import Table
from abkit.errors import AnalysisError
from abkit.extras import extra

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_NUMBERS = ("BIGINT", "UBIGINT", "HUGEINT", "DOUBLE", "BOOLEAN")
_NOT_TEXT = (Kind.NUMBER, Kind.TRUTH, Kind.INSTANT)


class Attached:
    """The tables that a connection can read, each under a name.

    Args:
        connection: Of DuckDB.
        refusals: What the marks in its messages mean.
    """

    def __init__(self, connection: "DuckDBPyConnection", refusals: Refusals) -> None:
        import duckdb

        self._connection = connection
        self._errors = duckdb.Error
        self._too_large = duckdb.OutOfMemoryException
        self._refusals = refusals
        self._files: dict[str, Files] = {}
        self._scratch: Path | None = None

    def close(self) -> None:
        """Remove what was copied."""
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None

    def detach(self, name: str) -> None:
        """Forget a source, whose files are not there any more."""
        self._files.pop(name, None)

    def attach(self, name: str, table: Table) -> Mapping[str, str]:
        """Open a source under a name; the answer is its columns' types.

        Raises:
            EmptyDataError: There is no file, or each one is empty.
            AnalysisError: There is no such file, or it is not what its name says.
        """
        if not isinstance(table.source, str | Path):
            with self.translated(table.label):
                self._register(name, table)
            return self._types(name, table.label)
        files = found_files(table.source, scratch=self._folder())
        with self.translated(table.label, files):
            types_known = types_of_events(files)
            body = self._body(files, types=types_known)
        self._files[name] = files
        self._view(name, body, files)
        types = self._types(name, table.label, files)
        if files.format == "jsonl" and types_known is None:
            if [*types] == ["json"] and (problem := fault(files)) is not None:
                raise AnalysisError(problem)
            # What is text in JSON is read as text here, whatever it looks like in most rows.
            types = {one: _json_type(type_) for one, type_ in types.items()}
            self._view(name, self._body(files, types=types), files)
        return types

    def tidy(self, name: str, matches: Sequence[Match]) -> None:
        """Read the columns that queries need: very many small files once, and CSV as it is meant.

        What DuckDB cannot read of CSV is read row by row, or refused by its line.

        Raises:
            AnalysisError: A row cannot be read.
        """
        files = self._files.get(name)
        needed = {m.source: m.column.kind for m in matches if m.source is not None}
        if files is None or not needed:
            return
        if are_small(files):
            self._copy(name, files, [*needed])
        if files.format != "csv":
            return
        kinds = {m.source: m.column.kind for m in matches if m.source is not None and not m.path}
        body = self._body(files)
        try:
            marks = self._marks(body, list(needed), kinds)
        except self._errors:
            body = self._body(files, careful=True)
            with self.translated(files.label):
                marks = self._marks(body, list(needed), kinds)
        meant = {
            column: known(identifier(column))
            if marks.get(column) is None
            else known(plain(f"trim({identifier(column)})", mark=str(marks[column])))
            for column, kind in kinds.items()
            if kind in _NOT_TEXT
        }
        self._view(name, body, files, replaced=meant)

    def _copy(self, name: str, files: Files, columns: Sequence[str]) -> None:
        """Let a source be one file of these columns."""
        scratch, execute = self._folder(), self._connection.execute
        with self.translated(files.label, files):
            one = copied(files, name, columns, scratch=scratch, execute=execute)
        self._files[name] = one
        self._view(name, self._body(one), one)

    def _marks(
        self, body: str, needed: Sequence[str], kinds: Mapping[str, Kind]
    ) -> Mapping[str, str | None]:
        """What stands before the decimals of each column of numbers; each needed value is read."""
        numbers = [column for column, kind in kinds.items() if kind is Kind.NUMBER]
        asked = [f"count({identifier(column)})" for column in needed]
        asked += [
            f"count(case when {has_form(f'trim({identifier(column)})', form)} then 1 end) "
            f"as {form}_{i}"
            for i, column in enumerate(numbers)
            for form in FORMS
        ]
        query = f"select {', '.join(asked)} from {body}"  # noqa: S608 - names are quoted
        cursor = self._connection.execute(query)
        names = [column[0] for column in cursor.description or ()]
        row = dict(zip(names, cursor.fetchall()[0], strict=True))
        return {
            column: decimal_mark({form: integer(row, f"{form}_{i}") for form in FORMS})
            for i, column in enumerate(numbers)
        }

    def _body(
        self, files: Files, *, types: Mapping[str, str] | None = None, careful: bool = False
    ) -> str:
        return body_of(files, self._described, scratch=self._folder(), types=types, careful=careful)

    def _view(
        self, name: str, body: str, files: Files, replaced: Mapping[str, str] | None = None
    ) -> None:
        meant = ", ".join(f"{sql} as {identifier(c)}" for c, sql in (replaced or {}).items())
        columns = f"* replace ({meant})" if meant else "*"
        with self.translated(files.label, files):
            self._connection.execute(
                f"create or replace view {identifier(name)} as select {columns} from {body}"  # noqa: S608
            )

    def _types(self, name: str, label: str, files: Files | None = None) -> Mapping[str, str]:
        with self.translated(label, files):
            return self._described(identifier(name))

    def _described(self, body: str) -> Mapping[str, str]:
        described = self._connection.execute(f"describe from {body}").fetchall()
        return {column: type_ for column, type_, *_ in described}

    def _register(self, name: str, table: Table) -> None:
        frame: object = table.source
        stream = _stream(frame)
        if hasattr(frame, "collect") and hasattr(frame, "collect_schema"):
            frame = frame.collect()
        try:
            known_as = name if stream is None else f"{name}_stream"
            self._connection.register(known_as, stream or _with_index(frame))
        except (TypeError, self._errors) as error:
            message = (
                f"{table.label} is not a table: give a path, a pandas, Polars or Arrow frame, "
                "an Ibis table or a DuckDB relation"
            )
            raise AnalysisError(message) from error
        if stream is not None:  # it can be read only once
            body = f"select * from {identifier(f'{name}_stream')}"  # noqa: S608 - names are quoted
            self._connection.execute(f"create temporary table {identifier(name)} as {body}")
            self._connection.unregister(f"{name}_stream")

    def _folder(self) -> Path:
        if self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="abkit-"))
        return self._scratch

    @contextmanager
    def translated(self, source: str, files: Files | None = None) -> Iterator[None]:
        """Let no exception of DuckDB through.

        Args:
            source: How messages call what is read.
            files: Where it is; which of them is at fault is then looked for. None: among all.

        Raises:
            FilesGoneError: A file is gone.
            AnalysisError: DuckDB cannot do it.
            KeyboardInterrupt: Somebody pressed Ctrl-C during a query.
        """
        try:
            yield
        except RuntimeError as error:
            # DuckDB takes the signal, and does not hand on what Python would raise for it.
            if str(error) == "Query interrupted":
                raise KeyboardInterrupt from error
            raise
        except self._too_large as error:
            raise AnalysisError(_needs_more(source, error)) from error
        except self._errors as error:
            refused = self._refusals.explained(str(error))
            if refused is not None:
                raise refused from error
            looked = self._files.values() if files is None else [files]
            for each in looked:
                check_there(each)
            problem = next(filter(None, map(fault, looked)), None)
            why = explained(str(error))
            told = f": {why}" if why else f"; DuckDB says: {_first_line(error)}"
            raise AnalysisError(problem or f"{source} cannot be analyzed{told}") from error


def _with_index(frame: Any) -> object:
    """A pandas frame whose named index is columns too; anything else as it is."""
    names = getattr(getattr(frame, "index", None), "names", None)
    if names is None or not hasattr(frame, "reset_index"):
        return frame
    lacking = [name for name in names if isinstance(name, str) and name not in frame.columns]
    return frame.reset_index(level=lacking) if lacking else frame


def _stream(frame: Any) -> Any:
    """A reader of what can be read only once, or belongs to another connection; None for frames."""
    if hasattr(frame, "read_next_batch"):  # a RecordBatchReader
        return frame
    if hasattr(frame, "fetch_record_batch"):  # a DuckDB relation
        newer = getattr(frame, "to_arrow_reader", None)
        with extra("files"):
            return (newer or frame.fetch_record_batch)()
    if hasattr(frame, "to_pyarrow_batches"):  # an Ibis table
        return frame.to_pyarrow_batches()
    return None


def _json_type(type_: str) -> str:
    """How a column of JSON Lines is read, by the type that its values suggest."""
    if type_ in _NUMBERS or type_ == "JSON":
        return type_
    return "JSON" if type_.endswith("]") or "(" in type_ else "VARCHAR"


def _needs_more(source: str, error: Exception) -> str:
    return (
        f"{source} cannot be analyzed in the memory that DuckDB may use and the room for its temporary "
        f"files; it says: {_first_line(error)} Give it more memory (--memory-limit, or "
        "engine=DuckDB(memory_limit=...)), or let the environment variable TMPDIR name a larger folder"
    )


def _first_line(error: Exception) -> str:
    """What an error of DuckDB says, without the query and the advice that follow."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
