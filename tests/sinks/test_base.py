"""What a sink may answer."""

from abkit.sinks.base import BatchLimits, Rejected, Retry, Sink
from abkit.sinks.memory import MemorySink

from .contract import exposure


def test_answers_are_values() -> None:
    assert Retry(after=1.0) == Retry(1.0)
    assert Rejected([exposure()], "no") == Rejected((exposure(),), "no", None)
    assert BatchLimits() == BatchLimits(count=2_000, size=1_000_000, age=1.0)


def test_a_class_with_a_send_method_is_a_sink() -> None:
    sink: Sink = MemorySink()
    assert sink.send([]) is None
