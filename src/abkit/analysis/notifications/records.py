"""The alert state as JSON: each firing alert, since when, and who has been notified."""

from collections.abc import Iterable
from datetime import datetime

from abkit.analysis.notifications.alert_state import AlertState, FiringAlert
from abkit.errors import ConfigError


def to_records(state: AlertState) -> list[dict[str, object]]:
    """The state as JSON values, in a fixed order. The keys are those that earlier versions have written."""
    return [
        {
            "condition": list(key),
            "since": firing.since.isoformat(),
            "told": sorted(firing.notified),
        }
        for key, firing in sorted(state.items())
    ]


def from_records(records: object, *, where: str) -> AlertState:
    """The state that `to_records` has written.

    Args:
        records: What was read.
        where: The file or table, for the message.

    Raises:
        ConfigError: It is something else.
    """
    try:
        return dict(map(_firing_alert, _listed(records)))
    except (KeyError, TypeError, ValueError):
        raise ConfigError(not_a_state(where)) from None


def not_a_state(where: str) -> str:
    """What is wrong with content that no state has, and what to do."""
    return (
        f"{where} is not a state of notifications. Name another one, or move it away: "
        "all alerts that fire are then sent again."
    )


def _listed(records: object) -> Iterable[object]:
    if not isinstance(records, list):
        raise TypeError
    return records


def _firing_alert(record: object) -> tuple[tuple[str, ...], FiringAlert]:
    if not isinstance(record, dict):
        raise TypeError
    key, told = record["condition"], record["told"]
    texts = isinstance(key, list) and isinstance(told, list)
    if not texts or not key or not all(isinstance(text, str) for text in (*key, *told)):
        raise TypeError
    since = datetime.fromisoformat(record["since"])
    return tuple(key), FiringAlert(since=since, notified=frozenset(told))
