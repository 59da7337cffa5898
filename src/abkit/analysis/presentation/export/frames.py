"""The rows of a result as a frame of the library that is at hand."""

from typing import TYPE_CHECKING, Any

from abkit.analysis.presentation.export.rows import COLUMNS, rows
from abkit.extras import extra

if TYPE_CHECKING:
    from abkit.analysis.outcome import Outcome


def to_frame(result: "Outcome") -> Any:
    """One row for each metric and variant: a pandas frame, else a Polars one, else an Arrow table.

    The first of these libraries that is installed makes it. The columns are those of the CSV; texts
    are as they are, without the apostrophes that keep spreadsheets from running them.

    Raises:
        MissingExtraError: None of the three is installed.
    """
    found = rows(result)
    columns = {column: [row[column] for row in found] for column in COLUMNS}
    try:
        import pandas as pd
    except ImportError:
        return _without_pandas(columns)
    return pd.DataFrame(columns)


def _without_pandas(columns: dict[str, list[Any]]) -> Any:
    try:
        import polars as pl
    except ImportError:
        pass
    else:
        return pl.DataFrame(columns)
    with extra("files"):
        import pyarrow as pa
    return pa.table(columns)
