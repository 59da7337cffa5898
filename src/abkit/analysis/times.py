"""How times are written: looks at the end of a day or an hour, and time frames. All are UTC."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta


def daily(ends: Sequence[datetime]) -> bool:
    """Whether looks are at the ends of days; else of hours."""
    return all(_utc(end).hour == 0 and _utc(end).minute == 0 for end in ends)


def place(end: datetime, *, by_day: bool) -> datetime:
    """Where a look stands on an axis: a day at its beginning, an hour at its end."""
    return _utc(end) - timedelta(days=1) if by_day else _utc(end)


def look(end: datetime, *, by_day: bool) -> str:
    """A look's day, such as "2026-11-02", or the end of its hour."""
    where = place(end, by_day=by_day)
    return f"{where:%Y-%m-%d}" if by_day else f"{where:%Y-%m-%d %H:%M}"


def within(moment: datetime, *, by_day: bool) -> str:
    """The day that a moment lies in, or the hour; midnight is the end of a day."""
    if by_day:
        return f"{_utc(moment) - timedelta(microseconds=1):%Y-%m-%d}"
    return f"{_utc(moment):%Y-%m-%d %H:00}"


def frame(bounds: tuple[datetime | None, datetime | None]) -> str | None:
    """A time frame in words; None if it is open at both ends."""
    start, until = bounds
    parts: list[str] = []
    if start is not None:
        parts.append(f"from {_moment(start)}")
    if until is not None:
        parts.append(f"until {_moment(until)}")
    return f"{' '.join(parts)} UTC" if parts else None


def period(bounds: tuple[datetime, datetime]) -> str:
    """When units were exposed, in UTC days, such as "2026-11-02 to 2026-11-15 (14 days)"."""
    first, last = map(_utc, bounds)
    days = (last.date() - first.date()).days + 1
    if days == 1:
        return f"{first:%Y-%m-%d} (1 day)"
    return f"{first:%Y-%m-%d} to {last:%Y-%m-%d} ({days} days)"


def day(time: datetime) -> str:
    """The UTC day of a moment, such as "2026-11-02"."""
    return f"{_utc(time):%Y-%m-%d}"


def made(time: datetime) -> str:
    """When something was computed, such as "2026-11-16 09:30 UTC"."""
    return f"{_utc(time):%Y-%m-%d %H:%M} UTC"


def duration(span: timedelta) -> str:
    """A length of time, such as "14 days"."""
    if span < timedelta(minutes=1):
        return _many(span / timedelta(seconds=1), "second")
    if span < timedelta(hours=1):
        return _many(span / timedelta(minutes=1), "minute")
    hours = span / timedelta(hours=1)
    if hours >= 48 or hours == 24:
        return _many(hours / 24, "day")
    return _many(hours, "hour")


def _many(count: float, unit: str) -> str:
    return f"{count:g} {unit}{'' if count == 1 else 's'}"


def spread(count: int, *, at_most: int) -> list[int]:
    """Indices from first to last, evenly spread."""
    if count <= at_most:
        return list(range(count))
    return [round(i * (count - 1) / (at_most - 1)) for i in range(at_most)]


def _moment(time: datetime) -> str:
    utc = _utc(time)
    midnight = utc == utc.replace(hour=0, minute=0, second=0, microsecond=0)
    return f"{utc:%Y-%m-%d}" if midnight else f"{utc:%Y-%m-%d %H:%M}"


def _utc(time: datetime) -> datetime:
    """A time without a zone is UTC already."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
