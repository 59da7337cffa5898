"""The rows of a result as a frame of the library that is at hand."""

from typing import TYPE_CHECKING, Any

from abkit.analysis.presentation.export.rows import COLUMNS, rows
from abkit.errors import MissingExtraError

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
    except ModuleNotFoundError:
        return _without_pandas(columns)
    return pd.DataFrame(columns)


def _without_pandas(columns: dict[str, list[Any]]) -> Any:
    try:
        import polars as pl
    except ModuleNotFoundError:
        pass
    else:
        return pl.DataFrame(columns)
    try:
        import pyarrow as pa
    except ModuleNotFoundError as error:
        raise MissingExtraError("pandas, polars or pyarrow", "files") from error
    return pa.table(columns)
