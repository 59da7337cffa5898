"""How many units an experiment reaches a day: pure."""

from datetime import UTC, date, time, timedelta
from itertools import pairwise

from attrs import frozen

from abkit.analysis.findings.cumulative import CumulativeUnits

WEEK = 7
"""The mean is that of so many days at most, so that no day of the week counts twice."""


@frozen(kw_only=True)
class DailyUnits:
    """How many units are exposed for the first time a day, of all variants.

    Attributes:
        units: The mean over the days.
        first: The first of these days, UTC.
        last: The last one.
        days: How many days these are, from 1 to 7.
    """

    units: float
    first: date
    last: date
    days: int


def daily_units(curve: CumulativeUnits) -> DailyUnits | None:
    """The mean of the last seven whole days, or of as many as there are.

    The day of the first exposure is no whole one, nor is one that is not over yet.

    Returns:
        None if there is no whole day, or these days have no new units: the experiment reaches none any more.
    """
    totals = [sum(each) for each in zip(*curve.units.values(), strict=True)]
    over: dict[date, int] = {}
    for number, (end, total) in enumerate(zip(curve.ends, totals, strict=True)):
        moment = end.astimezone(UTC)
        is_over = curve.complete or number < len(totals) - 1
        if moment.time() == time(0) and is_over:
            over[(moment - timedelta(days=1)).date()] = total
    days = list(over)
    found = [
        (day, over[day] - over[before])
        for before, day in pairwise(days)
        if day - before == timedelta(days=1)
    ][-WEEK:]
    reached = sum(units for _, units in found)
    if not reached:
        return None
    return DailyUnits(
        units=reached / len(found),
        first=found[0][0],
        last=found[-1][0],
        days=len(found),
    )
