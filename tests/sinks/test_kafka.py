"""The sink that produces to Kafka.

The brokers are librdkafka's own mock cluster: three small servers within the process that speak Kafka's
protocol over TCP, so that any client, also in another process, can produce to them and consume from
them. They keep messages in memory and check little; what only a true broker does is not tested here.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count as natural_numbers
from time import monotonic
from typing import Any

import confluent_kafka
import pytest

from abkit.errors import DeliveryError
from abkit.events import Event, Exposure
from abkit.sinks.base import Rejected, Retry
from abkit.sinks.kafka import KafkaSink

from .contract import POISON, WEIGHTS, SinkContract, action, exposure, identity

NAMES = natural_numbers()


@pytest.fixture(scope="module")
def servers() -> Iterator[str]:
    """The addresses of the mock cluster's brokers; it lives as long as the client that started it."""
    owner = confluent_kafka.Producer({"test.mock.num.brokers": 3, "log_level": 0})
    brokers = owner.list_topics(timeout=10).brokers.values()
    yield ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
    del owner


def config(servers: str, **more: object) -> dict[str, object]:
    return {"bootstrap.servers": servers, "log_level": 0, **more}


def messages(servers: str, topic: str) -> list[Any]:
    """All messages that the topic has now."""
    settings = {"group.id": "readers", "enable.auto.commit": False, "fetch.wait.max.ms": 5}
    consumer = confluent_kafka.Consumer(config(servers, **settings))
    expected, places = 0, []
    for partition in consumer.list_topics(topic, timeout=10).topics[topic].partitions:
        place = confluent_kafka.TopicPartition(topic, partition, 0)
        first, last = consumer.get_watermark_offsets(place, timeout=10)
        expected += last - first
        if last > first:
            places.append(place)
    consumer.assign(places)
    found: list[Any] = []
    until = monotonic() + 20
    while len(found) < expected and monotonic() < until:
        found += consumer.consume(expected - len(found), timeout=0.1)
    consumer.close()
    assert len(found) == expected
    assert all(message.error() is None for message in found)
    return found


