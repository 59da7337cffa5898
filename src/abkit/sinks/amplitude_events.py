"""Events in the format of Amplitude. Pure: an event in, JSON values out.

The limits are those of Amplitude's documentation of the HTTP V2 API; `$exposure` and the properties
"[Experiment] ..." are those of its "Experiment event tracking".
"""

from typing import Any, Literal, TypeAlias

from attrs import frozen

from abkit.events import Event, Exposure, Identity
from abkit.sinks.refusals import objection_to_time
from abkit.sinks.tracking import PERSONS, VISITOR, Link, Track, link, track

ExposureFormat = Literal["event", "$exposure"]
Body: TypeAlias = dict[str, Any]

SHORTEST_ID = 5
_INVALID_IDS = frozenset(
    {"anonymous", "nil", "none", "null", "n/a", "na", "undefined", "unknown", "", '""'}
    | {"00000000-0000-0000-0000-000000000000", "{}", "lmy47d", "0", "-1"}
)
_LONGEST_TEXT = 1_024
_MOST_GROUP_TYPES = 5
_DEEPEST = 38
"""Of the 40 levels that Amplitude allows, two are the event and its properties."""


@frozen(kw_only=True)
class Wording:
    """How events are written for Amplitude.

    Attributes:
        min_id_length: The fewest characters of an id.
        exposure_format: "event" or "$exposure".
        identify: Whether an exposure also sets the property "[Experiment] <experiment>".
    """

    min_id_length: int = SHORTEST_ID
    exposure_format: ExposureFormat = "event"
    identify: bool = False

    def bodies(self, event: Event) -> list[Body] | str:
        """The events of Amplitude that tell this one; or why Amplitude would refuse it."""
        why = objection_to_time(event, first=0)  # Its times are not negative.
        if why is not None:
            return why
        if isinstance(event, Identity):
            return self._of_identity(event)
        tracked = track(event)
        why = _objection(tracked, self.min_id_length)
        if why is not None:
            return why
        body = _body(tracked, milliseconds=_milliseconds(event))
        if not isinstance(event, Exposure):
            return [body]
        own = self.exposure_format == "$exposure"
        if own:
            body |= {"event_type": "$exposure", "event_properties": _experiment_properties(tracked)}
        if not self.identify:
            return [body]
        state = _cut({f"[Experiment] {tracked.properties['experiment']}": _variant(tracked)})
        if event.unit_type not in PERSONS and event.unit_type != VISITOR:
            return [body, _group_identify(body, state)]
        # For its own format, Amplitude sets the user's property itself.
        return [body] if own else [body | {"user_properties": state}]

    def _of_identity(self, identity: Identity) -> list[Body] | str:
        linked = link(identity)
        if isinstance(linked, str):
            return linked
        why = _objection_to_ids(linked, self.min_id_length)
        return [_identify(linked, milliseconds=_milliseconds(identity))] if why is None else why


def ids(body: Body) -> set[str]:
    """The user and the device to which Amplitude counts the event; one of them may be missing."""
    return {str(body[kind]) for kind in ("user_id", "device_id") if kind in body}


def _milliseconds(event: Event) -> int:
    return round(event.time * 1_000)


def _objection(tracked: Track, min_id_length: int) -> str | None:
    if not tracked.name:
        return "it has no name"
    if not _ids(tracked):
        return "it has neither a user nor a group, and Amplitude wants a user_id or a device_id"
    return _objection_to_ids(tracked, min_id_length)


def _objection_to_ids(told: Track | Link, min_id_length: int) -> str | None:
    named = _ids(told)
    for kind, name in named.items():
        if name in _INVALID_IDS:
            return f"{kind} {name!r} is one of those that Amplitude refuses"
        if len(name) < min_id_length:
            fewest = (
                f"fewer than {min_id_length} characters: AmplitudeSink(min_id_length=...) allows it"
            )
            return f"{kind} {name!r} has {fewest}"
    # Cut, they would be those of another user, group or event.
    for what, text in (*named.items(), ("insert_id", told.insert_id), *told.groups.items()):
        if len(text) > _LONGEST_TEXT:
            return f"{what} has more than {_LONGEST_TEXT:,} characters: {text[:20]!r}..."
    return None


def _ids(told: Track | Link) -> dict[str, str]:
    named = {"user_id": told.user_id, "device_id": told.device_id}
    return {kind: name for kind, name in named.items() if name is not None}


def _body(tracked: Track, *, milliseconds: int) -> Body:
    body: Body = {
        "event_type": _cut(tracked.name),
        **_ids(tracked),
        "time": milliseconds,
        "insert_id": tracked.insert_id,
    }
    if tracked.groups:
        body["groups"] = _cut(dict([*tracked.groups.items()][:_MOST_GROUP_TYPES]))
    if tracked.properties:
        body["event_properties"] = _cut(tracked.properties)
    return body


def _identify(linked: Link, *, milliseconds: int) -> Body:
    """The `$identify` of a device with its user, or of either with its group.

    Amplitude merges what a device did before with the first user whose id comes with that of the device. Any
    event would do, but an `$identify` is none that it counts, bills or takes for activity ("Identify API").
    """
    body: Body = {
        "event_type": "$identify",
        **_ids(linked),
        "time": milliseconds,
        "insert_id": linked.insert_id,
    }
    if linked.groups:
        groups = _cut(linked.groups)
        body |= {"groups": groups, "user_properties": {"$set": groups}}
    return body


def _experiment_properties(tracked: Track) -> Body:
    """Those of `$exposure`; the salt, a run of the experiment, is the experiment key."""
    properties = dict(tracked.properties)
    flag, salt = properties.pop("experiment"), properties.pop("salt")
    own = {"flag_key": flag, "variant": properties.pop("variant"), "experiment_key": salt}
    cut: Body = _cut(properties | own)
    return cut


def _variant(tracked: Track) -> str:
    return str(tracked.properties["variant"])


def _group_identify(body: Body, state: Body) -> Body:
    same = ("user_id", "device_id", "time")
    return {
        **{key: value for key, value in body.items() if key in same},
        "event_type": "$groupidentify",
        "insert_id": f"{body['insert_id'][: _LONGEST_TEXT - 6]}:group",
        "groups": dict([*body["groups"].items()][:1]),  # That of the unit.
        "group_properties": {"$set": state},
    }


def _cut(value: Any, depth: int = 0) -> Any:
    """The plain value, with texts and levels within Amplitude's limits."""
    if isinstance(value, str):
        return value[:_LONGEST_TEXT]
    if not isinstance(value, dict | list):
        return value
    if depth >= _DEEPEST:
        return "(too deep)"
    if isinstance(value, list):
        return [_cut(item, depth + 1) for item in value]
    return {key[:_LONGEST_TEXT]: _cut(item, depth + 1) for key, item in value.items()}
