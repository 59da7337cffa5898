"""From stored exposures and actions, or a table of units, to a verdict.

The concepts: docs/concepts/analysis.md.
"""

from collections.abc import Callable
from typing import Any

from abkit.analysis.analysis import Analysis, read_together
from abkit.analysis.declared.design import Design
from abkit.analysis.declared.holdout import holdout_design
from abkit.analysis.reading.sources import Table
from abkit.analysis.result import Result
from abkit.analysis.statistics.aggregates import Moments
from abkit.analysis.store.place import Store
from abkit.analysis.sums import SumsAnalysis
from abkit.analysis.units import UnitsAnalysis
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.exclusion import BOTS, Exclusion
from abkit.former_names import former_names

__all__ = [
    "BOTS",
    "Analysis",
    "AnalysisPlan",
    "Design",
    "Exclusion",
    "Moments",
    "Result",
    "Store",
    "SumsAnalysis",
    "Table",
    "UnitsAnalysis",
    "holdout_design",
    "read_together",
]

__getattr__: Callable[[str], Any] = former_names(
    globals(), {"Plan": "Design", "Settings": "AnalysisPlan"}
)
