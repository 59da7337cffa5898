"""The sink that emits OpenTelemetry's events, by the real SDK and its real OTLP exporter."""

import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    InMemoryLogRecordExporter,
    SimpleLogRecordProcessor,
)

from abkit.errors import DeliveryError
from abkit.events import Event
from abkit.sinks.base import Retry
from abkit.sinks.opentelemetry import OpenTelemetrySink

from .contract import POISON, WEIGHTS, SinkContract, action, exposure, identity


def memory_exporter() -> InMemoryLogRecordExporter:
    return InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]


class OpenTelemetryContract(SinkContract):
    refuses = POISON.keys() | {"before 1970", "after 2554"}
    memory: InMemoryLogRecordExporter

    def count(self, sink: Any) -> tuple[int, int]:
        names = self.names()
        exposures = names.count("feature_flag.evaluation")
        return exposures, len(names) - exposures - names.count("abkit.identity")

    def count_identities(self, sink: Any) -> int:
        return self.names().count("abkit.identity")

    def names(self) -> list[str | None]:
        return [record.log_record.event_name for record in self.memory.get_finished_logs()]

    def emitted(self) -> Any:
        (record,) = self.memory.get_finished_logs()
        return record.log_record

    def test_an_exposure_follows_the_semantic_conventions(self, sink: Any) -> None:
        self.send(sink, exposure("42", True, properties={"price": 9.5}, insert_id="i1"))
        event = self.emitted()
        assert event.event_name == "feature_flag.evaluation"
        assert event.timestamp == 1_715_949_015_123_456_000
        assert dict(event.attributes) == {
            "feature_flag.key": "Buttons",
            "feature_flag.result.variant": "true",
            "feature_flag.result.reason": "split",
            "feature_flag.context.id": "42",
            "feature_flag.provider.name": "abkit",
            "feature_flag.version": "Buttons.1",
            "abkit.unit_type": "org",
            "abkit.weights": WEIGHTS,
            "abkit.insert_id": "i1",
            "user.id": "7",
            "abkit.group.org": "42",
            "abkit.properties": '{"price":9.5}',
        }

    def test_an_action_is_an_event_of_its_own_name(self, sink: Any) -> None:
        self.send(sink, action("link clicked", insert_id="i2"))
        event = self.emitted()
        assert event.event_name == "link clicked"
        assert dict(event.attributes) == {"abkit.insert_id": "i2", "user.id": "7"}

    def test_an_identity_names_both_ids(self, sink: Any) -> None:
        self.send(sink, identity("v1", "7", insert_id="i3"))
        event = self.emitted()
        assert event.event_name == "abkit.identity"
        assert dict(event.attributes) == {
            "abkit.insert_id": "i3",
            "abkit.from_type": "visitor",
            "abkit.from_id": "v1",
            "abkit.to_type": "user",
            "abkit.to_id": "7",
        }

    def test_the_names_are_those_of_the_conventions(self, sink: Any) -> None:
        from opentelemetry.semconv._incubating.attributes import feature_flag_attributes as names

        self.send(sink, exposure())
        used = {key for key in self.emitted().attributes if key.startswith("feature_flag.")}
        known = {value for key, value in vars(names).items() if key.startswith("FEATURE_FLAG_")}
        assert used <= known
        reasons = {reason.value for reason in names.FeatureFlagResultReasonValues}
        assert self.emitted().attributes["feature_flag.result.reason"] in reasons

    def test_an_event_belongs_to_no_span(self, sink: Any) -> None:
        span = trace.NonRecordingSpan(trace.SpanContext(1, 1, is_remote=False))
        with trace.use_span(span):
            self.send(sink, exposure())
        assert self.emitted().span_id == 0


class TestProvider(OpenTelemetryContract):
    @pytest.fixture
    def sink(self) -> Iterator[OpenTelemetrySink]:
        self.memory = memory_exporter()
        self.provider = LoggerProvider(shutdown_on_exit=False)
        self.provider.add_log_record_processor(BatchLogRecordProcessor(self.memory))
        yield OpenTelemetrySink(self.provider)
        self.provider.shutdown()

    def test_more_events_than_the_providers_queue_holds_arrive(self, sink: Any) -> None:
        for _ in range(10):
            self.send(sink, *(exposure(str(n)) for n in range(500)))
        assert self.count(sink) == (5_000, 0)

    def test_a_provider_that_is_shut_down_is_tried_again(self, sink: Any) -> None:
        self.provider.shutdown()
        assert isinstance(sink.send([exposure()]), Retry)


