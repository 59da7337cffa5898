"""DuckDB, embedded in the process: the default engine."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from abkit.analysis.engines.base import Row
from abkit.analysis.engines.dialects.base import select
from abkit.analysis.engines.dialects.duckdb import DuckDBDialect
from abkit.analysis.engines.refusals import Refusals
from abkit.analysis.reading.columns import Column
from abkit.analysis.reading.matching import match
from abkit.analysis.reading.quoting import identifier
from abkit.analysis.reading.sources import Table, reader
from abkit.errors import AnalysisError, MissingExtraError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_NUMBERS = ("BIGINT", "UBIGINT", "HUGEINT", "DOUBLE", "BOOLEAN")


class DuckDB:
    """Reads files and frames where they are; knows nothing of the network.

    Raises:
        MissingExtraError: duckdb is not installed.
    """

    def __init__(self) -> None:
        try:
            import duckdb
        except ImportError as error:
            raise MissingExtraError("duckdb", "analysis") from error
        self._errors = duckdb.Error
        self._unbound = duckdb.BinderException
        self._refusals = Refusals()
        self._connection: DuckDBPyConnection = duckdb.connect(
            config={"autoinstall_known_extensions": False}
        )
        # A time without a zone is UTC, on whatever machine.
        self._connection.execute("set TimeZone = 'UTC'")
        self._connection.execute("set enable_progress_bar = false")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Forget all tables."""
        self._connection.close()

    @property
    def version(self) -> str:
        """What computes, such as "DuckDB 1.4.2"."""
        import duckdb

        return f"DuckDB {duckdb.__version__}"

    def open(self, name: str, table: Table, columns: Sequence[Column]) -> Collection[str]:
        """Make a path, a frame, an Ibis table or a DuckDB relation available under `name`.

        Returns:
            The names of the columns that the table really has; the others are null.

        Raises:
            MissingColumnError: A required column is not there.
            EmptyDataError: A file is empty.
            AnalysisError: There is no such file, or it is not what its name says.
        """
        raw = f"{name}_source"
        types = self._attach(raw, table)
        matches = match(table, columns, list(types))
        with self._translated(table.label):
            selection = select(
                matches,
                types,
                dialect=DuckDBDialect(lambda sql: self._type_of(sql, raw)),
                refusals=self._refusals,
                label=table.label,
            )
            text = selection.text(identifier(raw))
            self._connection.execute(f"create view {identifier(name)} as {text}")
        return [one.column.name for one in matches if one.source is not None]

    def define(self, name: str, query: str, *, keep: bool = False) -> None:
        """Let later queries call the answer to this one `name`.

        Args:
            name: How queries call it.
            query: A select.
            keep: Compute it now, and once.
        """
        what = "temporary table" if keep else "view"
        with self._translated("the data"):
            self._connection.execute(f"create {what} {identifier(name)} as\n{query}")

    def rows(self, query: str) -> Sequence[Row]:
        """The answer to a query, by column name.

        Raises:
            AnalysisError: The query fails on these data; the message says why.
        """
        with self._translated("the data"):
            cursor = self._connection.execute(query)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def repeats(self, name: str, column: str, *, share: float = 1.0) -> bool:
        """Whether some value (not null) stands twice in a column.

        Hashes of 64 bits are counted, in a fraction of the memory of the texts. That two texts share one
        is as likely as 3 in a million among ten million, and says True where False would be right.

        Args:
            name: The table.
            column: Its column.
            share: The share of the values, by their hashes, that is looked at.
        """
        quoted = identifier(column)
        enough = "" if share >= 1 else f" where hashed < {int(share * 2**64)}"
        query = f"""\
select count(*) <> count(distinct hashed) as repeated
from (
  select hash({quoted}) as hashed from {identifier(name)} where {quoted} is not null
) as values_of_column{enough}"""  # noqa: S608 - names are quoted
        (row,) = self.rows(query)
        return bool(row["repeated"])

    def _attach(self, raw: str, table: Table) -> Mapping[str, str]:
        """Open a source under a name; the answer is its columns' types."""
        if not isinstance(table.source, str | Path):
            with self._translated(table.label):
                self._register(raw, table)
            return self._types(raw, table.label)
        body = reader(table.source)
        self._view(raw, body, table.label)
        types = self._types(raw, table.label)
        if body.startswith("read_json"):
            # What is text in JSON is read as text here, whatever it looks like in most rows.
            types = {one: _json_type(type_) for one, type_ in types.items()}
            self._view(raw, reader(table.source, types), table.label)
        return types

    def _view(self, name: str, body: str, label: str) -> None:
        with self._translated(label):
            self._connection.execute(
                f"create or replace view {identifier(name)} as select * from {body}"  # noqa: S608
            )

    def _types(self, name: str, label: str) -> Mapping[str, str]:
        with self._translated(label):
            described = self._connection.execute(f"describe {identifier(name)}").fetchall()
        return {column: type_ for column, type_, *_ in described}

    def _type_of(self, sql: str, raw: str) -> str | None:
        query = f"describe select {sql} from {identifier(raw)}"  # noqa: S608 - names are quoted
        try:
            ((_, type_, *_),) = self._connection.execute(query).fetchall()
        except self._unbound:
            return None
        return str(type_)

    def _register(self, name: str, table: Table) -> None:
        frame: object = table.source
        stream = _stream(frame)
        if hasattr(frame, "collect") and hasattr(frame, "collect_schema"):
            frame = frame.collect()
        try:
            self._connection.register(name if stream is None else f"{name}_stream", stream or frame)
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

    @contextmanager
    def _translated(self, source: str) -> Iterator[None]:
        """Let no exception of DuckDB through."""
        try:
            yield
        except self._errors as error:
            refused = self._refusals.explained(str(error))
            message = f"{source} cannot be analyzed: {_first_line(error)}"
            raise (refused or AnalysisError(message)) from error


def _stream(frame: Any) -> Any:
    """A reader of what can be read only once, or belongs to another connection; None for frames."""
    if hasattr(frame, "read_next_batch"):  # a RecordBatchReader
        return frame
    if hasattr(frame, "fetch_record_batch"):  # a DuckDB relation
        newer = getattr(frame, "to_arrow_reader", None)
        try:
            return (newer or frame.fetch_record_batch)()
        except ImportError as error:
            raise MissingExtraError("pyarrow", "files") from error
    if hasattr(frame, "to_pyarrow_batches"):  # an Ibis table
        return frame.to_pyarrow_batches()
    return None


def _json_type(type_: str) -> str:
    """How a column of JSON Lines is read, by the type that its values suggest."""
    if type_ in _NUMBERS or type_ == "JSON":
        return type_
    return "JSON" if type_.endswith("]") or "(" in type_ else "VARCHAR"


def _first_line(error: Exception) -> str:
    """What an error of DuckDB says, without the query and the advice that follow."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
