"""Events in the form that analytics tools expect: who did what, with which properties, and who is who."""

import json
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from abkit.events import EXPOSURE_EVENT, Action, Exposure, Identity
from abkit.sinks.records import Record, action_record, exposure_record, identity_record

PERSONS = frozenset({"user", "actor"})
"""The types of units that are users, and no groups."""

VISITOR = "visitor"
"""The type of units that are devices: analytics tools know whoever is not signed in by an anonymous id."""

_OF_EXPOSURES = ("experiment", "salt", "unit_type", "unit_id", "variant", "weights")


@frozen(kw_only=True)
class Track:
    """One event; its texts are valid Unicode, its properties plain JSON.

    Attributes:
        name: What was done; "Triggered Experiment" for an exposure.
        insert_id: The event's.
        user_id: Who did it; None if it was no user.
        device_id: The visitor. If there is neither a visitor nor a user, the unit or the first group stands
            in, such as "org:42"; None if there is none of them either.
        groups: The groups by their kind; that of the unit comes first.
        properties: The event's; those of an exposure besides.
    """

    name: str
    insert_id: str
    user_id: str | None
    device_id: str | None
    groups: Mapping[str, str]
    properties: Mapping[str, Any]


@frozen(kw_only=True)
class Link:
    """Two ids that belong together: a visitor and a user, or one of them and a group.

    Attributes:
        insert_id: The identity's.
        user_id: The user; None if it is about a visitor and a group.
        device_id: The visitor; None if it is about a user and a group.
        groups: The group by its kind; empty if it is about a visitor and a user.
    """

    insert_id: str
    user_id: str | None
    device_id: str | None
    groups: Mapping[str, str]


def link(identity: Identity) -> Link | str:
    """The identity as an analytics destination sees it; or why none has a word for it."""
    record = identity_record(identity)
    from_type, to_type = str(record["from_type"]), str(record["to_type"])
    groups = {from_type: str(record["from_id"]), to_type: str(record["to_id"])}
    if not all(groups.values()):
        return "one of its ids is empty"
    users = [groups.pop(kind) for kind in PERSONS if kind in groups]
    visitor = groups.pop(VISITOR, None)
    user_id = users[0] if users else None
    named = [name for name in (user_id, visitor, *groups.values()) if name is not None]
    if len(named) != 2 or len(groups) == 2:
        return (
            "only a visitor and a user, or either of them and a group, can be told to belong together, "
            f"not {from_type!r} and {to_type!r}"
        )
    return Link(
        insert_id=str(record["insert_id"]), user_id=user_id, device_id=visitor, groups=groups
    )


def track(event: Exposure | Action) -> Track:
    """The event as an analytics destination sees it."""
    if isinstance(event, Exposure):
        return _exposed(exposure_record(event))
    return _acted(action_record(event))


def _exposed(record: Record) -> Track:
    unit_type, unit_id = str(record["unit_type"]), str(record["unit_id"])
    user_id, groups = _text(record["user_id"]), _groups(record)
    if unit_type not in PERSONS:
        groups = {unit_type: unit_id, **groups}
    elif user_id is None:
        user_id = unit_id
    visitor = groups.pop(VISITOR, None)
    return Track(
        name=EXPOSURE_EVENT,
        insert_id=str(record["insert_id"]),
        user_id=user_id,
        device_id=_device(visitor, user_id, groups),
        groups=groups,
        properties=_properties(record)
        | {name: record[name] for name in _OF_EXPOSURES if record[name] is not None},
    )


def _acted(record: Record) -> Track:
    user_id, groups = _text(record["user_id"]), _groups(record)
    visitor = groups.pop(VISITOR, None)
    return Track(
        name=str(record["action"]),
        insert_id=str(record["insert_id"]),
        user_id=user_id,
        device_id=_device(visitor, user_id, groups),
        groups=groups,
        properties=_properties(record),
    )


def _device(visitor: str | None, user_id: str | None, groups: Mapping[str, str]) -> str | None:
    """The visitor, or what stands in for a user who is not there."""
    if visitor is not None or user_id is not None:
        return visitor
    return next((f"{kind}:{group}" for kind, group in groups.items()), None)


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
