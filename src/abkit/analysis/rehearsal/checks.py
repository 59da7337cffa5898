"""Histories on which nothing can be rehearsed, and why. Pure."""

from math import ceil

from abkit.analysis.amounts import amount, listed
from abkit.analysis.declared.design import Design
from abkit.analysis.findings.metric_result import MINIMUM_UNITS
from abkit.analysis.query.layout import actions_of
from abkit.analysis.rehearsal.history import History
from abkit.errors import AnalysisError
from abkit.experiments.declaring.metrics import (
    ActionMetric,
    Average,
    Distinct,
    Metric,
    Quantile,
    Sum,
)

_ROUNDING = 1e-6
"""A half of all hashes is no half to the last digit."""

MOST_SPLITS = 5_000
"""Of so many, the share of false alarms is known to less than a percentage point."""

_LISTED = 10
"""So many names of actions are told."""


def check_splits(splits: int) -> None:
    """Refuse a number of splits of which nothing follows, or that no memory holds.

    Raises:
        AnalysisError: It is one.
    """
    if not 2 <= splits <= MOST_SPLITS:
        message = f"splits must be 2 to {MOST_SPLITS:,}, not {splits!r}"
        raise AnalysisError(message)


def check_deciding(design: Design) -> None:
    """Refuse a deciding metric that splits say nothing of.

    Raises:
        AnalysisError: It is a quantile.
    """
    if design.metrics and isinstance(design.deciding, Quantile):
        message = (
            f"{design.deciding.name!r} decides and is a Quantile, which is not made of sums over units: its "
            "splits cannot be made in one pass. Rehearse an experiment in which another metric decides"
        )
        raise AnalysisError(message)


def check_size(history: History, design: Design) -> None:
    """Refuse a history whose arms would be too small to be compared.

    Raises:
        AnalysisError: It is one.
    """
    smallest = min(design.weights.values()) / sum(design.weights.values())
    least = ceil(MINIMUM_UNITS / smallest - _ROUNDING)
    if history.units < least:
        message = (
            f"Only {amount(history.units, design.unit_type)} did anything in these days: of fewer than "
            f"{least:,}, an arm has fewer than {MINIMUM_UNITS}, and nothing is compared. Take more days"
        )
        raise AnalysisError(message)


def check_done(history: History) -> None:
    """Refuse a metric that is 0 for all units.

    Raises:
        AnalysisError: There is one.
    """
    for place, part in enumerate(history.layout.parts):
        if not history.values[:, place].any():
            message = f"{part.name} is 0 for {amount(history.units, 'unit')}: {_why(part, history)}"
            raise AnalysisError(message)


def _why(part: Metric, history: History) -> str:
    needed = dict.fromkeys(actions_of(part))
    never = [repr(action) for action in needed if action not in history.actions]
    if never:
        known = listed(history.actions[:_LISTED])
        return (
            f"nobody did {listed(never)}. What units did is {known}; check the name, or rehearse without "
            "this metric"
        )
    if isinstance(part, ActionMetric) and part.where is not None:
        return (
            f"none of {listed([repr(name) for name in needed])} that it would count fulfils {part.where!r}. "
            "Check the condition, or rehearse without this metric"
        )
    if isinstance(part, Sum | Average):
        return (
            f"no {part.action!r} has a number other than 0 as its {part.property!r}. Check the property, or "
            "rehearse without this metric"
        )
    if isinstance(part, Distinct):
        return (
            f"no {part.action!r} has a {part.property!r}. Check the property, or rehearse without "
            "this metric"
        )
    return (
        f"what units did in these days ({listed([repr(name) for name in needed])}) is never what it counts. "
        "Take more days, or look at the plan's window"
    )
