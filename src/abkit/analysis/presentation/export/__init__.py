"""A result for other programs: JSON-ready values, rows for tables, frames."""

from abkit.analysis.presentation.export.document import to_dict
from abkit.analysis.presentation.export.frames import to_frame
from abkit.analysis.presentation.export.rows import COLUMNS, rows, to_csv

__all__ = ["COLUMNS", "rows", "to_csv", "to_dict", "to_frame"]
