"""What units did on each day since their own first exposure, as sums. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from attrs import frozen

from abkit.analysis.statistics.standardizing import Strata
from abkit.experiments.declaring.metrics import Conversion, Metric, Sum, Total

DAY: timedelta = timedelta(days=1)
"""Day d of a unit is from d to d + 1 times 24 hours after its own first exposure."""

LENGTHS: tuple[int, ...] = (7, 14, 28)
"""Of these, in days, is the time whose two parts are compared. From two weeks on, each part has every day of
the week equally often."""

MOST_DAYS: int = LENGTHS[-1]

ENOUGH: float = 0.25
"""A longer time is taken once this share of all units has it behind it. An effect that halves in a week is
found in 14 days with a third of the units that 7 days need, and in 28 with 40% of those of 14."""


@frozen(kw_only=True)
class DailySums:
    """One metric by days since exposure.

    Attributes:
        metric: The metric.
        days: For each day from 0, for each phase, by variant, the sums of the units for which that day is
            over. Measures: the value of that day, and whether it is below 0.
        length: The days that the units of `halves` have behind them: one of `LENGTHS`.
        halves: For each phase, by variant, the sums of these units over the first `early_days(length)`
            days and over the others. Measures: as in `EARLY`, `LATE`, `BOTH`, `ACTIVE`.
        end: Up to when the data go, UTC.
    """

    metric: Metric
    days: tuple[Strata, ...]
    length: int
    halves: Strata
    end: datetime


EARLY: int = 0
"""The place of a measure of `DailySums.halves`: the sum of the first days."""

LATE: int = 1
"""That of the sum of the other days."""

BOTH: int = 2
"""That of the sum of all days."""

ACTIVE: int = 3
"""That of whether the sum of all days is above 0."""


def early_days(length: int) -> int:
    """How many days the first part of a time has: half of it, of 7 days 3."""
    return length // 2


def are_additive(metrics: Sequence[Metric]) -> tuple[Metric, ...]:
    """Those of the metrics whose value of a unit is made of its values of days.

    They are conversions (a unit does it on a day, or not), counts and sums, as they are before any limits
    and logarithm. Of a logarithm, of two conversions or more, and of what is no sum, days say nothing; nor of
    a metric with a delay, whose first days are empty.
    """
    return tuple(metric for metric in metrics if _is_additive(metric))


def _is_additive(metric: Metric) -> bool:
    match metric:
        case Conversion(delay=timedelta()) | Total(delay=timedelta()) | Sum(delay=timedelta()):
            return False
        case Conversion():
            return metric.times == 1
        case Total() | Sum():
            return not metric.log
        case _:
            return False


def chosen_length(units: Mapping[int, int], *, most: int = MOST_DAYS) -> int | None:
    """The time whose parts are compared: the longest that enough units have behind them.

    It is chosen by when the units came, never by what they did, so the choice favours no outcome.

    Args:
        units: How many units have so many whole days behind them, of all variants; none has more than
            `MOST_DAYS`.
        most: How many days after its exposure a unit's actions count.

    Returns:
        None where no unit has the shortest time behind it.
    """
    total = sum(units.values())
    possible = [length for length in LENGTHS if length <= most]
    for length in reversed(possible):
        having = sum(count for days, count in units.items() if days >= length)
        if having and (having >= ENOUGH * total or length == LENGTHS[0]):
            return length
    return None