class TestKafkaSink(SinkContract):
    refuses = POISON.keys() | {"before 1970"}

    @pytest.fixture
    def sink(self, servers: str) -> Iterator[KafkaSink]:
        """Each test has topics of its own."""
        self.servers = servers
        number = next(NAMES)
        kinds = ("exposures", "actions", "identities")
        self.topics = [f"{kind}{number}" for kind in kinds]
        topics = {f"{kind}_topic": f"{kind}{number}" for kind in kinds}
        sink = KafkaSink(config(servers), **topics)  # type: ignore[arg-type]
        yield sink
        sink.close()

    def exposures(self) -> list[Any]:
        return messages(self.servers, self.topics[0])

    def actions(self) -> list[Any]:
        return messages(self.servers, self.topics[1])

    def count(self, sink: Any) -> tuple[int, int]:
        return len(self.exposures()), len(self.actions())

    def identities(self) -> list[Any]:
        return messages(self.servers, self.topics[2])

    def count_identities(self, sink: Any) -> int:
        return len(self.identities())

    def test_a_message_has_key_value_header_and_time(self, sink: KafkaSink) -> None:
        self.send(sink, exposure("42", True, properties={"price": 9.5}, insert_id="i1"))
        (message,) = self.exposures()
        assert message.key() == b"org:42"
        assert message.headers() == [("insert_id", b"i1")]
        assert message.timestamp()[1] == 1_715_949_015_123
        assert json.loads(message.value()) == {
            "insert_id": "i1",
            "time": "2024-05-17T12:30:15.123456Z",
            "experiment": "Buttons",
            "salt": "Buttons.1",
            "unit_type": "org",
            "unit_id": "42",
            "variant": "true",
            "user_id": "7",
            "groups": {"org": "42"},
            "properties": '{"price":9.5}',
            "weights": WEIGHTS,
        }

    def test_the_key_of_an_action_is_its_user_or_its_first_group(self, sink: KafkaSink) -> None:
        by_nobody = action()._replace(user_id=None)
        by_groups = by_nobody._replace(groups={"team": "2", "org": "1"})
        for event in (action(), by_groups, by_nobody):
            self.send(sink, event)
        keys = [message.key() for message in self.actions()]
        assert sorted(keys, key=str) == [None, b"org:1", b"user:7"]

    def test_an_identity_has_the_key_of_its_visitor(self, sink: KafkaSink) -> None:
        self.send(sink, identity("v1", "7", insert_id="i3"))
        (message,) = self.identities()
        assert message.key() == b"visitor:v1"
        assert json.loads(message.value()) == {
            "insert_id": "i3",
            "time": "2024-05-17T12:30:15.123456Z",
            "from_type": "visitor",
            "from_id": "v1",
            "to_type": "user",
            "to_id": "7",
        }

    def test_the_events_of_a_unit_share_a_partition_and_keep_their_order(
        self, sink: KafkaSink
    ) -> None:
        batch = [exposure(str(n % 7), str(n)) for n in range(200)]
        self.send(sink, *batch[:100])
        self.send(sink, *batch[100:])
        found = self.exposures()
        for unit in range(7):
            of_unit = [message for message in found if message.key() == f"org:{unit}".encode()]
            assert len({message.partition() for message in of_unit}) == 1
            variants = [int(json.loads(message.value())["variant"]) for message in of_unit]
            assert variants == list(range(unit, 200, 7))

    def test_a_message_that_is_too_large_is_rejected_alone(self, servers: str) -> None:
        settings = config(servers, **{"message.max.bytes": 5_000})
        sink = KafkaSink(settings, exposures_topic="large-e", actions_topic="large-a")
        large = action("x" * 6_000)
        outcome = sink.send([exposure(), large, action()])
        assert isinstance(outcome, Rejected)
        assert (outcome.events, outcome.retry) == ((large,), None)
        assert "too large" in outcome.why
        assert len(messages(servers, "large-e")) == len(messages(servers, "large-a")) == 1
        assert isinstance(sink.send([large]), Rejected)
        sink.close()

    def test_without_a_topic_of_identities_the_others_are_produced_and_these_rejected(
        self, servers: str
    ) -> None:
        for topic in ("only-e", "only-a"):
            confluent_kafka.Producer(config(servers)).list_topics(topic, timeout=10)
        settings = config(servers, **{"allow.auto.create.topics": False})
        topics = {
            "exposures_topic": "only-e",
            "actions_topic": "only-a",
            "identities_topic": "no-i",
        }
        sink = KafkaSink(settings, timeout=2.0, **topics)  # type: ignore[arg-type]
        batches: list[list[Event]] = [[exposure(), identity(), action()], [identity()]]
        for batch in batches:
            outcome = sink.send(batch)
            assert isinstance(outcome, Rejected)
            assert (outcome.events, outcome.retry) == ((identity(),), None)
            assert "there is no topic 'no-i' for identities" in outcome.why
        assert len(messages(servers, "only-e")) == len(messages(servers, "only-a")) == 1
        sink.close()

    def test_a_full_queue_is_waited_for(self, servers: str) -> None:
        settings: dict[str, object] = {"queue.buffering.max.messages": 3, "linger.ms": 0}
        sink = KafkaSink(config(servers, **settings), exposures_topic="full")
        self.send(sink, *(exposure(str(n)) for n in range(50)))
        assert len(messages(servers, "full")) == 50
        sink.close()

    def test_brokers_that_do_not_answer_are_tried_again(self) -> None:
        sink = KafkaSink(config("127.0.0.1:1"), timeout=0.5)
        large = exposure("x" * 2_000_000)
        outcome = sink.send([exposure(), action()])
        assert isinstance(outcome, Retry)
        assert outcome.reason.startswith("Kafka: ")
        mixed = sink.send([exposure(), large])
        assert isinstance(mixed, Rejected)
        assert mixed.events == (large,)
        assert mixed.retry is not None
        sink.close()

    def test_a_producer_that_reports_nothing_in_time_is_tried_again(self, servers: str) -> None:
        """It is the caller's own, with a longer patience than the sink's."""
        producer = confluent_kafka.Producer(config("127.0.0.1:1"))
        outcome = KafkaSink(producer, timeout=0.2).send([exposure()])
        assert outcome == Retry(reason="Kafka: there was no delivery report in time")
        producer.purge()
        producer.flush(5)

    def test_a_producer_can_be_given(self, servers: str) -> None:
        producer = confluent_kafka.Producer(config(servers))
        sink = KafkaSink(producer, exposures_topic="given")
        self.send(sink, exposure())
        sink.close()
        producer.produce("given", b"still open")
        assert producer.flush(10) == 0
        assert len(messages(servers, "given")) == 2


