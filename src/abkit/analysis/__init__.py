"""From stored exposures and actions, or a table of units, to a verdict.

The concepts: docs/concepts/analysis.md.
"""

import warnings
from typing import Any

from abkit.analysis.analysis import Analysis
from abkit.analysis.declared.design import Design
from abkit.analysis.reading.sources import Table
from abkit.analysis.result import Result
from abkit.analysis.statistics.aggregates import Moments
from abkit.analysis.sums import SumsAnalysis
from abkit.analysis.units import UnitsAnalysis
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.exclusion import BOTS, Exclusion

__all__ = [
    "BOTS",
    "Analysis",
    "AnalysisPlan",
    "Design",
    "Exclusion",
    "Moments",
    "Result",
    "SumsAnalysis",
    "Table",
    "UnitsAnalysis",
]

_FORMER = {"Plan": Design, "Settings": AnalysisPlan}


def __getattr__(name: str) -> Any:
    if name not in _FORMER:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    now = _FORMER[name]
    warnings.warn(
        f"abkit.analysis.{name} is now {now.__name__}; the former name ends with abkit 0.2",
        DeprecationWarning,
        stacklevel=2,
    )
    return now
