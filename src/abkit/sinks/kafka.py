"""A sink that writes events to three Kafka topics, one for each kind."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING

from attrs import frozen

from abkit.errors import DeliveryError
from abkit.events import Event, Exposure, Identity
from abkit.extras import extra
from abkit.quoting import masked, quoted, told
from abkit.sinks.base import BatchLimits, Outcome, Retry
from abkit.sinks.records import json_line, kind_of, record
from abkit.sinks.refusals import Refusal, objection_to_time, sorted_out, with_refusals

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Producer

_SECRET = re.compile("password|secret|key|credentials|jaas|oauth", re.IGNORECASE)
_POLL = 0.1  # seconds; another thread may serve the reports of a producer that is shared


@frozen
class _Message:
    event: Event
    topic: str
    key: bytes | None
    value: bytes


@frozen
class _Failure:
    """What became of a message that was not stored.

    Attributes:
        refused: It never will be; otherwise it may be another time.
        by_client: For a reason that no other message has to do with, such as before it was sent.
        fatal: Nor will any other that this producer is given.
    """

    message: _Message
    why: str
    refused: bool = False
    by_client: bool = False
    fatal: bool = False


class KafkaSink:
    """Produces each event as a JSON object, and waits for the brokers' acknowledgements.

    The key is the unit ("org:42"; for an action the user, or otherwise its first group; for an identity what
    it is from), so that the events of one unit are in the same partition and keep their order. If part of a
    batch is not acknowledged, the whole batch is sent again. Consumers should ignore duplicates by the header
    `insert_id`.

    Args:
        config_or_producer: The configuration of `confluent_kafka.Producer`; `enable.idempotence` is
            set unless you set it. Or a producer, which is not closed and cannot be
            used in a forked child.
        exposures_topic: The topic for exposures.
        actions_topic: The topic for actions.
        identities_topic: The topic for identities. If it does not exist, or may not be written to, identities
            are rejected, and the other events are produced.
        timeout: Seconds to wait for the acknowledgements of one batch.
        limits: When a batch is full.

    Raises:
        DeliveryError: The configuration cannot be used.
        MissingExtraError: confluent-kafka is not installed.
    """

    def __init__(
        self,
        config_or_producer: "Mapping[str, object] | Producer",
        *,
        exposures_topic: str = "abkit.exposures",
        actions_topic: str = "abkit.actions",
        identities_topic: str = "abkit.identities",
        timeout: float = 15.0,
        limits: BatchLimits | None = None,
    ) -> None:
        with extra("kafka"):
            import ctypes  # noqa: F401 - needed after a fork

            import confluent_kafka
        self._topics = {
            "exposure": exposures_topic,
            "action": actions_topic,
            "identity": identities_topic,
        }
        self._timeout = timeout
        self._config: dict[str, object] | None = None
        self._producer: Producer | None = None
        if isinstance(config_or_producer, Mapping):
            # The reports come before the sink gives up: what it sends again is not still under way.
            timeouts = {"delivery.timeout.ms": max(1, round(timeout * 800))}
            if "message.timeout.ms" in config_or_producer:  # its other name
                timeouts = {}
            # And a topic that is not there is known to be missing, before its messages time out.
            timeouts["topic.metadata.propagation.max.ms"] = max(1, round(timeout * 400))
            self._config = {"enable.idempotence": True, **timeouts, **config_or_producer}
            try:
                confluent_kafka.Producer(self._config).flush(0)
            except confluent_kafka.KafkaException as error:
                settings = self._config.items()
                secrets = [str(value) for name, value in settings if _SECRET.search(name)]
                why = told(error.args[0].str(), secrets)
                message = f"KafkaSink: the configuration cannot be used: {why}"
                raise DeliveryError(message) from None
        else:
            self._producer = config_or_producer
        self._pid = os.getpid()
        self.limits: BatchLimits = limits or BatchLimits()

    def send(self, events: Sequence[Event], /) -> Outcome:
        """Produce the events. If they are not acknowledged in time, they are sent again."""
        producer = self._connected()
        if producer is None:
            return Retry(reason="a producer cannot be used after a fork; give its configuration")
        deadline = monotonic() + self._timeout
        sound, refusals = sorted_out(events, self._message)
        failures = _produce(producer, [message for _, message in sound], deadline)
        if len(sound) > 1:
            failures = _one_by_one(producer, failures, deadline)
        refused = [failure for failure in failures if failure.refused]
        others = [failure for failure in failures if not failure.refused]
        if any(failure.fatal for failure in others) and self._config is not None:
            self._producer = None
        refusals += [Refusal(failure.message.event, failure.why) for failure in refused]
        retry = Retry(reason=f"Kafka: {others[0].why}") if others else None
        return with_refusals(refusals, retry)

    def close(self) -> None:
        """Close the connections of a producer that the sink has created."""
        if self._config is not None and self._pid == os.getpid():
            self._producer = None

    def _connected(self) -> "Producer | None":
        import confluent_kafka

        if self._pid != os.getpid():
            if self._producer is not None:
                _keep_for_ever(self._producer)
            self._producer = None
            self._pid = os.getpid()
        if self._producer is None and self._config is not None:
            self._producer = confluent_kafka.Producer(self._config)
        return self._producer

    def _message(self, event: Event) -> _Message | Refusal:
        why = objection_to_time(event, first=0)  # There are no negative timestamps.
        if why is not None:
            return Refusal(event, why)
        topic = self._topics[kind_of(event)]
        return _Message(event, topic, _key(event), json_line(record(event)).encode())

    def __repr__(self) -> str:
        servers = (self._config or {}).get("bootstrap.servers", "a given producer")
        topics = ", ".join(self._topics.values())
        return f"<KafkaSink {topics} by {quoted(masked(str(servers)))}>"


def _produce(producer: "Producer", messages: Sequence[_Message], deadline: float) -> list[_Failure]:
    """Produce the messages and wait for the reports; those that failed."""
    reported: dict[int, tuple[KafkaError | None, bool]] = {}

    def reporter(position: int) -> "Callable[[KafkaError | None, object], None]":
        def report(error: "KafkaError | None", produced: object) -> None:
            reported[position] = error, produced is None

        return report

    for position, message in enumerate(messages):
        _enqueue(producer, message, reporter(position), deadline)
    while len(reported) < len(messages) and monotonic() < deadline:
        producer.poll(_POLL)
    failures = []
    for position, message in enumerate(messages):
        if position not in reported:
            failures.append(_Failure(message, "there was no delivery report in time"))
            continue
        error, by_client = reported[position]
        if error is not None:
            failures.append(_failure(message, error, by_client))
    return failures


def _failure(message: _Message, error: "KafkaError", by_client: bool) -> _Failure:
    why = told(error.str())
    if isinstance(message.event, Identity) and _has_no_topic(error):
        # Whoever set up the topics of exposures and actions may not know of this one: they are not to wait.
        why = (
            f"there is no topic {message.topic!r} for identities, or no right to write to it: {why}"
        )
        return _Failure(message, why, refused=True, by_client=True)
    fatal = error.fatal() or error.code() == error._FATAL
    return _Failure(message, why, _is_refusal(error), by_client, fatal)


def _enqueue(
    producer: "Producer",
    message: _Message,
    report: "Callable[[KafkaError | None, object], None]",
    deadline: float,
) -> None:
    """Put the message into the producer's queue, or report why it is not to be."""
    from confluent_kafka import KafkaException

    while monotonic() < deadline:
        try:
            producer.produce(
                message.topic,
                value=message.value,
                key=message.key,
                headers=[("insert_id", message.event.insert_id.encode("utf-8", "replace"))],
                timestamp=round(message.event.time * 1e3),
                on_delivery=report,
            )
        except BufferError:  # the queue is full
            producer.poll(_POLL)
        except KafkaException as exception:
            report(exception.args[0], None)
            return
        else:
            return