class StrictProducer:
    """In the place of a producer whose broker refuses all records that came with a bad one."""

    def __init__(self) -> None:
        self.queue: list[tuple[bytes, Any]] = []
        self.stored: list[bytes] = []

    def produce(self, topic: str, value: bytes, on_delivery: Any, **others: object) -> None:
        self.queue.append((value, on_delivery))

    def poll(self, timeout: float) -> int:
        queue, self.queue = self.queue, []
        error = None
        if any(b"bad" in value for value, _ in queue):
            error = confluent_kafka.KafkaError(confluent_kafka.KafkaError.INVALID_RECORD)
        else:
            self.stored += [value for value, _ in queue]
        for value, report in queue:
            report(error, value)  # in the place of the message
        return len(queue)


def test_what_is_refused_together_is_tried_alone() -> None:
    producer = StrictProducer()
    bad = action("bad")
    outcome = KafkaSink(producer).send([exposure(), bad, action()])  # type: ignore[arg-type]
    assert isinstance(outcome, Rejected)
    assert (outcome.events, outcome.retry) == ((bad,), None)
    assert len(producer.stored) == 2


class BrokenProducer(StrictProducer):
    """In the place of a producer that has met a fatal error: whatever it is given fails."""

    def produce(self, topic: str, value: bytes, on_delivery: Any, **others: object) -> None:
        error = confluent_kafka.KafkaError(confluent_kafka.KafkaError._FATAL)
        raise confluent_kafka.KafkaException(error)


def test_a_producer_that_is_broken_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The idempotent producer of librdkafka does not come back from a fatal error."""
    made: list[StrictProducer] = []

    def make(_config: object) -> StrictProducer:
        made.append(StrictProducer() if made else BrokenProducer())
        return made[-1]

    sink = KafkaSink({"bootstrap.servers": "127.0.0.1:1", "log_level": 0})
    monkeypatch.setattr(confluent_kafka, "Producer", make)
    assert isinstance(sink.send([exposure()]), Retry)
    assert sink.send([exposure()]) is None
    assert len(made) == 2


FORK = """
import os, sys
import confluent_kafka
from abkit.events import Exposure
from abkit.sinks.base import Retry
from abkit.sinks.kafka import KafkaSink

def event(n):
    return Exposure(experiment="E", salt="s", unit_type="org", unit_id=n, variant="a", time=1.0)

config = {"bootstrap.servers": sys.argv[1], "log_level": 0}
sink = KafkaSink(config, exposures_topic="forked")
given = KafkaSink(confluent_kafka.Producer(config), exposures_topic="forked")
before = set(sys.modules)
assert sink.send([event("parent")]) is None
child = os.fork()
if child == 0:
    assert sink.send([event("child")]) is None
    assert isinstance(given.send([event("child")]), Retry)
    assert set(sys.modules) == before, set(sys.modules) - before
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert sink.send([event("parent again")]) is None
"""


def test_a_forked_child_has_a_producer_of_its_own_and_comes_to_its_end(servers: str) -> None:
    """Nor is anything imported after the constructor."""
    subprocess.run(
        [sys.executable, "-c", FORK, servers],
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    keys = [message.key() for message in messages(servers, "forked")]
    assert sorted(keys) == [b"org:child", b"org:parent", b"org:parent again"]


def test_a_configuration_that_cannot_be_used_is_an_error() -> None:
    with pytest.raises(DeliveryError, match="cannot be used.*no.such.property"):
        KafkaSink({"no.such.property": 1})


def test_repr_tells_topics_and_servers_and_no_password() -> None:
    settings = {"bootstrap.servers": "localhost:1", "sasl.password": "secret"}
    assert repr(KafkaSink(settings)) == (
        "<KafkaSink abkit.exposures, abkit.actions, abkit.identities by localhost:1>"
    )


def test_the_events_of_a_user_have_one_key_whatever_they_are(servers: str) -> None:
    sink = KafkaSink(config(servers), exposures_topic="users-e", actions_topic="users-a")
    exposed = Exposure(
        experiment="E", salt="s", unit_type="user", unit_id="7", variant="a", time=1.0
    )
    assert sink.send([exposed, action()]) is None
    found = [*messages(servers, "users-e"), *messages(servers, "users-a")]
    assert [message.key() for message in found] == [b"user:7", b"user:7"]
    sink.close()
