"""Values as JSON knows them."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from enum import Enum
from math import isfinite

import attrs


def plain(value: object) -> object:
    """A value as JSON knows it.

    What is infinite or no number is null, a time is ISO 8601, a length of time its seconds, a value
    class its attributes; what is none of these is its text.
    """
    match value:
        case Enum():
            return value.value
        case None | bool() | int() | str():
            return value
        case float():
            return finite(value)
        case date():  # a datetime is one
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case _:
            return _composed(value)


def _composed(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    kind = type(value)
    if attrs.has(kind):
        return {
            field.alias or field.name: plain(getattr(value, field.name))
            for field in attrs.fields(kind)
        }
    if isinstance(value, Iterable):
        return [plain(each) for each in value]
    return str(value)


def finite(value: float) -> float | None:
    """A number; None where it is infinite or none."""
    return float(value) if isfinite(value) else None
