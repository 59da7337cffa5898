"""What the report says of every two variants: a table for each metric."""

from typing import TYPE_CHECKING

from abkit.analysis.presentation.bars import interval_bars
from abkit.analysis.presentation.report.segments import BarTable

if TYPE_CHECKING:
    from abkit.analysis.outcome import Outcome


def pair_tables(result: "Outcome", *, width: float) -> list[BarTable]:
    """The pairs of each metric, in the order of the result.

    Args:
        result: The result of an analysis.
        width: Of a bar's canvas.
    """
    tables = []
    for metric in dict.fromkeys(pair.metric for pair in result.pairs):
        founds = tuple(pair.found for pair in result.pairs if pair.metric == metric)
        tables.append(BarTable(founds=founds, bars=interval_bars(founds, width=width)))
    return tables
