"""The sink to Amplitude, against a server that keeps to Amplitude's documentation."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.errors import DeliveryError
from abkit.events import Action, Event, Exposure, Identity
from abkit.exposure.logger import ExposureLogger
from abkit.exposure.runtime.backoff import Backoff
from abkit.sinks.amplitude import AmplitudeSink
from abkit.sinks.amplitude_events import Wording
from abkit.sinks.base import BatchLimits, Rejected, Retry
from abkit.sinks.http import Timeouts

from .amplitude_server import KEY, REFUSED_IDS, FakeAmplitude, depth, texts
from .contract import POISON, TIME, WEIGHTS, SinkContract, action, exposure, identity
from .loopback import Reply, reply

QUICK = Backoff(first=0.001, longest=0.01, longest_after=0.01)


@pytest.fixture
def amplitude() -> Iterator[FakeAmplitude]:
    with FakeAmplitude() as server:
        yield server


def sink_to(server: FakeAmplitude, key: str = KEY, **options: Any) -> AmplitudeSink:
    options = {"min_id_length": 1, **options}
    return AmplitudeSink(key, endpoint=f"{server.url}/2/httpapi", **options)


def named(*names: str) -> list[Event]:
    return [action(name, insert_id=name) for name in names]


def seen_by(visitor: str, *, user_id: str | None = None) -> Exposure:
    groups = {"visitor": visitor}
    return exposure(visitor)._replace(unit_type="visitor", user_id=user_id, groups=groups)


class TestAmplitudeSink(SinkContract):
    refuses = POISON.keys() | {
        "before 1970",
        "an identity with an empty id",
        "an identity with a long id",
    }

    @pytest.fixture
    def sink(self, amplitude: FakeAmplitude) -> Iterator[AmplitudeSink]:
        self.server = amplitude
        sink = sink_to(amplitude)
        yield sink
        sink.close()

    def count(self, sink: Any) -> tuple[int, int]:
        exposures = len(self.server.named("Triggered Experiment"))
        return exposures, len(self.server.ingested) - exposures - self.count_identities(sink)

    def count_identities(self, sink: Any) -> int:
        return len(self.server.named("$identify"))

    def test_an_exposure_is_told_with_its_user_and_its_groups(self, sink: AmplitudeSink) -> None:
        event = exposure("42", True, properties={"page": "home"})._replace(insert_id="i1")
        self.send(sink, event)
        assert self.server.ingested == [
            {
                "event_type": "Triggered Experiment",
                "user_id": "7",
                "time": round(TIME * 1000),
                "insert_id": "i1",
                "groups": {"org": "42"},
                "event_properties": {
                    "page": "home",
                    "experiment": "Buttons",
                    "salt": "Buttons.1",
                    "unit_type": "org",
                    "unit_id": "42",
                    "variant": "true",
                    "weights": WEIGHTS,
                },
            }
        ]

    def test_an_organization_without_a_user_is_a_device(self, sink: AmplitudeSink) -> None:
        self.send(sink, exposure("42")._replace(user_id=None))
        self.send(sink, action()._replace(user_id=None, groups={"org": "43"}))
        ids = [(event.get("user_id"), event["device_id"]) for event in self.server.ingested]
        assert ids == [(None, "org:42"), (None, "org:43")]

    def test_a_user_that_is_the_unit_is_the_user(self, sink: AmplitudeSink) -> None:
        self.send(sink, exposure("42")._replace(unit_type="user", user_id=None, groups={}))
        assert self.server.ingested[0]["user_id"] == "42"
        assert "groups" not in self.server.ingested[0]

    def test_the_units_own_group_is_among_the_five(self, sink: AmplitudeSink) -> None:
        groups = {f"kind{number}": "1" for number in range(9)} | {"org": "42"}
        self.send(sink, exposure("42")._replace(groups=groups))
        assert list(self.server.ingested[0]["groups"]) == [
            "org",
            "kind0",
            "kind1",
            "kind2",
            "kind3",
        ]

    def test_a_visitor_is_a_device(self, sink: AmplitudeSink) -> None:
        self.send(sink, seen_by("v1"), seen_by("v1", user_id="7"))
        self.send(sink, action()._replace(groups={"visitor": "v1", "org": "42"}))
        ids = [(event["device_id"], event.get("user_id")) for event in self.server.ingested]
        assert ids == [("v1", None), ("v1", "7"), ("v1", "7")]
        assert [event.get("groups") for event in self.server.ingested] == [
            None,
            None,
            {"org": "42"},
        ]

    def test_a_visitor_who_signs_up_is_one_person_and_that_is_no_event(
        self, sink: AmplitudeSink
    ) -> None:
        self.send(sink, seen_by("v1"), seen_by("v2"), identity("v1", "7", insert_id="i3"), action())
        (told,) = self.server.named("$identify")
        time = round(TIME * 1000)
        assert told == {
            "event_type": "$identify",
            "device_id": "v1",
            "user_id": "7",
            "time": time,
            "insert_id": "i3",
        }
        assert self.server.people() == ["7", "v2", "7", "7"]

    @pytest.mark.parametrize(("kind", "field"), [("user", "user_id"), ("visitor", "device_id")])
    def test_an_organization_is_set_as_the_group(
        self, sink: AmplitudeSink, kind: str, field: str
    ) -> None:
        self.send(sink, Identity(kind, "7", "org", "42", TIME, "i3"))
        (told,) = self.server.ingested
        assert told == {
            "event_type": "$identify",
            field: "7",
            "time": round(TIME * 1000),
            "insert_id": "i3",
            "groups": {"org": "42"},
            "user_properties": {"$set": {"org": "42"}},
        }

    def test_the_same_batch_is_ingested_once(self, sink: AmplitudeSink) -> None:
        for _ in range(3):
            self.send(sink, exposure(insert_id="i1"), action(insert_id="i2"))
        assert self.count(sink) == (1, 1)
        assert self.server.ignored == 4

    def test_one_connection_serves_many_batches(self, sink: AmplitudeSink) -> None:
        for number in range(3):
            self.send(sink, exposure(str(number)))
        assert len({request.port for request in self.server.requests}) == 1


class TestOtherFormats:
    def test_gzip(self, amplitude: FakeAmplitude) -> None:
        assert sink_to(amplitude, compress=True).send(named("a")) is None
        assert amplitude.requests[0].headers["content-encoding"] == "gzip"
        assert len(amplitude.ingested) == 1

    def test_amplitudes_own_exposure_event(self, amplitude: FakeAmplitude) -> None:
        event = exposure("42", 1, properties={"page": "home"}, insert_id="i1")
        assert sink_to(amplitude, exposure_format="$exposure").send([event, *named("a")]) is None
        (told,) = amplitude.named("$exposure")
        assert told["event_properties"] == {
            "flag_key": "Buttons",
            "variant": "1",
            "weights": WEIGHTS,
            "experiment_key": "Buttons.1",
            "page": "home",
            "unit_type": "org",
            "unit_id": "42",
        }

    def test_the_variant_becomes_a_property_of_the_group(self, amplitude: FakeAmplitude) -> None:
        event = exposure("42", "b", insert_id="i1")
        assert sink_to(amplitude, identify=True).send([event]) is None
        (told,) = amplitude.named("$groupidentify")
        assert told["groups"] == {"org": "42"}
        assert told["group_properties"] == {"$set": {"[Experiment] Buttons": "b"}}
        assert told["insert_id"] == "i1:group"

    def test_the_variant_becomes_a_property_of_the_user(self, amplitude: FakeAmplitude) -> None:
        event = exposure("42", "b", insert_id="i1")._replace(unit_type="user", groups={})
        assert sink_to(amplitude, identify=True).send([event]) is None
        (told,) = amplitude.ingested
        assert told["user_properties"] == {"[Experiment] Buttons": "b"}

    def test_the_variant_becomes_a_property_of_the_visitor(self, amplitude: FakeAmplitude) -> None:
        assert sink_to(amplitude, identify=True).send([seen_by("v1")]) is None
        (told,) = amplitude.ingested
        assert told["device_id"] == "v1"
        assert told["user_properties"] == {"[Experiment] Buttons": "a"}

    def test_amplitude_sets_the_property_of_its_own_event(self, amplitude: FakeAmplitude) -> None:
        event = exposure("42", insert_id="i1")._replace(unit_type="user", groups={})
        sink_to(amplitude, identify=True, exposure_format="$exposure").send([event])
        (told,) = amplitude.ingested
        assert "user_properties" not in told


class TestRefusals:
    @pytest.mark.parametrize("user_id", sorted(REFUSED_IDS))
    def test_an_id_of_the_documented_list_is_refused_here(self, user_id: str) -> None:
        outcome = AmplitudeSink(KEY).send([action()._replace(user_id=user_id)])
        assert isinstance(outcome, Rejected)
        assert repr(user_id) in outcome.why
        assert outcome.retry is None

    @pytest.mark.parametrize(
        ("event", "why"),
        [
            (action()._replace(user_id="1234"), "fewer than 5 characters"),
            (action()._replace(user_id=None), "neither a user nor a group"),
            (action()._replace(user_id="x" * 1_025), "user_id has more than 1,024 characters"),
            (action()._replace(user_id="12345", groups={"org": "y" * 1_025}), "org has more than"),
            (action()._replace(user_id="12345", insert_id="y" * 1_025), "insert_id has more than"),
            (action("")._replace(user_id="12345"), "has no name"),
            (action()._replace(user_id="12345", time=float("nan")), "seconds since the epoch"),
            (action()._replace(user_id="12345", time=1e15), "seconds since the epoch"),
            (identity("visitor-1", "1234"), "user_id '1234' has fewer than 5 characters"),
            (identity("v1", "12345"), "device_id 'v1' has fewer than 5 characters"),
            (identity("none", "12345"), "device_id 'none' is one of those"),
            (identity("v" * 1_025, "12345"), "device_id has more than 1,024 characters"),
            (Identity("user", "12345", "org", "y" * 1_025, TIME), "org has more than"),
            (Identity("org", "12345", "team", "12345", TIME), "not 'org' and 'team'"),
            (seen_by("visitor-1", user_id="1234"), "user_id '1234' has fewer than 5 characters"),
        ],
    )
    def test_what_cannot_be_told_is_refused_with_a_reason(self, event: Event, why: str) -> None:
        outcome = AmplitudeSink(KEY).send([event])
        assert isinstance(outcome, Rejected)
        assert outcome.events == (event,)
        assert why in outcome.why

    def test_all_others_are_sent(self, amplitude: FakeAmplitude) -> None:
        bad = action()._replace(user_id="none", insert_id="bad")
        outcome = sink_to(amplitude).send([*named("a"), bad, *named("b")])
        assert outcome == Rejected([bad], "user_id 'none' is one of those that Amplitude refuses")
        assert [event["event_type"] for event in amplitude.ingested] == ["a", "b"]

    def test_a_refusal_survives_an_outage(self, amplitude: FakeAmplitude) -> None:
        amplitude.faults.append(Reply(status=503))
        bad = action()._replace(user_id="none", insert_id="bad")
        outcome = sink_to(amplitude).send([bad, *named("a")])
        assert isinstance(outcome, Rejected)
        assert outcome.events == (bad,)
        assert outcome.retry == Retry(reason="HTTP 503")


class TestLimits:
    def test_a_request_of_more_than_a_megabyte_is_not_sent(self, amplitude: FakeAmplitude) -> None:
        large = {f"p{number}": "x" * 1_000 for number in range(600)}
        events = [action(properties=large, insert_id=str(number)) for number in range(2)]
        outcome = sink_to(amplitude).send(events)
        assert isinstance(outcome, Retry)
        assert outcome.smaller
        assert amplitude.requests == []
        assert sink_to(amplitude).send(events[:1]) is None

    def test_a_request_has_fewer_than_2000_events(self, amplitude: FakeAmplitude) -> None:
        events = named(*map(str, range(2_000)))
        sink = sink_to(amplitude)
        outcome = sink.send(events)
        assert isinstance(outcome, Retry)
        assert outcome.smaller
        assert sink.send(events[:1_999]) is None
        assert len(amplitude.ingested) == 1_999

    def test_the_batches_that_the_sink_asks_for_pass(self, amplitude: FakeAmplitude) -> None:
        limits = AmplitudeSink.limits
        events = [exposure(str(i), insert_id=str(i)) for i in range(limits.count)]
        assert sink_to(amplitude, identify=True).send(events) is None

    @given(
        st.dictionaries(
            st.text() | st.just("k" * 2_000),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.text() | st.just("x" * 3_000),
                lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
                max_leaves=5,
            ),
        )
    )
    def test_properties_keep_to_the_limits(self, properties: dict[str, object]) -> None:
        bodies = Wording(min_id_length=1).bodies(action(properties=properties))
        assert isinstance(bodies, list)
        assert all(len(text) <= 1_024 for text in texts(bodies))
        assert depth(bodies[0]) <= 40

    @pytest.mark.parametrize("levels", [100, 900, 100_000])
    def test_deep_properties_are_cut(self, levels: int) -> None:
        value: object = "bottom"
        for _ in range(levels):
            value = [value]
        bodies = Wording(min_id_length=1).bodies(action(properties={"deep": value}))
        assert isinstance(bodies, list)
        assert depth(bodies[0]) <= 40


class TestAnswers:
    def test_400_names_the_events_that_are_refused(self, amplitude: FakeAmplitude) -> None:
        problems = {
            "events_with_invalid_fields": {"time": [0]},
            "events_with_missing_fields": {"event_type": [1]},
            "events_with_invalid_id_lengths": {"user_id": [2]},
            "silenced_events": [3],
        }
        amplitude.faults.append(reply(400, {"code": 400, "error": "no", **problems}))
        events = named(*"abcde")
        outcome = sink_to(amplitude).send(events)
        assert isinstance(outcome, Rejected)
        assert outcome.events == tuple(events[:4])
        for reason in (
            "invalid fields: time",
            "missing fields: event_type",
            "invalid id lengths: user_id",
            "silenced",
        ):
            assert reason in outcome.why
        assert isinstance(outcome.retry, Retry)
        assert outcome.retry.after == 0

    @pytest.mark.parametrize(
        "named_in_vain",
        [{"time": [7]}, {"time": [-1]}, {"time": [True]}, {"time": "0"}, {"time": None}, [0], "x"],
    )
    def test_indexes_that_mean_nothing_are_ignored(
        self, amplitude: FakeAmplitude, named_in_vain: object
    ) -> None:
        body = {"code": 400, "error": "no", "events_with_invalid_fields": named_in_vain}
        amplitude.faults.append(reply(400, body))
        outcome = sink_to(amplitude).send(named("a", "b"))
        assert isinstance(outcome, Retry)
        assert outcome.smaller

    def test_400_that_names_no_event_is_narrowed_down(self, amplitude: FakeAmplitude) -> None:
        amplitude.always = lambda events: reply(400, {"code": 400, "error": "Invalid event JSON"})
        sink = sink_to(amplitude)
        outcome = sink.send(named("a", "b"))
        assert isinstance(outcome, Retry)
        assert outcome.smaller
        (event,) = named("a")
        alone = sink.send([event])
        assert isinstance(alone, Rejected)
        assert "Invalid event JSON" in alone.why

    def test_a_wrong_key_loses_nothing(self, amplitude: FakeAmplitude) -> None:
        outcome = sink_to(amplitude, key="another").send(named("a"))
        assert isinstance(outcome, Retry)
        assert outcome.after == 60
        assert "Invalid API key" in outcome.reason
        amplitude.faults.append(reply(400, {"error": "no", "missing_field": "api_key"}))
        again = sink_to(amplitude).send(named("a"))
        assert isinstance(again, Retry)
        assert not again.smaller

    def test_413_asks_for_less(self, amplitude: FakeAmplitude) -> None:
        amplitude.faults.append(reply(413, {"code": 413, "error": "Payload too large"}))
        outcome = sink_to(amplitude).send(named("a", "b"))
        assert isinstance(outcome, Retry)
        assert outcome.smaller

    def test_429_waits_for_half_a_minute(self, amplitude: FakeAmplitude) -> None:
        body = {"code": 429, "throttled_users": {"7": 31}, "throttled_events": [0, 1]}
        amplitude.faults.append(reply(429, body))
        outcome = sink_to(amplitude).send(named("a", "b"))
        assert isinstance(outcome, Retry)
        assert (outcome.after, outcome.smaller) == (30, False)

    def test_a_lump_of_one_user_is_divided(self, amplitude: FakeAmplitude) -> None:
        """Sent whole, it would be throttled again."""
        amplitude.faults.append(reply(429, {"code": 429, "throttled_users": {"7": 40}}))
        outcome = sink_to(amplitude).send(named(*map(str, range(40))))
        assert isinstance(outcome, Retry)
        assert (outcome.after, outcome.smaller) == (30, True)

    def test_over_the_daily_quota_is_refused(self, amplitude: FakeAmplitude) -> None:
        body = {"code": 429, "exceeded_daily_quota_users": {"7": 500_001}}
        amplitude.faults.append(reply(429, body))
        other = action(insert_id="b")._replace(user_id="8")
        outcome = sink_to(amplitude).send([*named("a"), other])
        assert isinstance(outcome, Rejected)
        assert [event.insert_id for event in outcome.events] == ["a"]
        assert "daily quota" in outcome.why
        assert isinstance(outcome.retry, Retry)
        assert outcome.retry.after == 30

    def test_silenced_devices_are_refused(self, amplitude: FakeAmplitude) -> None:
        body = {"code": 400, "error": "Events silenced", "silenced_devices": ["org:1"]}
        amplitude.faults.append(reply(400, body))
        events = [exposure(u, insert_id=u)._replace(user_id=None) for u in "12"]
        outcome = sink_to(amplitude).send(events)
        assert isinstance(outcome, Rejected)
        assert outcome.events == tuple(events[:1])

    @pytest.mark.parametrize(
        "fault",
        [
            Reply(status=500),
            Reply(status=502, content=b"<html>Bad Gateway</html>"),
            Reply(status=503),
            Reply(status=504),
            Reply(status=408),
            Reply(resets=True),
            Reply(garbage=True),
            Reply(status=200, content=b"<html>Log in to the hotel's network</html>"),
            Reply(status=200, content=b"[" * 100_000),
            Reply(status=200, content=b"not gzip", headers={"Content-Encoding": "gzip"}),
            Reply(status=400, content=b"<html>a proxy's own opinion</html>"),
            Reply(status=302, headers={"Location": "/elsewhere"}),
            Reply(status=404),
        ],
        ids=lambda fault: f"{fault.status}-{fault.content[:6]!r}",
    )
    def test_every_other_answer_is_to_be_tried_again(
        self, amplitude: FakeAmplitude, fault: Reply
    ) -> None:
        amplitude.faults.append(fault)
        sink = sink_to(amplitude)
        outcome = sink.send(named("a", "b"))
        assert isinstance(outcome, Retry)
        assert not outcome.smaller
        assert outcome.reason
        assert sink.send(named("a", "b")) is None
        assert len(amplitude.ingested) == 2

    def test_a_destination_that_hangs_is_left(self, amplitude: FakeAmplitude) -> None:
        released = threading.Event()
        amplitude.faults.append(Reply(hangs=released))
        outcome = sink_to(amplitude, timeouts=Timeouts(read=0.05)).send(named("a"))
        released.set()
        assert isinstance(outcome, Retry)
        assert "Timeout" in outcome.reason

    def test_nobody_listens(self) -> None:
        with FakeAmplitude() as server:
            sink = sink_to(server)
        assert isinstance(sink.send(named("a")), Retry)

    def test_a_retry_after_is_honoured(self, amplitude: FakeAmplitude) -> None:
        amplitude.faults.append(Reply(status=503, headers={"Retry-After": "17"}))
        assert sink_to(amplitude).send(named("a")) == Retry(17.0, "HTTP 503")

    def test_what_the_firewall_blocks_alone_is_refused_in_the_end(
        self, amplitude: FakeAmplitude
    ) -> None:
        amplitude.always = lambda events: reply(403, {"code": 403, "error": "Forbidden"})
        sink = sink_to(amplitude)
        together = sink.send(named("a", "b"))
        assert isinstance(together, Retry)
        assert together.smaller
        outcomes = [sink.send(named("a")) for _ in range(10)]
        assert all(isinstance(outcome, Retry) and outcome.after == 60 for outcome in outcomes[:9])
        assert isinstance(outcomes[9], Rejected)


class TestEndToEnd:
    """Every valid event arrives once; every other is a dead letter with a reason."""

    def deliver(self, sink: AmplitudeSink, events: list[Event], count: int = 50) -> ExposureLogger:
        logger = ExposureLogger(sink, backoff=QUICK, limits=BatchLimits(count=count, age=0.01))
        for event in events:
            logger(event)
        assert logger.close(30)
        stats = logger.stats
        assert stats.accepted == stats.delivered + stats.rejected == len(events)
        assert all(letter.why for letter in logger.dead_letters)
        return logger

    def arrived(self, server: FakeAmplitude) -> list[str]:
        return sorted(event["event_properties"]["unit_id"] for event in server.ingested)

    def exposures(self, number: int) -> list[Event]:
        return [exposure(f"{unit:04}") for unit in range(number)]

    def test_every_fault_in_turn(self, amplitude: FakeAmplitude) -> None:
        released = threading.Event()
        faults = [
            *(Reply(status=status) for status in (500, 502, 503, 504, 403, 413, 429)),
            Reply(resets=True),
            Reply(garbage=True),
            Reply(content=b"\x00garbage"),
            Reply(hangs=released),
            reply(429, {"code": 429, "throttled_events": list(range(40))}),
            reply(400, {"code": 400, "error": "Invalid API key"}),
        ]
        for fault in faults:
            amplitude.faults += [fault, None]
        sink = sink_to(amplitude, timeouts=Timeouts(read=0.1))
        logger = self.deliver(sink, self.exposures(1_000))
        released.set()
        assert not amplitude.faults
        assert self.arrived(amplitude) == [f"{unit:04}" for unit in range(1_000)]
        assert logger.dead_letters == ()

    def test_what_was_taken_without_an_answer_is_not_taken_twice(
        self, amplitude: FakeAmplitude
    ) -> None:
        def take_and_fail(events: list[dict[str, Any]]) -> Reply:
            for event in events:
                amplitude.keep(event)
            return Reply(status=504)

        amplitude.faults += [take_and_fail, take_and_fail]
        self.deliver(sink_to(amplitude), self.exposures(100))
        assert self.arrived(amplitude) == [f"{unit:04}" for unit in range(100)]
        assert amplitude.ignored >= 50

    def test_invalid_events_are_dead_letters(self, amplitude: FakeAmplitude) -> None:
        bad: list[Event] = [
            Action(name=f"bad {number}", time=TIME, user_id=user_id)
            for number, user_id in enumerate([None, "none", "", "0", "1234"])
        ]
        good: list[Event] = [
            event._replace(user_id="someone")
            for event in self.exposures(200)
            if isinstance(event, Exposure)
        ]
        logger = self.deliver(
            sink_to(amplitude, min_id_length=None), [*good[:77], *bad, *good[77:]]
        )
        assert len(amplitude.ingested) == 200
        assert {
            letter.event.name for letter in logger.dead_letters if isinstance(letter.event, Action)
        } == {f"bad {number}" for number in range(5)}

    def test_what_only_amplitude_knows_to_be_invalid_is_a_dead_letter(
        self, amplitude: FakeAmplitude
    ) -> None:
        """Times before 1973 are dates, but not what the server takes for milliseconds."""
        early: list[Event] = [exposure(f"early{n}")._replace(time=86_400.0 + n) for n in range(5)]
        logger = self.deliver(sink_to(amplitude), [*self.exposures(120), *early])
        assert self.arrived(amplitude) == [f"{unit:04}" for unit in range(120)]
        assert [letter.why for letter in logger.dead_letters] == [
            "HTTP 400: invalid fields: time"
        ] * 5

    def test_a_text_that_the_firewall_blocks_holds_up_nothing_for_ever(
        self, amplitude: FakeAmplitude
    ) -> None:
        def firewall(events: list[dict[str, Any]]) -> Reply | None:
            blocked = "DROP TABLE" in json.dumps(events)
            return reply(403, {"code": 403, "error": "Forbidden"}) if blocked else None

        amplitude.always = firewall
        odd: Event = exposure("odd", properties={"search": "'; DROP TABLE users"})
        events = self.exposures(60)
        logger = self.deliver(sink_to(amplitude), [*events[:30], odd, *events[30:]])
        assert self.arrived(amplitude) == [f"{unit:04}" for unit in range(60)]
        (letter,) = logger.dead_letters
        assert isinstance(letter.event, Exposure)
        assert letter.event.unit_id == "odd"
        assert "Forbidden" in letter.why

    def test_a_batch_of_more_than_a_megabyte_is_divided(self, amplitude: FakeAmplitude) -> None:
        large = {f"p{number}": "x" * 1_000 for number in range(300)}
        events: list[Event] = [exposure(f"{u:04}", properties=large) for u in range(20)]
        too_large = exposure(
            "huge", properties={f"p{number}": "x" * 1_000 for number in range(1_200)}
        )
        logger = self.deliver(sink_to(amplitude), [*events, too_large])
        assert self.arrived(amplitude) == [f"{unit:04}" for unit in range(20)]
        assert "too large" in logger.dead_letters[0].why
        assert all(len(request.body) < 1_000_000 for request in amplitude.requests)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"api_key": ""}, "API key"),
        ({"min_id_length": 0}, "min_id_length must be at least 1"),
        ({"exposure_format": "own"}, 'must be "event" or "\\$exposure"'),
        ({"endpoint": "us-west"}, "cannot be posted"),
    ],
)
def test_wrong_arguments_are_errors_at_once(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(DeliveryError, match=problem):
        AmplitudeSink(**{"api_key": KEY, **arguments})


def test_europe_has_an_endpoint_of_its_own() -> None:
    assert repr(AmplitudeSink(KEY)) == "<AmplitudeSink to https://api2.amplitude.com/2/httpapi>"
    assert "api.eu.amplitude.com" in repr(AmplitudeSink(KEY, endpoint="eu"))


def test_a_forked_child_opens_a_connection_of_its_own(amplitude: FakeAmplitude) -> None:
    run(
        amplitude,
        """
assert sink.send(events) is None
if (child := os.fork()) == 0:
    os._exit(0 if sink.send(events) is None else 1)
assert os.waitpid(child, 0)[1] == 0
assert sink.send(events) is None
""",
    )
    parent, forked, again = (request.port for request in amplitude.requests)
    assert parent == again != forked


def test_the_first_batch_imports_nothing(amplitude: FakeAmplitude) -> None:
    """A fork in the middle of an import, or the end of the program, would be fatal."""
    printed = run(
        amplitude,
        """
before = set(sys.modules)
assert sink.send(events) is None
print(sorted(set(sys.modules) - before))
""",
    )
    assert printed.strip() == "[]"


def run(server: FakeAmplitude, program: str) -> str:
    """Run a program that has a sink and events, in a process of its own."""
    prologue = f"""
import os, sys
from abkit.events import Action
from abkit.sinks.amplitude import AmplitudeSink
"abkit".encode("idna")  # As the delivery does.
sink = AmplitudeSink({KEY!r}, endpoint="{server.url}/2/httpapi", min_id_length=1, compress=True)
events = [Action(name="a", time=1.6e9, user_id="7", insert_id="i")]
"""
    ran = subprocess.run(
        [sys.executable, "-c", prologue + program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return ran.stdout
