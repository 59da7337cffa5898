"""Where events go: one module per destination. `abkit.sinks.base` says what a sink must do."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from abkit.lazy_names import lazy_names

if TYPE_CHECKING:
    from abkit.sinks.amplitude import AmplitudeSink
    from abkit.sinks.base import BatchLimits, Outcome, Rejected, Retry, Sink
    from abkit.sinks.files import FileSink
    from abkit.sinks.http import Answer, Client, Timeouts
    from abkit.sinks.kafka import KafkaSink
    from abkit.sinks.log import LogSink
    from abkit.sinks.memory import MemorySink
    from abkit.sinks.opentelemetry import OpenTelemetrySink
    from abkit.sinks.segment import SegmentSink
    from abkit.sinks.sql import SqlSink
    from abkit.sinks.webhook import WebhookSink, verify

__all__ = [
    "AmplitudeSink",
    "Answer",
    "BatchLimits",
    "Client",
    "FileSink",
    "KafkaSink",
    "LogSink",
    "MemorySink",
    "OpenTelemetrySink",
    "Outcome",
    "Rejected",
    "Retry",
    "SegmentSink",
    "Sink",
    "SqlSink",
    "Timeouts",
    "WebhookSink",
    "verify",
]

_PLACES = {
    "AmplitudeSink": "abkit.sinks.amplitude",
    "Answer": "abkit.sinks.http",
    "BatchLimits": "abkit.sinks.base",
    "Client": "abkit.sinks.http",
    "FileSink": "abkit.sinks.files",
    "KafkaSink": "abkit.sinks.kafka",
    "LogSink": "abkit.sinks.log",
    "MemorySink": "abkit.sinks.memory",
    "OpenTelemetrySink": "abkit.sinks.opentelemetry",
    "Outcome": "abkit.sinks.base",
    "Rejected": "abkit.sinks.base",
    "Retry": "abkit.sinks.base",
    "SegmentSink": "abkit.sinks.segment",
    "Sink": "abkit.sinks.base",
    "SqlSink": "abkit.sinks.sql",
    "Timeouts": "abkit.sinks.http",
    "WebhookSink": "abkit.sinks.webhook",
    "verify": "abkit.sinks.webhook",
}

__getattr__: Callable[[str], Any]
__dir__: Callable[[], list[str]]
__getattr__, __dir__ = lazy_names(globals(), _PLACES)