def _one_by_one(
    producer: "Producer", failures: Sequence[_Failure], deadline: float
) -> list[_Failure]:
    """Produce again what a broker refused: because of one record it refuses the whole set."""
    after: list[_Failure] = []
    for failure in failures:
        doubtful = failure.refused and not failure.by_client
        after += _produce(producer, [failure.message], deadline) if doubtful else [failure]
    return after


def _is_refusal(error: "KafkaError") -> bool:
    """Whether the broker, or the client, objects to the message and not to the moment."""
    return error.code() in (
        error.MSG_SIZE_TOO_LARGE,
        error.RECORD_LIST_TOO_LARGE,
        error.INVALID_MSG,
        error.INVALID_MSG_SIZE,
        error.INVALID_RECORD,
        error.INVALID_TIMESTAMP,
    )


def _has_no_topic(error: "KafkaError") -> bool:
    return error.code() in (
        error.UNKNOWN_TOPIC_OR_PART,
        error._UNKNOWN_TOPIC,
        error.TOPIC_AUTHORIZATION_FAILED,
    )


def _key(event: Event) -> bytes | None:
    """The unit of the event; None if it has none."""
    if isinstance(event, Exposure):
        kind, unit = event.unit_type, event.unit_id
    elif isinstance(event, Identity):
        kind, unit = event.from_type, event.from_id
    elif event.user_id is not None:
        kind, unit = "user", event.user_id
    elif event.groups:
        kind, unit = min(event.groups.items())
    else:
        return None
    return f"{kind}:{unit}".encode("utf-8", "replace")


def _keep_for_ever(producer: "Producer") -> None:
    """Never let the destructor run: in a forked child it would wait for threads that are not there."""
    from ctypes import py_object, pythonapi

    pythonapi.Py_IncRef(py_object(producer))
