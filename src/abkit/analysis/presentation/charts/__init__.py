"""The charts of a result, in Altair: for notebooks, as pictures, and in the report."""

from abkit.analysis.presentation.charts.collection import Charts
from abkit.analysis.presentation.charts.theme import PAGE, PAPER, Size, Theme

__all__ = ["PAGE", "PAPER", "Charts", "Size", "Theme"]
