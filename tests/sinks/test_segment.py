"""The sink to Segment, against a server that keeps to Segment's documentation."""

import base64
import json
import threading
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from abkit.errors import DeliveryError
from abkit.events import Event, Identity
from abkit.exposure.logger import ExposureLogger
from abkit.exposure.runtime.backoff import Backoff
from abkit.sinks.base import BatchLimits, Rejected, Retry
from abkit.sinks.http import Timeouts
from abkit.sinks.segment import SegmentSink

from .contract import POISON, TIME, WEIGHTS, SinkContract, action, exposure, identity
from .loopback import Loopback, Reply, Request, reply

KEY = "a write key"
QUICK = Backoff(first=0.001, longest=0.01, longest_after=0.01)


class FakeSegment(Loopback):
    """Segment's `batch` call; keeps the calls that it accepts, each message once."""

    def __init__(self) -> None:
        super().__init__(self._respond)
        self.calls: list[dict[str, Any]] = []
        self.faults: deque[Reply | None] = deque()
        self._seen: set[str] = set()

    def _respond(self, request: Request) -> Reply:
        fault = self.faults.popleft() if self.faults else None
        if fault:
            return fault
        credentials = base64.b64encode(f"{KEY}:".encode()).decode()
        if request.headers["authorization"] != f"Basic {credentials}":
            return Reply(status=401)
        batch = json.loads(request.body)["batch"]
        sizes = [len(json.dumps(call, ensure_ascii=False).encode()) for call in batch]
        if len(request.body) > 500_000 or max(sizes) > 32 * 1024:
            return Reply(status=400, content=b"too large")
        for call in batch:
            valid = (
                self._is_of_its_type(call)
                and (call.get("userId") or call.get("anonymousId"))
                and datetime.fromisoformat(call["timestamp"]).tzinfo
                and len(call["messageId"]) <= 100
            )
            if not valid:
                return Reply(status=400, content=b"malformed")
        for call in batch:
            if call["messageId"] not in self._seen:
                self._seen.add(call["messageId"])
                self.calls.append(call)
        return reply(200, {"success": True})

    def _is_of_its_type(self, call: dict[str, Any]) -> bool:
        if call["type"] == "track":
            return bool(call["event"]) and isinstance(call["properties"], dict)
        told = call["userId"] if call["type"] == "identify" else call["groupId"]
        return call["type"] in {"identify", "group"} and bool(told) and call["traits"] == {}

    def of_type(self, *types: str) -> list[dict[str, Any]]:
        return [call for call in self.calls if call["type"] in types]


@pytest.fixture
def segment() -> Iterator[FakeSegment]:
    with FakeSegment() as server:
        yield server


def sink_to(server: FakeSegment, key: str = KEY, **options: Any) -> SegmentSink:
    return SegmentSink(key, endpoint=f"{server.url}/v1/batch", **options)


class TestSegmentSink(SinkContract):
    refuses = POISON.keys() | {"an identity with an empty id"}

    @pytest.fixture
    def sink(self, segment: FakeSegment) -> Iterator[SegmentSink]:
        self.server = segment
        sink = sink_to(segment)
        yield sink
        sink.close()

    def count(self, sink: Any) -> tuple[int, int]:
        tracked = self.server.of_type("track")
        exposures = sum("variant" in call["properties"] for call in tracked)
        return exposures, len(tracked) - exposures

    def count_identities(self, sink: Any) -> int:
        return len(self.server.of_type("identify", "group"))

    def test_an_exposure_is_a_track_call(self, sink: SegmentSink) -> None:
        self.send(sink, exposure("42", 1, properties={"page": "home"}, insert_id="i1"))
        assert self.server.calls == [
            {
                "type": "track",
                "event": "Triggered Experiment",
                "userId": "7",
                "properties": {
                    "page": "home",
                    "experiment": "Buttons",
                    "salt": "Buttons.1",
                    "unit_type": "org",
                    "unit_id": "42",
                    "variant": "1",
                    "weights": WEIGHTS,
                },
                "timestamp": "2024-05-17T12:30:15.123Z",
                "messageId": "i1",
                "context": {"groupId": "42", "groups": {"org": "42"}},
            }
        ]

    def test_an_organization_without_a_user_is_anonymous(self, sink: SegmentSink) -> None:
        self.send(sink, exposure("42")._replace(user_id=None))
        (call,) = self.server.calls
        assert call["anonymousId"] == "org:42"
        assert "userId" not in call

    def test_a_visitor_is_anonymous_and_the_user_told_besides(self, sink: SegmentSink) -> None:
        seen = exposure("v1")._replace(unit_type="visitor", user_id=None, groups={"visitor": "v1"})
        self.send(sink, seen, seen._replace(user_id="7"))
        self.send(sink, action()._replace(groups={"visitor": "v1"}))
        ids = [(call.get("anonymousId"), call.get("userId")) for call in self.server.calls]
        assert ids == [("v1", None), ("v1", "7"), ("v1", "7")]
        assert all("context" not in call for call in self.server.calls)

    def test_a_visitor_who_signs_in_is_identified(self, sink: SegmentSink) -> None:
        self.send(sink, identity("v1", "7", insert_id="i3"))
        assert self.server.calls == [
            {
                "type": "identify",
                "anonymousId": "v1",
                "userId": "7",
                "traits": {},
                "timestamp": "2024-05-17T12:30:15.123Z",
                "messageId": "i3",
            }
        ]

    @pytest.mark.parametrize(("kind", "field"), [("user", "userId"), ("visitor", "anonymousId")])
    def test_an_organization_is_the_group_of_its_users_and_visitors(
        self, sink: SegmentSink, kind: str, field: str
    ) -> None:
        self.send(sink, Identity(kind, "7", "org", "42", TIME, "i3"))
        assert self.server.calls == [
            {
                "type": "group",
                field: "7",
                "groupId": "42",
                "traits": {},
                "context": {"groupId": "42", "groups": {"org": "42"}},
                "timestamp": "2024-05-17T12:30:15.123Z",
                "messageId": "i3",
            }
        ]

    def test_the_same_batch_is_taken_once(self, sink: SegmentSink) -> None:
        for _ in range(2):
            self.send(sink, exposure(insert_id="i1"), action(insert_id="i2"))
        assert self.count(sink) == (1, 1)


