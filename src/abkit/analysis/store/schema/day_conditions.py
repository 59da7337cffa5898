"""Which day an event is of, and whether it is of some days, as SQL. Days are those of UTC."""

from collections.abc import Collection, Sequence

from abkit.analysis.query.periods import microseconds, period
from abkit.analysis.statistics.days import DAY

NO_DAY = -1_000_000_000
"""The day of what has no time."""

_DAY = microseconds(DAY)


def day_of(time: str) -> str:
    """The number of the day since 1970 that an instant lies in.

    Args:
        time: The instant, as SQL; as in all of these.
    """
    return f"coalesce({period(time, _DAY)}, {NO_DAY})"


def is_among(time: str, days: Collection[int]) -> str:
    """Whether it is in one of some days: as ranges, which tell a database what it need not read."""
    found = [f"({time} >= {begin} and {time} < {end})" for begin, end in spans(days)]
    found += [f"{time} is null"] if NO_DAY in days else []
    return f"({' or '.join(found)})"


def is_not_among(time: str, days: Collection[int]) -> str:
    """Whether it is in another day than these."""
    found = [f"({time} < {begin} or {time} >= {end})" for begin, end in spans(days)]
    others = " and ".join(found) or "1 = 1"
    return f"({others})" if NO_DAY in days else f"({time} is null or ({others}))"


def spans(days: Collection[int]) -> Sequence[tuple[int, int]]:
    """From when to when some days are, in microseconds since 1970; what has no time is in none."""
    found = list[tuple[int, int]]()
    for day in sorted({*days} - {NO_DAY}):
        begin, end = day * _DAY, (day + 1) * _DAY
        if found and found[-1][1] == begin:
            begin, _ = found.pop()
        found.append((begin, end))
    return found
