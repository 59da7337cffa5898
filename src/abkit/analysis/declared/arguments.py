"""What callers pass to an analysis: likely mistakes are refused with what would be right."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from re import fullmatch
from types import MappingProxyType
from typing import Any

from abkit.errors import AnalysisError
from abkit.events import variant_text
from abkit.experiments.declaring.metrics import Metric, with_roles


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


_LENGTHS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def length_of(text: str) -> timedelta | None:
    """A length of time with its unit, such as 7d, 24h or 2w; None if the text is none."""
    found = fullmatch(r"(\d{1,5}(?:\.\d+)?)([hdw])", text.strip())
    return None if found is None else float(found[1]) * _LENGTHS[found[2]]


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
