"""The queries of an analysis, and the tables of a store, in a Spark session."""

import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from abkit.analysis.engines.base import Row
from abkit.analysis.engines.dialects.base import select
from abkit.analysis.engines.dialects.spark import SparkDialect
from abkit.analysis.engines.refusals import Refusals
from abkit.analysis.engines.spark.opened import Opened
from abkit.analysis.engines.spark.paths import is_path, read_path
from abkit.analysis.engines.spark.settings import CUTTING_OFF, EVERYWHERE, settings
from abkit.analysis.engines.spark.subqueries import join_by_hash
from abkit.analysis.engines.spark.values import some_repeat, some_stand_in_both
from abkit.analysis.engines.translation import quoted, translated, with_parts
from abkit.analysis.reading.columns import Column
from abkit.analysis.reading.matching import match
from abkit.analysis.reading.sources import Table
from abkit.errors import AnalysisError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


DAY = "abkit_day"
"""The column of a table that `create` made that says which day a row is of, UTC."""

_DAY = 86_400_000_000
"""In microseconds."""


class Spark:
    """Runs the queries in a Spark session; the session stays the caller's to stop.

    Tables are names in the session's catalog, such as "analytics.events"; or Spark DataFrames; or paths:
    a `Path`, or a text with a slash or an ending such as ".parquet". What several queries read is cached
    until `close`. With a store, it makes tables in a schema of the catalog.

    Raises:
        MissingExtraError: sqlglot is not installed.
    """

    def __init__(self, session: "SparkSession") -> None:
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        # What fails while a plan is made, such as JSON that is broken, comes as Java threw it.
        self._error: tuple[type[Exception], ...] = (PySparkException, Py4JError)
        self._session = session
        self._refusals = Refusals()
        self._suffix = f"abkit_{secrets.token_hex(4)}"
        self._names: dict[str, str] = {}
        self._kept: list[DataFrame] = []
        self._opened: dict[str, Opened] = {}

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
        """Drop the views, and what is cached."""
        for frame in self._kept:
            frame.unpersist()
        for name in self._names.values():
            self._session.catalog.dropTempView(name)
        self._kept.clear()
        self._opened.clear()
        self._names.clear()

    @property
    def version(self) -> str:
        """What computes, such as "Spark 4.0.1"."""
        return f"Spark {self._session.version}"

    def open(self, name: str, table: Table, columns: Sequence[Column]) -> Collection[str]:
        """Make a table of the catalog, a Spark DataFrame or a path available to queries under `name`.

        Returns:
            The names of the columns that the table really has; the others are null.

        Raises:
            MissingColumnError: A required column is not there.
            EmptyDataError: A path has no data.
            AnalysisError: There is no such table.
        """
        with self._translated(table.label):
            frame = self._frame(table)
            types = dict(frame.dtypes)
            matches = match(table, columns, list(types))
            selection = select(
                matches,
                types,
                dialect=SparkDialect(lambda sql: self._type_of(sql, frame)),
                refusals=self._refusals,
                label=table.label,
            )
            times = {
                one.column.name: (one.source, types[one.source])
                for one in matches
                if one.source is not None and not one.path
            }
            self._opened[name] = Opened(frame, selection, times)
            self._view(name, self._opened[name].selected())
        return [one.column.name for one in matches if one.source is not None]

    def define(self, name: str, query: str, *, keep: bool = False) -> None:
        """Let later queries call the answer to this one `name`.

        Args:
            name: How queries call it.
            query: A select.
            keep: Cache it, when the first query reads it.
        """
        with self._translated("the data"):
            frame = self._asked(query)
            if keep:
                self._kept.append(frame.persist())
            self._view(name, frame)

    def rows(self, query: str) -> Sequence[Row]:
        """The answer to a query, by column name.

        Raises:
            AnalysisError: The query fails on these data; the message says why.
        """
        with self._translated("the data"):
            return [row.asDict() for row in self._asked(query).collect()]

    def repeats(self, name: str, column: str, *, share: float = 1.0) -> bool:  # noqa: ARG002
        """Whether some value (not null) stands twice in a column."""
        with self._translated("the data"):
            return some_repeat(self._session.table(self._names[name]), column)

    def meet(self, one: str, other: str, column: str) -> bool:
        """As `WritingEngine.meet`."""
        with self._translated("the data"):
            first, second = (self._session.table(self._names[name]) for name in (one, other))
            return some_stand_in_both(first, second, column)

    @property
    def dialect(self) -> str:
        """SQLGlot's name of the dialect."""
        return "spark"

    def name(self, name: str, query: str) -> None:
        """As `define`: a view, of which Spark reads what is needed."""
        self.define(name, query)

    def narrow(self, name: str, column: str, spans: Sequence[tuple[int, int]]) -> None:
        """As `WritingEngine.narrow`: where the time is a timestamp, Spark leaves out parts of files."""
        opened = self._opened[name]
        source, type_ = opened.times.get(column, ("", ""))
        if type_ == "timestamp":
            time = quoted(source, "spark")
            parts = (
                f"{time} >= timestamp_micros({begin}) and {time} < timestamp_micros({end})"
                for begin, end in spans
            )
            with self._translated("the data"):
                self._view(name, opened.selected(" or ".join(parts)))

    def materialize(self, name: str, query: str) -> None:
        """As `WritingEngine.materialize`, when the first query reads it.

        Spark writes each plan down as a text, with the plans of all that is cached within: of a store's, that
        is more than a driver holds. So it forgets what this was made of: if executors are lost that have it,
        the analysis fails.
        """
        with self._translated("the data"), settings(self._session, CUTTING_OFF):
            self._view(name, self._asked(query).localCheckpoint(eager=False))

    def columns(self, name: str) -> Sequence[str]:
        """The names of a table's columns."""
        with self._translated("the data"):
            return list(self._session.table(self._names[name]).columns)

    def create(self, table: str, query: str, *, days_of: str | None = None) -> None:
        """Make a table in the session's catalog of the answer to a query, which stays.

        Args:
            table: Its name, quoted.
            query: A select.
            days_of: A column of instants: each file has the rows of one day, and the column `DAY` says which.

        Raises:
            AnalysisError: It may not be written, or the query fails on these data.
        """
        with self._translated("a table that is to stay", "written"):
            frame = self._asked(query)
            if days_of is None:
                frame.write.saveAsTable(table)
                return
            day = f"date_from_unix_date(cast(floor({quoted(days_of, 'spark')} / {_DAY}) as int))"
            frame.selectExpr("*", f"{day} as {DAY}").write.partitionBy(DAY).saveAsTable(table)

    def drop(self, table: str) -> None:
        """Drop a table that was made by `create`.

        Raises:
            AnalysisError: It may not be dropped.
        """
        with self._translated("a table of a store", "dropped"):
            self._session.sql(f"drop table if exists {table}")

    def tables(self, schema: str, beginning: str) -> Sequence[str]:
        """The names of the tables of a schema of the catalog, without it.

        Args:
            schema: The schema.
            beginning: What these names begin with.

        Raises:
            AnalysisError: There is no such schema.
        """
        where = ".".join(quoted(part, "spark") for part in schema.split("."))
        with self._translated(f"the schema {schema}", "listed"):
            found = self._session.sql(f"show tables in {where} like '{beginning}*'").collect()
            return [row["tableName"] for row in found if not row["isTemporary"]]

    def _asked(self, query: str) -> "DataFrame":
        translation = translated(query, "spark", self._names, rewrite=join_by_hash)
        return self._session.sql(with_parts(translation.parts, translation.body))

    def _view(self, name: str, frame: "DataFrame") -> None:
        self._names[name] = f"{name}_{self._suffix}"
        frame.createOrReplaceTempView(self._names[name])

    def _frame(self, table: Table) -> "DataFrame":
        source: Any = table.source
        if hasattr(source, "selectExpr"):
            return source  # type: ignore[no-any-return]
        if not isinstance(source, str | Path):
            message = (
                f"{table.label} is not a table of Spark: give the name of a table, a Spark DataFrame "
                "or a path"
            )
            raise AnalysisError(message)
        if isinstance(source, str) and not is_path(source):
            return self._session.table(source)
        return read_path(self._session, str(source))

    def _type_of(self, sql: str, frame: "DataFrame") -> str | None:
        try:
            ((_, type_),) = frame.selectExpr(sql).dtypes
        except self._error:
            return None
        return type_

    @contextmanager
    def _translated(self, source: str, done: str = "analyzed") -> Iterator[None]:
        """Let no exception of Spark through."""
        try:
            with settings(self._session, EVERYWHERE):
                yield
        except self._error as error:
            refused = self._refusals.explained(str(error))
            message = f"{source} cannot be {done}: {_said(error)}"
            raise (refused or AnalysisError(message)) from error


def _said(error: Exception) -> str:
    """The first line of an error's message; of one of Java's, without where it was called."""
    lines = str(error).strip().splitlines()
    if type(error).__name__.startswith("Py4J"):
        lines = [line.removeprefix(": ") for line in lines[1:]] or lines
    return lines[0] if lines else type(error).__name__
