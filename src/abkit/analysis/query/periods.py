"""Times and lengths of time, as the queries have them: whole microseconds, UTC."""

from datetime import timedelta

_SECOND = 1_000_000


def microseconds(length: timedelta) -> int:
    """A length of time in microseconds."""
    return round(length.total_seconds() * _SECOND)


def period(column: str, length: int) -> str:
    """The number of the day or hour since 1970 that an instant lies in, as SQL."""
    return f"cast(floor(cast({column} as double) / {float(length)}) as bigint)"
