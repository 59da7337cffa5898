"""A sink for Amplitude's HTTP V2 API."""

from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from abkit.errors import DeliveryError
from abkit.events import Event
from abkit.sinks.amplitude_events import SHORTEST_ID, Body, ExposureFormat, Wording, ids
from abkit.sinks.base import BatchLimits, Outcome, Rejected, Retry
from abkit.sinks.http import UNTIL_MENDED, Answer, Client, Timeouts, compact_json
from abkit.sinks.refusals import Refusal, sorted_out, with_refusals

_REGIONS = {
    "us": "https://api2.amplitude.com/2/httpapi",
    "eu": "https://api.eu.amplitude.com/2/httpapi",
}
_MOST_BYTES = 1_000_000
_MOST_EVENTS = 2_000
_THROTTLED = 30.0
_EVENTS_PER_SECOND = 30
_BLOCKED_ALONE = 10
_ERRORS_OF_THE_REQUEST = {"Invalid API key", "Invalid request path", "Missing request body"}


class AmplitudeSink:
    """Sends exposures, as "Triggered Experiment", actions and identities to Amplitude.

    A user is the event's `user_id`, a visitor its `device_id`. An event with neither belongs to a device that
    is named after the unit, such as "org:42". An identity is an `$identify`: of a visitor and a user, whom
    Amplitude then merges; or of either and a group, which is set. Amplitude has no word for the relation of
    two groups, so such an identity is rejected. Texts are cut at 1,024 characters. Of more than five types of
    groups, the first five are sent, including the unit's own. The sink rejects ids that Amplitude refuses,
    with a reason.

    The guide "Send events to Amplitude" explains how responses are handled.

    Args:
        api_key: The project's API key.
        endpoint: "us", "eu", or the URL of a proxy that passes on Amplitude's responses.
        min_id_length: The minimum length of an id; None: Amplitude's own 5. Set 1 if user ids are numbers.
        exposure_format: "event", or "$exposure" for Amplitude Experiment's own exposure event.
        identify: Whether an exposure also sets the property "[Experiment] <experiment>" of the user or the
            visitor, or of the group, to the variant.
        compress: Whether to send gzip.
        timeouts: None: 5 seconds to connect, 10 between two parts of the response, 30 in total.

    Attributes:
        limits: Below Amplitude's limits of 1 MB and 2,000 events per request.

    Raises:
        DeliveryError: An argument cannot be used.
        MissingExtraError: requests is not installed.
    """

    limits: BatchLimits = BatchLimits(count=900, size=500_000)

    def __init__(
        self,
        api_key: str,
        *,
        endpoint: str = "us",
        min_id_length: int | None = None,
        exposure_format: ExposureFormat = "event",
        identify: bool = False,
        compress: bool = False,
        timeouts: Timeouts | None = None,
    ) -> None:
        _check(api_key, min_id_length, exposure_format)
        self._api_key = api_key
        self._options = {} if min_id_length is None else {"min_id_length": min_id_length}
        self._wording = Wording(
            min_id_length=min_id_length or SHORTEST_ID,
            exposure_format=exposure_format,
            identify=identify,
        )
        url = _REGIONS.get(endpoint, endpoint)
        self._client = Client(url, timeouts=timeouts, compress=compress, secrets=[api_key])
        self._blocked: tuple[str, int] = ("", 0)

    def send(self, events: Sequence[Event], /) -> Outcome:
        """Post the events, once."""
        sound, refusals = sorted_out(events, self._bodies)
        entries = [_Entry(event, body) for event, bodies in sound for body in bodies]
        return with_refusals(refusals, self._post(entries) if entries else None)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _bodies(self, event: Event) -> list[Body] | Refusal:
        bodies = self._wording.bodies(event)
        return Refusal(event, bodies) if isinstance(bodies, str) else bodies

    def _post(self, entries: Sequence["_Entry"]) -> Outcome:
        request: Body = {"api_key": self._api_key, "events": [entry.body for entry in entries]}
        if self._options:
            request["options"] = self._options
        content = compact_json(request)
        if len(content) >= _MOST_BYTES or len(entries) >= _MOST_EVENTS:
            return Retry(reason=f"{len(entries)} events, {len(content)} bytes", smaller=True)
        answer = self._client.post(content)
        if isinstance(answer, Retry):
            return answer
        if answer.status == 403:
            return self._forbidden(answer, _events(entries))
        return _outcome(answer, entries)

    def _forbidden(self, answer: Answer, events: Sequence[Event]) -> Outcome:
        """The firewall dislikes the sender, or the text of some event; it does not say which."""
        if len(events) > 1:
            return Retry(reason=answer.words, smaller=True)
        insert_id, times = self._blocked
        alone = events[0].insert_id
        self._blocked = (alone, times + 1 if insert_id == alone else 1)
        if self._blocked[1] < _BLOCKED_ALONE:
            return Retry(UNTIL_MENDED, answer.words)
        return Rejected(events, f"blocked {_BLOCKED_ALONE} times, alone: {answer.words}")

    def __repr__(self) -> str:
        return f"<AmplitudeSink to {self._client.place}>"


