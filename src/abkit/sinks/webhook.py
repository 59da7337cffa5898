"""A sink that posts signed JSON to any URL."""

import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence

from abkit.errors import DeliveryError
from abkit.events import Event
from abkit.sinks.base import BatchLimits, Outcome, Rejected, Retry
from abkit.sinks.http import UNTIL_MENDED, Answer, Client, Timeouts
from abkit.sinks.records import Record, by_kind, json_line, record
from abkit.sinks.refusals import sorted_out, with_refusals

SIGNATURE_HEADER = "abkit-signature"

_KINDS = ("exposures", "actions", "identities")
_BAD_EVENTS = {400, 422}
_LONGEST_TIMESTAMP = 20


class WebhookSink:
    """Posts each batch as `{"exposures": [...], "actions": [...], "identities": [...]}`.

    Their columns are those of `abkit.events`.

    | response | result |
    |---|---|
    | 2xx | accepted |
    | 413 | too large: the batch is sent in halves |
    | 400, 422 | rejected |
    | 400, 422 and `{"rejected": [{"insert_id": ..., "why": ...}]}` | these are rejected, others accepted |
    | 408, 429, 5xx | sent again, after `Retry-After` if it is set |
    | any other | the request is wrong, not its events: sent again after `Retry-After`, or a minute |

    Redirects are not followed. A batch may be sent again: the receiver should ignore insert ids that it has
    seen.

    Args:
        url: The URL to post to.
        secret: Signs each request, for `verify`; None: no signature.
        headers: Headers for each request.
        timeouts: None: 5 seconds to connect, 10 between two parts of the response, 30 in total.

    Attributes:
        limits: When a batch is full.

    Raises:
        DeliveryError: The URL, a header or the secret cannot be used.
        MissingExtraError: requests is not installed.
    """

    limits: BatchLimits = BatchLimits()

    def __init__(
        self,
        url: str,
        *,
        secret: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        if secret is not None and not secret:
            message = "WebhookSink: the secret must not be empty; without one, nothing is signed"
            raise DeliveryError(message)
        self._secret = secret
        self._client = Client(url, headers=headers, timeouts=timeouts)

    def send(self, events: Sequence[Event], /) -> Outcome:
        """Post the events, once."""
        sound, refusals = sorted_out(events, record)
        return with_refusals(refusals, self._post(sound) if sound else None)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _post(self, sound: Sequence[tuple[Event, Record]]) -> Outcome:
        lists = zip(_KINDS, by_kind(sound), strict=True)
        parts = [f'"{kind}":{_array(rows)}' for kind, rows in lists]
        body = f"{{{','.join(parts)}}}".encode()
        headers = {}
        if self._secret is not None:
            headers[SIGNATURE_HEADER] = sign(body, secret=self._secret, now=time.time())
        answer = self._client.post(body, headers)
        return (
            answer if isinstance(answer, Retry) else _outcome(answer, [event for event, _ in sound])
        )

    def __repr__(self) -> str:
        return f"<WebhookSink to {self._client.place}>"


def sign(body: bytes, *, secret: str | bytes, now: float) -> str:
    """Return the signature of a request: the header's value `t=<seconds>,v1=<HMAC-SHA256 of "t.body">`.

    Args:
        body: The exact bytes that are sent.
        secret: The secret that is shared with the receiver.
        now: Seconds since the epoch.
    """
    timestamp = str(int(now))
    return f"t={timestamp},v1={_digest(timestamp, body, secret)}"


def verify(
    body: bytes,
    signature: str | None,
    *,
    secret: str | bytes,
    tolerance: float = 300.0,
    now: float | None = None,
) -> bool:
    """Return whether a request is recent and was signed with the secret. For the receiver.

    Args:
        body: The exact bytes that were received.
        signature: The header `abkit-signature`; None if there was none.
        secret: The secret that is shared with the sink. While you replace it, verify with both.
        tolerance: Maximum difference between the clocks, including the time of the request, in seconds.
        now: Seconds since the epoch; None: the current time.
    """
    parts = [part.strip().partition("=") for part in (signature or "").split(",")]
    timestamps = [value for name, _, value in parts if name == "t"]
    if len(timestamps) != 1 or not _is_timestamp(timestamps[0]):
        return False
    wanted = _digest(timestamps[0], body, secret).encode()
    given = [value.encode("utf-8", "replace") for name, _, value in parts if name == "v1"]
    authentic = any(hmac.compare_digest(wanted, value) for value in given)
    age = (time.time() if now is None else now) - int(timestamps[0])
    return authentic and abs(age) <= tolerance


def _is_timestamp(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_TIMESTAMP


def _digest(timestamp: str, body: bytes, secret: str | bytes) -> str:
    key = secret.encode() if isinstance(secret, str) else secret
    return hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _array(rows: Sequence[Record]) -> str:
    return f"[{','.join(map(json_line, rows))}]"


def _outcome(answer: Answer, events: Sequence[Event]) -> Outcome:
    """What the receiver's answer means for the events."""
    if 200 <= answer.status < 300:
        return None
    if answer.status == 413:
        return Retry(answer.after, answer.words, smaller=True)
    if answer.status in _BAD_EVENTS:
        named = _named(answer.body)
        refused = [event for event in events if event.insert_id in named]
        reasons = dict.fromkeys(named[event.insert_id] for event in refused)
        why = answer.quote("; ".join(reasons)) if refused else answer.words
        return Rejected(refused or events, why)
    if answer.status >= 500 or answer.status in {408, 429}:
        return Retry(answer.after, answer.words)
    return Retry(UNTIL_MENDED if answer.after is None else answer.after, answer.words)


def _named(body: Mapping[str, object]) -> dict[str, str]:
    """Why the receiver refuses an event, by its insert id."""
    rejected = body.get("rejected")
    named = (
        [item for item in rejected if isinstance(item, dict)] if isinstance(rejected, list) else []
    )
    return {str(item.get("insert_id")): str(item.get("why", "no reason given")) for item in named}
