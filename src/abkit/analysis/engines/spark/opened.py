"""A table as Spark has opened it for queries."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from abkit.analysis.engines.dialects.base import Selection

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@frozen
class Opened:
    """A table that was opened.

    Attributes:
        frame: The table itself.
        selection: What queries see of it.
        times: By the names of queries, columns of the table itself and their types.
    """

    frame: "DataFrame"
    selection: Selection
    times: Mapping[str, tuple[str, str]]

    def selected(self, where: str = "") -> "DataFrame":
        """What queries see.

        Args:
            where: Which rows, by the columns of the table itself; nothing: all.
        """
        frame = self.frame.where(where) if where else self.frame
        return frame.selectExpr(*self.selection.values).selectExpr(*self.selection.columns)
