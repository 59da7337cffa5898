"""The charts of a result: one definition of each, for the report, for notebooks and as pictures."""

from abkit.analysis.presentation.charts.collection import Charts
from abkit.analysis.presentation.charts.theme import PAGE, PAPER, Size, Theme

__all__ = ["PAGE", "PAPER", "Charts", "Size", "Theme"]
