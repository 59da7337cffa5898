"""How old what is shown is, in words: pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from abkit.panel.reading import Reading

_MINUTE = timedelta(minutes=1)


def age(reading: Reading, now: datetime) -> str:
    """How old what was read is; empty if nothing was."""
    if reading.made is None:
        return ""
    said = f"read {_ago(now - reading.made)}"
    seen = reading.tried or reading.made
    if not reading.problem and seen - reading.made - reading.took >= _MINUTE:
        return f"{said}; no new events since"
    return said


def oldest(readings: Iterable[Reading], now: datetime) -> str:
    """How long ago it was last seen what the events say, where that is longest ago; empty if it never was."""
    seen = [each.tried or each.made for each in readings if each.made is not None]
    found = min(filter(None, seen), default=None)
    return "" if found is None else _ago(now - found)


def _ago(time: timedelta) -> str:
    minutes = int(time / _MINUTE)
    if minutes < 1:
        return "just now"
    number, unit = (minutes, "minute") if minutes < 60 else (minutes // 60, "hour")
    return f"{number} {unit}{'s' if number > 1 else ''} ago"
