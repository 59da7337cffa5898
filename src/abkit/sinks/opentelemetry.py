"""A sink that emits OpenTelemetry log events, named by the semantic conventions for feature flags."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from abkit.errors import DeliveryError
from abkit.events import Event, Exposure, Identity
from abkit.extras import extra
from abkit.sinks.base import BatchLimits, Outcome, Retry
from abkit.sinks.records import Record, record
from abkit.sinks.refusals import Refusal, objection_to_time, sorted_out, with_refusals

if TYPE_CHECKING:
    from opentelemetry._logs import Logger, LoggerProvider
    from opentelemetry.sdk._logs.export import LogRecordExporter

EVALUATION_EVENT = "feature_flag.evaluation"
"""The name of an exposure (semantic conventions for feature flags in events, OpenTelemetry)."""
IDENTITY_EVENT = "abkit.identity"
"""The name of an identity, for which there is no convention."""

_END = 2**64 // 1_000_000_000
"""The first second whose nanoseconds are too many for the protocol; it has none before the epoch either."""


class OpenTelemetrySink:
    """Emits events: "feature_flag.evaluation" for an exposure, "abkit.identity", or the action's own name.

    With a logger provider, the application's pipeline processes the events and does not report
    failures. The sink flushes it after each batch, so that its queue does not overflow, but if its
    exporter fails, the events are lost. With an exporter, the sink exports each batch itself, and sends it
    again if the exporter fails.

    Args:
        logger_provider: The provider that emits the events; None: the current global one.
        exporter: Creates an exporter, once per process, such as the class `OTLPLogExporter`. It
            replaces the logger provider.
        timeout: Seconds that the provider may take to flush.
        limits: When a batch is full.

    Raises:
        DeliveryError: Both a provider and an exporter are given.
        MissingExtraError: The API of OpenTelemetry, or for an exporter its SDK, is not installed.
    """

    def __init__(
        self,
        logger_provider: "LoggerProvider | None" = None,
        *,
        exporter: "Callable[[], LogRecordExporter] | None" = None,
        timeout: float = 30.0,
        limits: BatchLimits | None = None,
    ) -> None:
        if logger_provider is not None and exporter is not None:
            message = "OpenTelemetrySink: give a logger provider or an exporter, not both"
            raise DeliveryError(message)
        with extra("opentelemetry"):
            import opentelemetry._logs
            import opentelemetry.trace  # noqa: F401

            self._pipeline = None if exporter is None else _Pipeline(exporter)
        self._provider = logger_provider
        self._timeout = timeout
        # A provider's own queue holds 2048 unless it is told otherwise.
        self.limits: BatchLimits = limits or BatchLimits()

    def send(self, events: Sequence[Event], /) -> Outcome:
        """Emit the events. If an exporter fails, they are sent again."""
        sound, refusals = sorted_out(events, _words)
        words = [each for _, each in sound]
        send = self._emit if self._pipeline is None else self._pipeline.send
        return with_refusals(refusals, send(words))

    def _emit(self, words: Sequence["_Words"]) -> Retry | None:
        from opentelemetry._logs import get_logger_provider

        provider = self._provider or get_logger_provider()
        flush = getattr(provider, "force_flush", None)
        if flush is None and self._provider is None:
            return Retry(reason="OpenTelemetry has no global logger provider yet")
        _emit(provider.get_logger("abkit"), words)
        if flush is not None and not flush(round(self._timeout * 1e3)):
            return Retry(reason="the logger provider of OpenTelemetry was not flushed")
        return None

    def close(self) -> None:
        """Shut down an exporter that the sink has created."""
        if self._pipeline is not None:
            self._pipeline.close()

    def __repr__(self) -> str:
        return f"<OpenTelemetrySink to {self._pipeline or self._provider or 'the global provider'}>"


class _Pipeline:
    """From events to an exporter, within the call, so that its answer is heard."""

    def __init__(self, make: "Callable[[], LogRecordExporter]") -> None:
        self._make = make
        self._start()

    def _start(self) -> None:
        from opentelemetry.sdk._logs import LoggerProvider
        from opentelemetry.sdk._logs.export import (
            InMemoryLogRecordExporter,
            SimpleLogRecordProcessor,
        )

        self._pid = os.getpid()
        self._exporter = self._make()
        # The SDK turns what is emitted into what an exporter takes.
        self._records = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
        provider = LoggerProvider(shutdown_on_exit=False)
        provider.add_log_record_processor(SimpleLogRecordProcessor(self._records))
        self._logger: Logger = provider.get_logger("abkit")

    def send(self, words: Sequence["_Words"]) -> Retry | None:
        from opentelemetry.sdk._logs.export import LogRecordExportResult

        if self._pid != os.getpid():
            self._start()
        self._records.clear()
        _emit(self._logger, words)
        batch = self._records.get_finished_logs()
        if batch and self._exporter.export(batch) is not LogRecordExportResult.SUCCESS:
            return Retry(reason=f"{type(self._exporter).__name__} has not exported the batch")
        return None

    def close(self) -> None:
        if self._pid == os.getpid():
            self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def __repr__(self) -> str:
        return type(self._exporter).__name__


@frozen
class _Words:
    """An event as OpenTelemetry has it.

    Attributes:
        name: The event's.
        time: Nanoseconds since the epoch.
        attributes: Whatever else it tells.
    """

    name: str
    time: int
    attributes: Mapping[str, str]


def _words(event: Event) -> _Words | Refusal:
    why = objection_to_time(event, first=0, end=_END)
    if why is not None:
        return Refusal(event, why)
    told = record(event)
    if isinstance(event, Exposure):
        name, attributes = EVALUATION_EVENT, _exposure_attributes(told)
    elif isinstance(event, Identity):
        name, attributes = IDENTITY_EVENT, _identity_attributes(told)
    else:
        name, attributes = str(told["action"]), _context_attributes(told)
    return _Words(name, round(event.time * 1e6) * 1_000, attributes)


def _emit(logger: "Logger", words: Sequence[_Words]) -> None:
    from opentelemetry._logs import SeverityNumber
    from opentelemetry.context import Context
    from opentelemetry.trace import INVALID_SPAN, set_span_in_context

    # Whatever span there may be in this thread, the event is not of it.
    nowhere = set_span_in_context(INVALID_SPAN, Context())
    for each in words:
        logger.emit(
            event_name=each.name,
            timestamp=each.time,
            context=nowhere,
            severity_number=SeverityNumber.INFO,
            attributes=each.attributes,
        )


def _exposure_attributes(record: Record) -> dict[str, str]:
    return {
        "feature_flag.key": str(record["experiment"]),
        "feature_flag.result.variant": str(record["variant"]),
        # Whatever is logged as an exposure was assigned at random.
        "feature_flag.result.reason": "split",
        "feature_flag.context.id": str(record["unit_id"]),
        "feature_flag.provider.name": "abkit",
        "feature_flag.version": str(record["salt"]),
        "abkit.unit_type": str(record["unit_type"]),
        **({} if record["weights"] is None else {"abkit.weights": str(record["weights"])}),
        **_context_attributes(record),
    }


def _identity_attributes(record: Record) -> dict[str, str]:
    columns = ("insert_id", "from_type", "from_id", "to_type", "to_id")
    return {f"abkit.{column}": str(record[column]) for column in columns}


def _context_attributes(record: Record) -> dict[str, str]:
    attributes = {"abkit.insert_id": str(record["insert_id"])}
    if record["user_id"] is not None:
        attributes["user.id"] = str(record["user_id"])
    if isinstance(record["groups"], Mapping):
        attributes |= {f"abkit.group.{kind}": str(key) for kind, key in record["groups"].items()}
    if record["properties"] is not None:
        attributes["abkit.properties"] = str(record["properties"])
    return attributes
