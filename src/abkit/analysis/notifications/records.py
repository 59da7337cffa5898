"""A state as JSON: a list of what holds, each with the time of its onset and who was told."""

from collections.abc import Iterable
from datetime import datetime

from abkit.analysis.notifications.alert_state import Onset, State
from abkit.errors import ConfigError


def to_records(state: State) -> list[dict[str, object]]:
    """JSON-ready, in a fixed order."""
    return [
        {
            "condition": list(key),
            "since": onset.since.isoformat(),
            "told": sorted(onset.told),
        }
        for key, onset in sorted(state.items())
    ]


def from_records(records: object, *, where: str) -> State:
    """The state that `to_records` has written.

    Args:
        records: What was read.
        where: The file or table, for the message.

    Raises:
        ConfigError: It is something else.
    """
    try:
        return dict(map(_onset, _listed(records)))
    except (KeyError, TypeError, ValueError):
        raise ConfigError(not_a_state(where)) from None


def not_a_state(where: str) -> str:
    """What is wrong with content that no state has, and what to do."""
    return (
        f"{where} is not a state of notifications. Name another one, or move it away: "
        "whatever holds is then told again."
    )


def _listed(records: object) -> Iterable[object]:
    if not isinstance(records, list):
        raise TypeError
    return records


def _onset(record: object) -> tuple[tuple[str, ...], Onset]:
    if not isinstance(record, dict):
        raise TypeError
    key, told = record["condition"], record["told"]
    texts = isinstance(key, list) and isinstance(told, list)
    if not texts or not key or not all(isinstance(text, str) for text in (*key, *told)):
        raise TypeError
    since = datetime.fromisoformat(record["since"])
    return tuple(key), Onset(since=since, told=frozenset(told))