def test_gzip(segment: FakeSegment) -> None:
    assert sink_to(segment, compress=True).send([action(insert_id="i")]) is None
    assert len(segment.calls) == 1


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (action(properties={"p": "x" * 33_000}), "32 KB"),
        (action()._replace(user_id=None), "neither a user nor a group"),
        (action()._replace(user_id=""), "neither a user nor a group"),
        (action(""), "no name"),
        (action(time=float("inf")), "seconds since the epoch"),
        (Identity("org", "1", "team", "2", TIME), "not 'org' and 'team'"),
        (Identity("user", "1", "actor", "2", TIME), "not 'user' and 'actor'"),
        (Identity("user", "1", "user", "2", TIME), "not 'user' and 'user'"),
    ],
)
def test_what_segment_never_takes_is_refused_with_a_reason(event: Event, why: str) -> None:
    outcome = SegmentSink(KEY).send([event])
    assert isinstance(outcome, Rejected)
    assert why in outcome.why


def test_a_batch_of_more_than_500_kb_is_not_sent(segment: FakeSegment) -> None:
    large = [action(properties={"p": "x" * 31_000}, insert_id=str(i)) for i in range(17)]
    outcome = sink_to(segment).send(large)
    assert isinstance(outcome, Retry)
    assert outcome.smaller
    assert segment.requests == []


def test_the_batches_that_the_sink_asks_for_pass(segment: FakeSegment) -> None:
    events = [exposure(str(i), insert_id=str(i)) for i in range(SegmentSink.limits.count)]
    assert sink_to(segment).send(events) is None


@pytest.mark.parametrize(
    ("fault", "after"),
    [
        (Reply(status=429, headers={"Retry-After": "9"}), 9.0),
        (Reply(status=429), None),
        (Reply(status=500), None),
        (Reply(status=503, headers={"Retry-After": "1"}), 1.0),
        (Reply(resets=True), None),
        (Reply(garbage=True), None),
        (Reply(status=401), 60.0),
        (Reply(status=302, headers={"Location": "/"}), 60.0),
    ],
)
def test_what_is_not_the_events_fault_is_tried_again(
    segment: FakeSegment, fault: Reply, after: float | None
) -> None:
    segment.faults.append(fault)
    outcome = sink_to(segment).send([action(insert_id="a"), action(insert_id="b")])
    assert isinstance(outcome, Retry)
    assert (outcome.after, outcome.smaller) == (after, False)


def test_a_wrong_key_loses_nothing(segment: FakeSegment) -> None:
    outcome = sink_to(segment, key="another").send([action()])
    assert isinstance(outcome, Retry)
    assert "401" in outcome.reason


def test_400_is_narrowed_down(segment: FakeSegment) -> None:
    segment.faults += [Reply(status=400), Reply(status=413), Reply(status=400, content=b"bad")]
    sink = sink_to(segment)
    for _ in range(2):
        outcome = sink.send([action("a"), action("b")])
        assert isinstance(outcome, Retry)
        assert outcome.smaller
    assert sink.send([action("a")]) == Rejected([action("a")], "HTTP 400: bad")


def test_end_to_end_every_valid_event_arrives_once(segment: FakeSegment) -> None:
    released = threading.Event()
    segment.faults += [
        Reply(status=500),
        Reply(resets=True),
        None,
        Reply(garbage=True),
        Reply(status=429),
        None,
        Reply(hangs=released),
        Reply(status=413),
    ]
    sink = sink_to(segment, timeouts=Timeouts(read=0.1))
    logger = ExposureLogger(sink, backoff=QUICK, limits=BatchLimits(count=50, age=0.01))
    for unit in range(300):
        logger(exposure(f"{unit:03}"))
        if unit % 100 == 50:
            logger(action("huge", properties={"p": "x" * 40_000}))
            logger(action("message id", insert_id=f"{unit}" * 60, time=TIME))
    assert logger.close(30)
    released.set()
    arrived = sorted(call["properties"]["unit_id"] for call in segment.calls)
    assert arrived == [f"{unit:03}" for unit in range(300)]
    reasons = [letter.why for letter in logger.dead_letters]
    assert len(reasons) == 6
    assert sum("32 KB" in why for why in reasons) == 3
    assert sum("HTTP 400: malformed" in why for why in reasons) == 3


def test_wrong_arguments_are_errors_at_once() -> None:
    with pytest.raises(DeliveryError, match="write key"):
        SegmentSink("")
    with pytest.raises(DeliveryError, match="cannot be posted"):
        SegmentSink(KEY, endpoint="mars")


def test_europe_has_an_endpoint_of_its_own() -> None:
    assert repr(SegmentSink(KEY)) == "<SegmentSink to https://api.segment.io/v1/batch>"
    assert "eu1" in repr(SegmentSink(KEY, endpoint="eu"))
