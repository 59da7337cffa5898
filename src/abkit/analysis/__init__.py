"""From stored exposures and actions, or a table of units, to a verdict.

The concepts: docs/concepts/analysis.md.
"""

from abkit.analysis.aggregates import Moments
from abkit.analysis.analysis import Analysis
from abkit.analysis.plan import Plan
from abkit.analysis.query.exclusion import BOTS, Exclusion
from abkit.analysis.reading.sources import Table
from abkit.analysis.result import Result
from abkit.analysis.settings import Settings
from abkit.analysis.units import SumsAnalysis, UnitsAnalysis

__all__ = [
    "BOTS",
    "Analysis",
    "Exclusion",
    "Moments",
    "Plan",
    "Result",
    "Settings",
    "SumsAnalysis",
    "Table",
    "UnitsAnalysis",
]
