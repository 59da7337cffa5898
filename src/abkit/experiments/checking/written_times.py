"""The times in the histories of the lock: how they are written and read. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def written_time(at: datetime) -> str:
    """The text of a time."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


def time_of(state: Mapping[str, Any]) -> datetime:
    """When a state was written down, UTC; a time without a zone, as after an edit by hand, is that already.

    Raises:
        ValueError: It has no time, or one of another form.
    """
    said = state.get("at")
    try:
        at = datetime.fromisoformat(said)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        message = f'`at` must be a time such as "2026-11-22T09:30:00+00:00", not {said!r}'
        raise ValueError(message) from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
