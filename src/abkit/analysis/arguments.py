"""What callers pass to an analysis: likely mistakes are refused with what would be right."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from difflib import get_close_matches
from functools import wraps
from types import MappingProxyType
from typing import Any, TypeVar

import attrs

from abkit.errors import AnalysisError, ArgumentError
from abkit.events import variant_text
from abkit.experiments.declaring.metrics import Metric, with_roles

Kind = TypeVar("Kind", bound=type)

_MEANT = {
    "actual": "actions",
    "alpha": "confidence",
    "before": "until",
    "begin": "start",
    "end": "until",
    "ends": "until",
    "from_": "start",
    "since": "start",
    "starts": "start",
    "stop": "until",
    "to": "until",
}
"""Words that others use for an argument."""


def arguments_checked(elsewhere: Mapping[str, str]) -> Callable[[Kind], Kind]:
    """Make a class refuse an unknown keyword with the one that may have been meant.

    Args:
        elsewhere: By a keyword that is not the class's, where to say it instead.
    """

    def checked(kind: Kind) -> Kind:
        init: Callable[..., None] = kind.__init__  # type: ignore[misc]
        known = [field.alias or field.name for field in attrs.fields(kind)]

        @wraps(init)
        def checking(self: object, *args: Any, **keywords: Any) -> None:
            for name in keywords:
                if name not in known:
                    raise ArgumentError(kind.__name__, _unknown(name, known, elsewhere))
            init(self, *args, **keywords)

        kind.__init__ = checking  # type: ignore[misc]
        return kind

    return checked


def _unknown(name: str, known: Sequence[str], elsewhere: Mapping[str, str]) -> str:
    if name in elsewhere:
        return f"has no argument {name!r}: {elsewhere[name]}"
    meant = _MEANT.get(name)
    close = [meant] if meant in known else get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(known)}"
    return f"has no argument {name!r}; {hint}"


def metrics(value: Metric | Sequence[Metric]) -> tuple[Metric, ...]:
    """The metrics that a caller gives, with their roles; one alone will do.

    Raises:
        AnalysisError: They are not metrics.
    """
    if isinstance(value, Metric):
        return with_roles([value])
    given: object = value
    several = not isinstance(given, str | Mapping) and isinstance(given, Iterable)
    found: tuple[Any, ...] = tuple(value) if several else (given,)
    for each in found:
        if not isinstance(each, Metric):
            column = each if isinstance(each, str) else "revenue"
            message = (
                f"metrics must be metrics, such as [Mean({column!r})] or [Conversion({column!r})], "
                f"not {each!r}"
            )
            raise AnalysisError(message)
    return with_roles(found)


def shares(value: Mapping[Any, float]) -> Mapping[str, float]:
    """The designed share of each variant, as a caller gives them; variants become text.

    Raises:
        AnalysisError: They are not shares by variant.
    """
    numbers = isinstance(value, Mapping) and all(map(_is_share, value.values()))
    if not numbers or (value and not sum(value.values()) > 0):
        message = (
            "weights must be the designed share of each variant, such as "
            f"{{'control': 0.5, 'treatment': 0.5}}, not {value!r}"
        )
        raise AnalysisError(message)
    return MappingProxyType({variant_text(variant): share for variant, share in value.items()})


def _is_share(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 <= float(value) < float("inf")  # type: ignore[arg-type]


def by_metric(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    """Refuse what is not given by the names of metrics.

    Raises:
        AnalysisError: It is no mapping.
    """
    if not isinstance(value, Mapping):
        message = (
            f"{attribute.name} must be given by the name of a metric, such as {{'revenue': ...}}, "
            f"not {value!r}"
        )
        raise AnalysisError(message)


def moment(value: datetime | date | str | None) -> datetime | date | None:
    """A date or a time, as a caller gives it; a text in ISO 8601 will do.

    Raises:
        AnalysisError: It is neither.
    """
    if value is None or isinstance(value, date):
        return value
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        message = (
            "start and until must be a date or a time, such as '2026-11-02', "
            f"'2026-11-02T09:30+01:00' or datetime(2026, 11, 2), not {value!r}"
        )
        raise AnalysisError(message) from None


def utc(when: datetime | date) -> datetime:
    """The time in UTC; without a zone it is that already, and a date is its midnight."""
    if not isinstance(when, datetime):
        return datetime(when.year, when.month, when.day, tzinfo=UTC)
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
