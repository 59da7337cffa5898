"""Events in the form that analytics tools expect: who did what, with which properties."""

import json
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from abkit.events import EXPOSURE_EVENT, Event, Exposure
from abkit.sinks.records import Record, action_record, exposure_record

PERSONS = frozenset({"user", "actor"})
"""The types of units that are users, and no groups."""

_OF_EXPOSURES = ("experiment", "salt", "unit_type", "unit_id", "variant", "weights")


@frozen(kw_only=True)
class Track:
    """One event; its texts are valid Unicode, its properties plain JSON.

    Attributes:
        name: What was done; "Triggered Experiment" for an exposure.
        insert_id: The event's.
        user_id: Who did it; None if it was no user.
        device_id: Stands in where there is no user: the unit or the first group, such as "org:42"; None
            if there is none of them either.
        groups: The groups by their kind; that of the unit comes first.
        properties: The event's; those of an exposure besides.
    """

    name: str
    insert_id: str
    user_id: str | None
    device_id: str | None
    groups: Mapping[str, str]
    properties: Mapping[str, Any]


def track(event: Event) -> Track:
    """The event as an analytics destination sees it."""
    if isinstance(event, Exposure):
        return _exposed(exposure_record(event))
    return _acted(action_record(event))


def _exposed(record: Record) -> Track:
    unit_type, unit_id = str(record["unit_type"]), str(record["unit_id"])
    user_id, groups = _text(record["user_id"]), _groups(record)
    is_person = unit_type in PERSONS
    if user_id is None and is_person:
        user_id = unit_id
    return Track(
        name=EXPOSURE_EVENT,
        insert_id=str(record["insert_id"]),
        user_id=user_id,
        device_id=f"{unit_type}:{unit_id}" if user_id is None else None,
        groups=groups if is_person else {unit_type: unit_id, **groups},
        properties=_properties(record)
        | {name: record[name] for name in _OF_EXPOSURES if record[name] is not None},
    )


def _acted(record: Record) -> Track:
    user_id, groups = _text(record["user_id"]), _groups(record)
    first = next((f"{kind}:{group}" for kind, group in groups.items()), None)
    return Track(
        name=str(record["action"]),
        insert_id=str(record["insert_id"]),
        user_id=user_id,
        device_id=first if user_id is None else None,
        groups=groups,
        properties=_properties(record),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _groups(record: Record) -> dict[str, str]:
    groups = record["groups"]
    return groups if isinstance(groups, dict) else {}


def _properties(record: Record) -> dict[str, Any]:
    # Through JSON and back, so that only what JSON can say is left.
    text = record["properties"]
    properties: dict[str, Any] = json.loads(str(text)) if text else {}
    return properties
