"""What runs the queries. DuckDB, embedded, is the default."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from abkit.analysis.reading.quoting import canonical, identifier
from abkit.analysis.reading.sources import Table, reader
from abkit.errors import AnalysisError, MissingColumnError, MissingExtraError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Row = Mapping[str, object]


def integer(row: Row, column: str) -> int:
    """A count in an answer; 0 where there is none."""
    value = row.get(column)
    return value if isinstance(value, int) else 0


class Engine(Protocol):
    """Where the tables are and the queries run."""

    def open(
        self, name: str, table: Table, *, schema: Mapping[str, str], required: Collection[str]
    ) -> Collection[str]:
        """Make a table available to queries under `name`, with the columns of `schema`.

        Returns:
            The columns of the schema that the table really has; the others are null.
        """
        ...

    def rows(self, query: str) -> Sequence[Row]:
        """The answer to a query, by column name."""
        ...


class DuckDB:
    """DuckDB, embedded in the process: reads files and frames where they are.

    It never reaches for the network, neither for data nor for extensions.

    Raises:
        MissingExtraError: duckdb is not installed.
    """

    def __init__(self) -> None:
        try:
            import duckdb
        except ImportError as error:
            raise MissingExtraError("duckdb", "analysis") from error
        self._errors = duckdb.Error
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
        """The version of DuckDB."""
        import duckdb

        return f"DuckDB {duckdb.__version__}"

    def open(
        self, name: str, table: Table, *, schema: Mapping[str, str], required: Collection[str]
    ) -> Collection[str]:
        """Make a table available to queries under `name`, with the columns of `schema`.

        Args:
            name: How queries call it.
            table: A path, or a pandas, Polars or Arrow frame, or a DuckDB relation.
            schema: The columns and their kinds: text, timestamp, map, json or value.
            required: The columns without which there is no answer.

        Returns:
            The columns of the schema that the table really has; the others are null.

        Raises:
            MissingColumnError: A required column is not there.
            EmptyDataError: A file is empty.
            AnalysisError: There is no such file, or it is not what its name says.
        """
        types = self._attach(name, table)
        foreign = {column: str(table.columns.get(column, column)) for column in schema}
        for column in schema:
            if foreign[column] not in types and (column in required or column in table.columns):
                raise MissingColumnError(foreign[column], table.label, list(types))
        present = [column for column in schema if foreign[column] in types]
        selected = ",\n  ".join(
            f"{canonical(source, types.get(source or '', ''), kind=kind)} as {identifier(column)}"
            for column, kind in schema.items()
            for source in [foreign[column] if column in present else None]
        )
        self._run(
            f"create view {identifier(name)} as select\n  {selected}\n"
            f"from {identifier(name + '_source')}",
            source=table.label,
        )
        return present

    def rows(self, query: str) -> Sequence[Row]:
        """The answer to a query, by column name.

        Raises:
            AnalysisError: The query fails on these data; the message says why.
        """
        with self._translated("the data"):
            cursor = self._connection.execute(query)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _attach(self, name: str, table: Table) -> dict[str, str]:
        """Open a source as `name`_source; the answer is its columns' types."""
        raw = name + "_source"
        if isinstance(table.source, str | Path):
            body = f"select * from {reader(table.source)}"  # noqa: S608 - paths are quoted
            self._run(f"create view {identifier(raw)} as {body}", source=table.label)
        else:
            self._register(raw, table)
        with self._translated(table.label):
            described = self._connection.execute(f"describe {identifier(raw)}").fetchall()
        return {column: dtype for column, dtype, *_ in described}

    def _register(self, name: str, table: Table) -> None:
        frame = table.source
        if hasattr(frame, "to_arrow_table"):  # a relation belongs to the connection that made it
            frame = frame.to_arrow_table()
        elif hasattr(frame, "collect"):
            frame = frame.collect()
        try:
            self._connection.register(name, frame)
        except (TypeError, self._errors) as error:
            message = f"{table.label} is not a table: give a path, a frame or a DuckDB relation"
            raise AnalysisError(message) from error

    def _run(self, statement: str, *, source: str) -> None:
        with self._translated(source):
            self._connection.execute(statement)

    @contextmanager
    def _translated(self, source: str) -> Iterator[None]:
        """Let no exception of DuckDB through."""
        try:
            yield
        except self._errors as error:
            message = f"{source} cannot be analyzed: {_first_line(error)}"
            raise AnalysisError(message) from error


def _first_line(error: Exception) -> str:
    """What an error of DuckDB says, without the query and the advice that follow."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
