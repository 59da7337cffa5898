"""A sink for the `batch` call of Segment's HTTP Tracking API."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime

from abkit.errors import DeliveryError
from abkit.events import Action, Event, Exposure, Identity
from abkit.sinks.base import BatchLimits, Outcome, Rejected, Retry
from abkit.sinks.http import UNTIL_MENDED, Answer, Client, Timeouts, compact_json
from abkit.sinks.refusals import Refusal, sorted_out, with_refusals
from abkit.sinks.tracking import Link, Track, link, track

_REGIONS = {
    "us": "https://api.segment.io/v1/batch",
    "eu": "https://events.eu1.segmentapis.com/v1/batch",
}
_MOST_BYTES = 500_000
_MOST_BYTES_OF_EVENT = 32_000
_BAD_EVENTS = {400, 422}


class SegmentSink:
    """Sends exposures, as "Triggered Experiment", and actions to Segment, as `track` calls.

    A user is the `userId`, a visitor the `anonymousId`. An event with neither has the unit as `anonymousId`,
    such as "org:42". An identity of a visitor and a user is an `identify` call with both ids, one of either
    and a group a `group` call; one of two groups is rejected, as Segment has no call for it. The
    unit's group, or otherwise the first, is `context.groupId`; all are in `context.groups`. Segment responds
    with 200 even to events that it does not accept afterwards: look at its debugger.

    Args:
        write_key: The source's write key.
        endpoint: "us", "eu", or the URL of the batch call.
        compress: Whether to send gzip.
        timeouts: None: 5 seconds to connect, 10 between two parts of the response, 30 in total.

    Attributes:
        limits: Below Segment's limit of 500 KB per request.

    Raises:
        DeliveryError: An argument cannot be used.
        MissingExtraError: requests is not installed.
    """

    limits: BatchLimits = BatchLimits(count=500, size=300_000)

    def __init__(
        self,
        write_key: str,
        *,
        endpoint: str = "us",
        compress: bool = False,
        timeouts: Timeouts | None = None,
    ) -> None:
        if not write_key:
            message = "SegmentSink: the write key of a source is needed, not an empty text"
            raise DeliveryError(message)
        credentials = base64.b64encode(f"{write_key}:".encode()).decode()
        self._client = Client(
            _REGIONS.get(endpoint, endpoint),
            headers={"Authorization": f"Basic {credentials}"},
            timeouts=timeouts,
            compress=compress,
            secrets=[write_key],
        )

    def send(self, events: Sequence[Event], /) -> Outcome:
        """Post the events, once."""
        calls, refusals = sorted_out(events, _call)
        return with_refusals(refusals, self._post(calls) if calls else None)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _post(self, calls: Sequence[tuple[Event, bytes]]) -> Outcome:
        content = b'{"batch":[' + b",".join([call for _, call in calls]) + b"]}"
        if len(content) >= _MOST_BYTES:
            return Retry(reason=f"{len(content)} bytes", smaller=True)
        answer = self._client.post(content)
        if isinstance(answer, Retry):
            return answer
        return _outcome(answer, [event for event, _ in calls])

    def __repr__(self) -> str:
        return f"<SegmentSink to {self._client.place}>"


def _call(event: Event) -> bytes | Refusal:
    """How the event is told, as JSON."""
    body = _identified(event) if isinstance(event, Identity) else _tracked(event)
    if isinstance(body, str):
        return Refusal(event, body)
    content = compact_json(body)
    if len(content) >= _MOST_BYTES_OF_EVENT:
        return Refusal(event, f"it has {len(content):,} bytes, and Segment takes 32 KB")
    return content


def _tracked(event: Exposure | Action) -> dict[str, object] | str:
    """The `track` call that tells an event; or why there is none."""
    tracked = track(event)
    if not tracked.name:
        return "it has no name"
    if not (tracked.user_id or tracked.device_id):
        return "it has neither a user nor a group, and Segment wants a userId or an anonymousId"
    return {
        "type": "track",
        "event": tracked.name,
        "properties": tracked.properties,
        **_common(tracked, event.time),
    }


def _identified(identity: Identity) -> dict[str, object] | str:
    """The call that tells an identity; or why there is none.

    Segment's specification has `identify` for a visitor who becomes a user. Of `alias`, which gives a person
    another id, it says that only some destinations require it, and that it merges no profiles of Segment.
    """
    linked = link(identity)
    if isinstance(linked, str):
        return linked
    common = _common(linked, identity.time)
    if not linked.groups:
        return {"type": "identify", "traits": {}, **common}
    (group,) = linked.groups.values()
    return {"type": "group", "groupId": group, "traits": {}, **common}


def _common(told: Track | Link, time: float) -> dict[str, object]:
    """The fields that all calls have."""
    iso = datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds")
    who = {"userId": told.user_id, "anonymousId": told.device_id}
    fields: dict[str, object] = {
        **{kind: name for kind, name in who.items() if name},
        "timestamp": iso.replace("+00:00", "Z"),
        "messageId": told.insert_id,
    }
    if told.groups:
        first = next(iter(told.groups.values()))
        fields["context"] = {"groupId": first, "groups": told.groups}
    return fields


def _outcome(answer: Answer, events: Sequence[Event]) -> Outcome:
    """What Segment's answer means for the events."""
    if 200 <= answer.status < 300:
        return None
    if answer.status == 413 or (answer.status in _BAD_EVENTS and len(events) > 1):
        # It does not say which event is to blame: halving finds it.
        return Retry(reason=answer.words, smaller=True)
    if answer.status in _BAD_EVENTS:
        return Rejected(events, answer.words)
    if answer.status >= 500 or answer.status in {408, 429}:
        return Retry(answer.after, answer.words)
    return Retry(UNTIL_MENDED if answer.after is None else answer.after, answer.words)
