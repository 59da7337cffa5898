"""What the analysis asks of a database."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from abkit.analysis.reading.columns import Column
from abkit.analysis.reading.sources import Table

Row = Mapping[str, object]


class Engine(Protocol):
    """Where the tables are and the queries run.

    Queries are in a small part of DuckDB's dialect that every engine has or that SQLGlot translates:
    bigint, double and text columns; joins, groups, windows, `case`, `coalesce`, `union all`. What is
    special about a foreign table ends at `open`.
    """

    @property
    def version(self) -> str:
        """What computes, such as "DuckDB 1.4.2"."""
        ...

    def open(self, name: str, table: Table, columns: Sequence[Column]) -> Collection[str]:
        """Make a table available to queries under `name`, with exactly these columns.

        Returns:
            The names of the columns that the table really has; the others are null.

        Raises:
            MissingColumnError: A required column is not there.
            EmptyDataError: A file is empty.
            AnalysisError: There is no such table, or it is not what it says.
        """
        ...

    def define(self, name: str, query: str, *, keep: bool = False) -> None:
        """Let later queries call the answer to this one `name`.

        Args:
            name: How queries call it.
            query: A select.
            keep: Compute it once, because several queries read it; where the engine may not write, it
                is computed each time.
        """
        ...

    def rows(self, query: str) -> Sequence[Row]:
        """The answer to a query, by column name."""
        ...

    def repeats(self, name: str, column: str, *, share: float = 1.0) -> bool:
        """Whether some value (not null) stands twice in a column. True if that is dear to find out.

        Args:
            name: The table.
            column: Its column.
            share: The share of the values, by their hashes, that must be looked at.
        """
        ...

    def close(self) -> None:
        """Forget all tables; what the caller gave stays open."""
        ...


def integer(row: Row, column: str) -> int:
    """A count in an answer; 0 where there is none."""
    value = row.get(column)
    return int(value) if isinstance(value, int | float) else 0
