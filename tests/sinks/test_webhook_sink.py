"""The sink to any URL, against a receiver that verifies what it gets."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.errors import DeliveryError
from abkit.events import ACTION_COLUMNS, EXPOSURE_COLUMNS, IDENTITY_COLUMNS
from abkit.exposure.logger import ExposureLogger
from abkit.exposure.runtime.backoff import Backoff
from abkit.sinks.base import BatchLimits, Rejected, Retry
from abkit.sinks.http import Timeouts
from abkit.sinks.webhook import SIGNATURE_HEADER, WebhookSink, sign, verify

from .contract import SinkContract, action, exposure, identity
from .loopback import Loopback, Reply, Request, reply

SECRET = "a secret"  # noqa: S105 - nothing is kept by it
QUICK = Backoff(first=0.001, longest=0.01, longest_after=0.01)
Rows = list[dict[str, Any]]


class Receiver(Loopback):
    """Takes what is signed, keeps each insert id once, and refuses the units that are named "bad"."""

    def __init__(self) -> None:
        super().__init__(self._respond)
        self.exposures: Rows = []
        self.actions: Rows = []
        self.identities: Rows = []
        self.faults: deque[Reply | Callable[[Rows], Reply] | None] = deque()
        self._seen: set[str] = set()

    def _respond(self, request: Request) -> Reply:
        signature = request.headers.get(SIGNATURE_HEADER)
        if not verify(request.body, signature, secret=SECRET):
            return Reply(status=401)
        body = json.loads(request.body)
        fault = self.faults.popleft() if self.faults else None
        if callable(fault):
            fault = fault(body["exposures"])
        if fault:
            return fault
        refused = [
            row["insert_id"] for row in body["exposures"] if row["unit_id"].startswith("bad")
        ]
        for kind in ("exposures", "actions", "identities"):
            for row in body[kind]:
                if row["insert_id"] not in {*self._seen, *refused}:
                    self._seen.add(row["insert_id"])
                    getattr(self, kind).append(row)
        if refused:
            named = [{"insert_id": name, "why": "a bad unit"} for name in refused]
            return reply(422, {"rejected": named})
        return Reply(status=204)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        yield server


def sink_to(server: Receiver, **options: Any) -> WebhookSink:
    options = {"secret": SECRET, **options}
    return WebhookSink(f"{server.url}/events", **options)


class TestWebhookSink(SinkContract):
    @pytest.fixture
    def sink(self, receiver: Receiver) -> Iterator[WebhookSink]:
        self.server = receiver
        sink = sink_to(receiver)
        yield sink
        sink.close()

    def count(self, sink: Any) -> tuple[int, int]:
        return len(self.server.exposures), len(self.server.actions)

    def count_identities(self, sink: Any) -> int:
        return len(self.server.identities)

    def test_the_records_have_the_columns_of_the_schema(self, sink: WebhookSink) -> None:
        self.send(sink, exposure("42", True, properties={"page": "home"}), action(), identity())
        (row,) = self.server.exposures
        assert list(row) == list(EXPOSURE_COLUMNS)
        assert (row["unit_id"], row["variant"], row["time"]) == (
            "42",
            "true",
            "2024-05-17T12:30:15.123456Z",
        )
        assert list(self.server.actions[0]) == list(ACTION_COLUMNS)
        (signed_up,) = self.server.identities
        assert list(signed_up) == list(IDENTITY_COLUMNS)
        assert (signed_up["from_id"], signed_up["to_id"]) == ("v1", "7")


class TestSignature:
    BODY = b'{"exposures":[]}'
    NOW = 1_700_000_000.0

    def verified(self, signature: str | None, **changes: Any) -> bool:
        arguments: dict[str, Any] = {"secret": SECRET, "now": self.NOW, **changes}
        return verify(arguments.pop("body", self.BODY), signature, **arguments)

    def test_it_is_what_it_always_was(self) -> None:
        """Receivers in other languages compute it as well."""
        import hashlib
        import hmac

        digest = hmac.digest(SECRET.encode(), b"1700000000." + self.BODY, hashlib.sha256).hex()
        assert sign(self.BODY, secret=SECRET, now=self.NOW) == f"t=1700000000,v1={digest}"

    def test_what_was_signed_is_verified(self) -> None:
        signature = sign(self.BODY, secret=SECRET, now=self.NOW)
        assert self.verified(signature)
        assert self.verified(signature, secret=SECRET.encode())
        assert self.verified(f" v1=another , {signature.replace(',', ' , ')}")

    def test_what_was_changed_is_not(self) -> None:
        signature = sign(self.BODY, secret=SECRET, now=self.NOW)
        assert not self.verified(signature, body=self.BODY + b" ")
        assert not self.verified(signature, secret=SECRET + "!")
        assert not self.verified(signature.replace("t=1700000000", "t=1700000001"))

    def test_what_is_old_or_early_is_not(self) -> None:
        signature = sign(self.BODY, secret=SECRET, now=self.NOW)
        assert self.verified(signature, now=self.NOW + 300)
        assert not self.verified(signature, now=self.NOW + 301)
        assert not self.verified(signature, now=self.NOW - 301)
        assert self.verified(signature, now=self.NOW + 301, tolerance=400)
        assert not verify(self.BODY, signature, secret=SECRET)

    @pytest.mark.parametrize(
        "signature",
        [
            *(None, "", "t=1", "v1=00", "t=,v1=", "t=x,v1=00", "t=-1,v1=00", "t=1,t=2,v1=00"),
            *("t=\u0661,v1=\u00e9", f"t={'9' * 5_000},v1=00"),
        ],
    )
    def test_nonsense_is_not(self, signature: str | None) -> None:
        assert not self.verified(signature)

    def test_two_timestamps_are_not(self) -> None:
        assert not self.verified(f"{sign(self.BODY, secret=SECRET, now=self.NOW)},t=1700000000")

    @given(st.binary(), st.text(min_size=1), st.text())
    def test_only_the_secret_verifies(self, body: bytes, secret: str, other: str) -> None:
        try:
            key = secret.encode()
        except UnicodeEncodeError:
            key = b"x"
        signature = sign(body, secret=key, now=self.NOW)
        assert verify(body, signature, secret=key, now=self.NOW)
        assert not verify(body, signature, secret=key + b"!", now=self.NOW)
        assert not verify(body, other, secret=key, now=self.NOW)

    def test_without_a_secret_nothing_is_signed(self, receiver: Receiver) -> None:
        outcome = sink_to(receiver, secret=None).send([action()])
        assert SIGNATURE_HEADER not in receiver.requests[0].headers
        assert isinstance(outcome, Retry)
        assert "401" in outcome.reason


class TestAnswers:
    EVENTS = (exposure("1", insert_id="i1"), exposure("2", insert_id="i2"), action(insert_id="i3"))

    @pytest.mark.parametrize("status", [200, 201, 202, 204])
    def test_2xx_is_taken(self, receiver: Receiver, status: int) -> None:
        receiver.faults.append(Reply(status=status))
        assert sink_to(receiver).send(self.EVENTS) is None

    @pytest.mark.parametrize("status", [400, 422])
    def test_those_that_are_named_are_rejected(self, receiver: Receiver, status: int) -> None:
        named = [{"insert_id": "i1", "why": "unknown org"}, {"insert_id": "i3"}, {"insert_id": "x"}]
        receiver.faults.append(reply(status, {"rejected": named}))
        assert sink_to(receiver).send(self.EVENTS) == Rejected(
            [self.EVENTS[0], self.EVENTS[2]], f"HTTP {status}: unknown org; no reason given"
        )

    @pytest.mark.parametrize(
        "content", [b"", b"no", b'{"rejected": []}', b'{"rejected": "i1"}', b'{"rejected": [1]}']
    )
    def test_if_none_is_named_all_are_rejected(self, receiver: Receiver, content: bytes) -> None:
        receiver.faults.append(Reply(status=400, content=content))
        outcome = sink_to(receiver).send(self.EVENTS)
        assert isinstance(outcome, Rejected)
        assert outcome.events == self.EVENTS
        assert outcome.retry is None

    def test_413_asks_for_less(self, receiver: Receiver) -> None:
        receiver.faults.append(Reply(status=413))
        assert sink_to(receiver).send(self.EVENTS) == Retry(None, "HTTP 413", smaller=True)

    @pytest.mark.parametrize("status", [429, 503])
    def test_retry_after_is_seconds(self, receiver: Receiver, status: int) -> None:
        receiver.faults.append(Reply(status=status, headers={"Retry-After": "17"}))
        assert sink_to(receiver).send(self.EVENTS) == Retry(17.0, f"HTTP {status}")

    def test_retry_after_is_a_date(self, receiver: Receiver) -> None:
        date = format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)
        receiver.faults.append(Reply(status=503, headers={"Retry-After": date}))
        outcome = sink_to(receiver).send(self.EVENTS)
        assert isinstance(outcome, Retry)
        assert outcome.after is not None
        assert 80_000 < outcome.after <= 86_400

    @pytest.mark.parametrize(
        ("fault", "after"),
        [
            (Reply(status=500), None),
            (Reply(status=502, content=b"<html>"), None),
            (Reply(status=408), None),
            (Reply(resets=True), None),
            (Reply(garbage=True), None),
            (Reply(status=401), 60.0),
            (Reply(status=403), 60.0),
            (Reply(status=404), 60.0),
            (Reply(status=410, headers={"Retry-After": "5"}), 5.0),
            (Reply(status=301, headers={"Location": "/"}), 60.0),
        ],
    )
    def test_what_is_not_the_events_fault_is_tried_again(
        self, receiver: Receiver, fault: Reply, after: float | None
    ) -> None:
        receiver.faults.append(fault)
        sink = sink_to(receiver)
        outcome = sink.send(self.EVENTS)
        assert isinstance(outcome, Retry)
        assert (outcome.after, outcome.smaller) == (after, False)
        assert sink.send(self.EVENTS) is None

    def test_a_time_beyond_all_dates_is_rejected_here(self, receiver: Receiver) -> None:
        bad = action(time=float("nan"), insert_id="bad")
        outcome = sink_to(receiver).send([bad, *self.EVENTS])
        assert isinstance(outcome, Rejected)
        assert outcome.events == (bad,)
        assert len(receiver.exposures) == 2

    def test_headers_are_sent(self, receiver: Receiver) -> None:
        sink_to(receiver, headers={"X-Team": "growth"}).send(self.EVENTS)
        assert receiver.requests[0].headers["x-team"] == "growth"
        assert receiver.requests[0].headers["content-type"] == "application/json"


def test_end_to_end_every_valid_event_arrives_once(receiver: Receiver) -> None:
    released = threading.Event()

    def takes_but_fails(rows: Rows) -> Reply:
        receiver.exposures += rows
        receiver._seen |= {row["insert_id"] for row in rows}
        return Reply(resets=True)

    receiver.faults += [
        Reply(status=500),
        None,
        Reply(status=413),
        Reply(garbage=True),
        Reply(status=403),
        takes_but_fails,
        Reply(status=429, headers={"Retry-After": "30"}),
        Reply(hangs=released),
    ]
    sink = sink_to(receiver, timeouts=Timeouts(read=0.1))
    logger = ExposureLogger(sink, backoff=QUICK, limits=BatchLimits(count=50, age=0.01))
    for unit in range(300):
        logger(exposure(f"bad{unit:03}" if unit % 100 == 99 else f"{unit:03}"))
    assert logger.close(30)
    released.set()
    assert not receiver.faults
    arrived = sorted(row["unit_id"] for row in receiver.exposures)
    assert arrived == [f"{unit:03}" for unit in range(300) if unit % 100 != 99]
    assert [letter.why for letter in logger.dead_letters] == ["HTTP 422: a bad unit"] * 3


def test_wrong_arguments_are_errors_at_once() -> None:
    with pytest.raises(DeliveryError, match="cannot be posted"):
        WebhookSink("nowhere")
    with pytest.raises(DeliveryError, match="secret must not be empty"):
        WebhookSink("http://localhost", secret="")


def test_the_sink_tells_where_it_posts() -> None:
    assert repr(WebhookSink("http://localhost/x", secret=SECRET)) == (
        "<WebhookSink to http://localhost/x>"
    )
