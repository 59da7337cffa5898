"""The sink that keeps events in memory."""

from typing import Any

import pytest

from abkit.events import Event
from abkit.sinks.memory import MemorySink

from .contract import SinkContract, action, exposure


class TestMemorySink(SinkContract):
    refuses = frozenset()

    @pytest.fixture
    def sink(self) -> MemorySink:
        return MemorySink()

    def count(self, sink: Any) -> tuple[int, int]:
        return len(sink.exposures), len(sink.actions)

    def count_identities(self, sink: Any) -> int:
        return len(sink.identities)

    def test_the_events_are_kept_in_order(self, sink: MemorySink) -> None:
        batch: list[Event] = [exposure("1"), action(), exposure("2")]
        sink.send(batch[:2])
        sink.send(batch[2:])
        assert sink.events == batch
        assert repr(sink) == "<MemorySink of 3 events>"