class TestExporter(OpenTelemetryContract):
    @pytest.fixture
    def sink(self) -> Iterator[OpenTelemetrySink]:
        self.memory = memory_exporter()
        sink = OpenTelemetrySink(exporter=lambda: self.memory)
        yield sink
        sink.close()

    def test_a_batch_that_is_given_up_is_tried_again(self, sink: Any) -> None:
        self.memory.shutdown()  # from now on it answers FAILURE
        outcome = sink.send([exposure()])
        assert outcome == Retry(reason="InMemoryLogRecordExporter has not exported the batch")


class Collector(HTTPServer):
    """Takes OTLP over HTTP on a loopback port.

    Attributes:
        statuses: What it answers next; after that 200.
        names: Of the events that it has taken, with their attributes.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), CollectorHandler)
        self.statuses: list[int] = []
        self.events: list[tuple[str, dict[str, str]]] = []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1/logs"


class CollectorHandler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        if status == 200:
            request = ExportLogsServiceRequest.FromString(gzip.decompress(body))
            for resource in request.resource_logs:
                for scope in resource.scope_logs:
                    for record in scope.log_records:
                        pairs = {pair.key: pair.value.string_value for pair in record.attributes}
                        self.server.events.append((record.event_name, pairs))
        self.send_response(status)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_a_collector_refuses_is_sent_again_as_a_whole(collector: Collector) -> None:
    """By the real OTLP exporter, over HTTP."""
    make = partial(OTLPLogExporter, collector.endpoint, compression=Compression.Gzip)
    sink = OpenTelemetrySink(exporter=make)
    collector.statuses = [400]
    batch: list[Event] = [
        exposure("Zoë", properties={"x": float("nan")}, insert_id="i1"),
        action("\ud800"),
    ]
    outcome = sink.send(batch)
    assert outcome == Retry(reason="OTLPLogExporter has not exported the batch")
    assert collector.events == []
    assert sink.send(batch) is None
    (name, attributes), (action_name, _) = collector.events
    assert (name, action_name) == ("feature_flag.evaluation", "?")
    assert attributes["feature_flag.context.id"] == "Zoë"
    assert json.loads(attributes["abkit.properties"]) == {"x": "nan"}
    sink.close()


FORK = """
import os, sys
from functools import partial
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from abkit.events import Action
from abkit.sinks.opentelemetry import OpenTelemetrySink

make = partial(OTLPLogExporter, sys.argv[1], compression=Compression.Gzip)
sink = OpenTelemetrySink(exporter=make)
assert sink.send([Action(name="parent", time=1.0)]) is None
child = os.fork()
assert sink.send([Action(name="parent again" if child else "child", time=1.0)]) is None
if child:
    assert os.waitpid(child, 0)[1] == 0
sink.close()
"""


def test_a_forked_child_has_an_exporter_of_its_own(collector: Collector) -> None:
    subprocess.run(
        [sys.executable, "-c", FORK, collector.endpoint],
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert sorted(name for name, _ in collector.events) == ["child", "parent", "parent again"]


GLOBAL = """
from opentelemetry._logs import set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from abkit.events import Action
from abkit.sinks.base import Retry
from abkit.sinks.opentelemetry import OpenTelemetrySink

sink = OpenTelemetrySink()
events = [Action(name="clicked", time=1.0)]
assert sink.send(events) == Retry(reason="OpenTelemetry has no global logger provider yet")
memory = InMemoryLogRecordExporter()
provider = LoggerProvider()
provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
set_logger_provider(provider)
assert sink.send(events) is None
assert len(memory.get_finished_logs()) == 1
"""


def test_the_global_provider_may_be_set_after_the_sink_is_made() -> None:
    """In a process of its own: there is one global provider, for ever."""
    subprocess.run(
        [sys.executable, "-c", GLOBAL],
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_a_provider_and_an_exporter_are_too_much() -> None:
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory_exporter()))
    with pytest.raises(DeliveryError, match="not both"):
        OpenTelemetrySink(provider, exporter=InMemoryLogRecordExporter)
    provider.shutdown()


def test_repr_tells_where_events_go() -> None:
    assert repr(OpenTelemetrySink()) == "<OpenTelemetrySink to the global provider>"
    sink = OpenTelemetrySink(exporter=InMemoryLogRecordExporter)
    assert repr(sink) == "<OpenTelemetrySink to InMemoryLogRecordExporter>"
