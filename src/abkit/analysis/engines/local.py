"""DuckDB, embedded in the process: the default engine."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from abkit.analysis.engines.attaching import Attached
from abkit.analysis.engines.base import Row
from abkit.analysis.engines.dialects.base import select
from abkit.analysis.engines.dialects.duckdb import DuckDBDialect
from abkit.analysis.engines.refusals import Refusals
from abkit.analysis.reading.columns import Column
from abkit.analysis.reading.matching import match
from abkit.analysis.reading.quoting import identifier
from abkit.analysis.reading.sources import Table
from abkit.extras import extra

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray


class DuckDB:
    """Reads files and frames where they are; what a URL names is copied first, by fsspec.

    DuckDB itself knows nothing of the network, and loads no extension.

    Args:
        threads: How many it works with; None: as many as the machine has processors.

    Raises:
        MissingExtraError: duckdb is not installed.
    """

    def __init__(self, *, threads: int | None = None) -> None:
        with extra("analysis"):
            import duckdb
        self._unbound = duckdb.BinderException
        self._closed = duckdb.ConnectionException
        self._refusals = Refusals()
        self._connection: DuckDBPyConnection = duckdb.connect(
            config={"autoinstall_known_extensions": False}
        )
        # A time without a zone is UTC, on whatever machine.
        self._connection.execute("set TimeZone = 'UTC'")
        self._connection.execute("set enable_progress_bar = false")
        if threads is not None:
            self._connection.execute(f"set threads = {threads:d}")
        self._attached = Attached(self._connection, self._refusals)

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
        self._attached.close()

    def interrupt(self) -> None:
        """End the query that another thread runs, if one does: it fails there."""
        with suppress(self._closed):
            self._connection.interrupt()

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
        types = self._attached.attach(raw, table)
        matches = match(table, columns, list(types))
        self._attached.tidy(raw, matches)
        with self._attached.translated(table.label):
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
        with self._attached.translated("the data"):
            self._connection.execute(f"create {what} {identifier(name)} as\n{query}")

    def rows(self, query: str) -> Sequence[Row]:
        """The answer to a query, by column name.

        Raises:
            AnalysisError: The query fails on these data; the message says why.
        """
        with self._attached.translated("the data"):
            cursor = self._connection.execute(query)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def arrays(self, query: str) -> "dict[str, NDArray[Any]]":
        """The answer to a query, by column name, as arrays: of many rows that are not to be Python's.

        Raises:
            AnalysisError: The query fails on these data; the message says why.
        """
        with self._attached.translated("the data"):
            arrays: dict[str, Any] = self._connection.execute(query).fetchnumpy()
            return arrays

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

    def _type_of(self, sql: str, raw: str) -> str | None:
        query = f"describe select {sql} from {identifier(raw)}"  # noqa: S608 - names are quoted
        try:
            ((_, type_, *_),) = self._connection.execute(query).fetchall()
        except self._unbound:
            return None
        return str(type_)
