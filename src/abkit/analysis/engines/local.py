"""DuckDB, embedded in the process: the default engine."""

import re
import shutil
import tempfile
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

from abkit.analysis.engines.attaching import Attached
from abkit.analysis.engines.base import Row
from abkit.analysis.engines.dialects.base import select
from abkit.analysis.engines.dialects.duckdb import DuckDBDialect
from abkit.analysis.engines.refusals import Refusals
from abkit.analysis.reading.columns import Column
from abkit.analysis.reading.matching import match
from abkit.analysis.reading.quoting import identifier, literal
from abkit.analysis.reading.sources import Table
from abkit.errors import AnalysisError
from abkit.extras import extra

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

_SIZE = re.compile(r"\d+(\.\d+)?\s*([KMGT]i?B|%)", re.IGNORECASE)


class DuckDB:
    """Reads files and frames where they are; what a URL names is copied first, by fsspec.

    DuckDB itself knows nothing of the network, and loads no extension. What does not fit into its memory is
    written to a folder of temporary files, where Python has its own (`TMPDIR`), and removed with `close`.

    Args:
        threads: How many it works with; None: as many as the machine has processors.
        memory_limit: The memory that it may use, such as "4GB" or "50%" of the machine's; None: 80%.

    Raises:
        AnalysisError: The limit is no size.
        MissingExtraError: duckdb is not installed.
    """

    def __init__(self, *, threads: int | None = None, memory_limit: str | None = None) -> None:
        if memory_limit is not None:
            check_size(memory_limit)
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
        # How far it is can be asked, but it prints nothing itself.
        self._connection.execute("set enable_progress_bar_print = false")
        self._connection.execute("set enable_progress_bar = true")
        # Rows have no order here; to keep one takes memory.
        self._connection.execute("set preserve_insertion_order = false")
        # Not ".tmp" in whatever folder the process is in; DuckDB makes it when it is needed.
        self._spilled = Path(tempfile.gettempdir()) / f"abkit-spilled-{uuid4().hex}"
        self._connection.execute(f"set temp_directory = {literal(str(self._spilled))}")
        if threads is not None:
            self._connection.execute(f"set threads = {threads:d}")
        if memory_limit is not None:
            self._connection.execute(f"set memory_limit = {literal(memory_limit)}")
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
        shutil.rmtree(self._spilled, ignore_errors=True)

    def share_done(self) -> float | None:
        """How much of the query that another thread runs is done, from 0 to 1; None if none runs."""
        with suppress(self._closed):
            percent = float(self._connection.query_progress())
            return percent / 100 if 0 <= percent <= 100 else None
        return None

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


def check_size(text: str) -> None:
    """Refuse what is no size of a memory.

    Raises:
        AnalysisError: It is none.
    """
    if not isinstance(text, str) or not _SIZE.fullmatch(text.strip()):
        message = f'memory_limit must be a size such as "4GB", "512MB" or "50%", not {text!r}'
        raise AnalysisError(message)
