"""A sink for the `batch` call of Segment's HTTP Tracking API."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime

from abkit.errors import DeliveryError
from abkit.events import Event
from abkit.sinks.base import BatchLimits, Outcome, Rejected, Retry
from abkit.sinks.http import UNTIL_MENDED, Answer, Client, Timeouts, compact_json
from abkit.sinks.refusals import Refusal, sorted_out, with_refusals
from abkit.sinks.tracking import Track, track

_REGIONS = {
    "us": "https://api.segment.io/v1/batch",
    "eu": "https://events.eu1.segmentapis.com/v1/batch",
}
_MOST_BYTES = 500_000
_MOST_BYTES_OF_EVENT = 32_000
_BAD_EVENTS = {400, 422}


class SegmentSink:
    """Sends exposures, as "Triggered Experiment", and actions to Segment, as `track` calls.

    A user is the `userId`. An event without a user has the unit as `anonymousId`, such as "org:42". The
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
    tracked = track(event)
    if not tracked.name:
        return Refusal(event, "it has no name")
    if not (tracked.user_id or tracked.device_id):
        return Refusal(
            event, "it has neither a user nor a group, and Segment wants a userId or an anonymousId"
        )
    content = compact_json(_body(tracked, event.time))
    if len(content) >= _MOST_BYTES_OF_EVENT:
        return Refusal(event, f"it has {len(content):,} bytes, and Segment takes 32 KB")
    return content


def _body(tracked: Track, time: float) -> dict[str, object]:
    who = {"userId": tracked.user_id} if tracked.user_id else {"anonymousId": tracked.device_id}
    iso = datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds")
    body: dict[str, object] = {
        "type": "track",
        "event": tracked.name,
        **who,
        "properties": tracked.properties,
        "timestamp": iso.replace("+00:00", "Z"),
        "messageId": tracked.insert_id,
    }
    if tracked.groups:
        first = next(iter(tracked.groups.values()))
        body["context"] = {"groupId": first, "groups": tracked.groups}
    return body


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