@frozen
class _Entry:
    """One of the events in a request.

    Attributes:
        event: The event that it tells.
        body: How it is told.
    """

    event: Event
    body: Body


def _check(api_key: str, min_id_length: int | None, exposure_format: str) -> None:
    problem = None
    if not api_key:
        problem = "the API key of a project is needed, not an empty text"
    elif min_id_length is not None and min_id_length < 1:
        problem = f"min_id_length must be at least 1, not {min_id_length!r}"
    elif exposure_format not in {"event", "$exposure"}:
        problem = f'exposure_format must be "event" or "$exposure", not {exposure_format!r}'
    if problem is not None:
        message = f"AmplitudeSink: {problem}"
        raise DeliveryError(message)


def _events(entries: Iterable[_Entry]) -> list[Event]:
    """The events that the entries tell, each once."""
    return list({id(entry.event): entry.event for entry in entries}.values())


def _outcome(answer: Answer, entries: Sequence[_Entry]) -> Outcome:
    """What Amplitude's answer means for the events."""
    if answer.status == 200:
        # Something on the way that answers in Amplitude's place has not taken anything.
        taken = answer.body.get("code") == 200
        return None if taken else Retry(reason=f"not an answer of Amplitude's: {answer.words}")
    if answer.status == 413:
        return Retry(reason=answer.words, smaller=True)
    if answer.status == 429:
        return _refused(answer, entries) or _throttled(answer, entries)
    if answer.status == 400:
        return _refused(answer, entries) or _bad_request(answer, entries)
    if answer.status >= 500 or answer.status == 408:
        return Retry(answer.after, answer.words)
    return Retry(UNTIL_MENDED if answer.after is None else answer.after, answer.words)


def _bad_request(answer: Answer, entries: Sequence[_Entry]) -> Outcome:
    """HTTP 400 that names no event."""
    body = answer.body
    if body.get("error") in _ERRORS_OF_THE_REQUEST or body.get("missing_field"):
        return Retry(UNTIL_MENDED, answer.words)
    if _throttled_entries(body, entries):
        return _throttled(answer, entries)
    if "error" not in body:
        return Retry(answer.after, f"not an answer of Amplitude's: {answer.words}")
    events = _events(entries)
    if len(events) > 1:
        return Retry(reason=answer.words, smaller=True)
    return Rejected(events, answer.words)


def _throttled(answer: Answer, entries: Sequence[_Entry]) -> Retry:
    """Wait; and send less at once where the batch is itself more than a user may have in a second."""
    lump = len(_throttled_entries(answer.body, entries)) > _EVENTS_PER_SECOND
    return Retry(max(_THROTTLED, answer.after or 0.0), answer.words, smaller=lump)


def _refused(answer: Answer, entries: Sequence[_Entry]) -> Rejected | None:
    """The events that Amplitude names and will never take; the others are to be sent again."""
    reasons = _reasons(answer.body, entries)
    if not reasons:
        return None
    retry = Retry(0.0, answer.words)
    if answer.status == 429 or _throttled_entries(answer.body, entries):
        retry = _throttled(answer, entries)
    why = "; ".join(dict.fromkeys(reasons.values()))
    events = _events(entries[index] for index in sorted(reasons))
    return Rejected(events, answer.quote(why), retry)


def _reasons(body: Mapping[str, object], entries: Sequence[_Entry]) -> dict[int, str]:
    """Why Amplitude will never take an entry, by its index."""
    reasons: dict[int, str] = {}
    for key in (
        "events_with_invalid_fields",
        "events_with_missing_fields",
        "events_with_invalid_id_lengths",
    ):
        what = key.removeprefix("events_with_").replace("_", " ")
        for name, indexes in _mapping(body.get(key)).items():
            reasons |= dict.fromkeys(_indexes(indexes, entries), f"{what}: {name}")
    silenced = _indexes(body.get("silenced_events"), entries)
    silenced |= _of_identities(body.get("silenced_devices"), entries)
    reasons |= dict.fromkeys(silenced, "Amplitude has silenced the device")
    for key in ("exceeded_daily_quota_devices", "exceeded_daily_quota_users"):
        over = _of_identities(body.get(key), entries)
        reasons |= dict.fromkeys(over, "over the daily quota of the user or device")
    return reasons


def _throttled_entries(body: Mapping[str, object], entries: Sequence[_Entry]) -> set[int]:
    throttled = _indexes(body.get("throttled_events"), entries)
    for key in ("throttled_devices", "throttled_users"):
        throttled |= _of_identities(body.get(key), entries)
    return throttled


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _indexes(value: object, entries: Sequence[_Entry]) -> set[int]:
    if not isinstance(value, list):
        return set()
    return {item for item in value if type(item) is int and 0 <= item < len(entries)}


def _of_identities(value: object, entries: Sequence[_Entry]) -> set[int]:
    names = set(map(str, value)) if isinstance(value, dict | list) else set()
    return {index for index, entry in enumerate(entries) if names & ids(entry.body)}
