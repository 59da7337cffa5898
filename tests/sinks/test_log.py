"""The sink that logs events."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from abkit.sinks.log import LogSink

from .contract import WEIGHTS, SinkContract, action, exposure

LOGGER = logging.getLogger("abkit.tests.log")


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def kept() -> Iterator[Kept]:
    kept = Kept()
    LOGGER.addHandler(kept)
    LOGGER.setLevel(logging.INFO)
    yield kept
    LOGGER.removeHandler(kept)


class TestLogSink(SinkContract):
    @pytest.fixture
    def sink(self, kept: Kept) -> LogSink:
        self.kept = kept
        return LogSink(LOGGER)

    def count(self, sink: Any) -> tuple[int, int]:
        kinds = [record.getMessage().split()[0] for record in self.kept.records]
        return kinds.count("exposure"), kinds.count("action")

    def count_identities(self, sink: Any) -> int:
        return sum(record.getMessage().startswith("identity ") for record in self.kept.records)

    def test_a_line_is_the_kind_and_the_record_as_json(self, sink: LogSink, kept: Kept) -> None:
        sink.send([exposure("42", True, properties={"page": "home"}, insert_id="i1")])
        (record,) = kept.records
        kind, _, text = record.getMessage().partition(" ")
        assert kind == "exposure"
        assert json.loads(text) == {
            "insert_id": "i1",
            "time": "2024-05-17T12:30:15.123456Z",
            "experiment": "Buttons",
            "salt": "Buttons.1",
            "unit_type": "org",
            "unit_id": "42",
            "variant": "true",
            "user_id": "7",
            "groups": {"org": "42"},
            "properties": '{"page":"home"}',
            "weights": WEIGHTS,
        }

    def test_a_line_is_one_line_without_codes_for_a_terminal(
        self, sink: LogSink, kept: Kept
    ) -> None:
        name = "a\nb\u2028c\x85d\x9b31m\u202e\U000e0001 größer"
        sink.send([action(name)])
        line = kept.records[0].getMessage()
        assert line.isprintable()
        assert "größer" in line
        assert json.loads(line.partition(" ")[2])["action"] == name

    def test_handlers_find_the_record_as_a_dict(self, sink: LogSink, kept: Kept) -> None:
        sink.send([action("paid")])
        assert kept.records[0].__dict__["abkit"]["action"] == "paid"

    def test_a_level_that_is_off_logs_nothing(self, kept: Kept) -> None:
        LOGGER.setLevel(logging.WARNING)
        LogSink(LOGGER).send([exposure()])
        assert kept.records == []
        LogSink(LOGGER, level=logging.ERROR).send([exposure()])
        assert [record.levelname for record in kept.records] == ["ERROR"]

    def test_a_logger_can_be_named(self, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.INFO, "my.experiments"):
            LogSink("my.experiments").send([exposure()])
        assert [record.name for record in caplog.records] == ["my.experiments"]
        assert repr(LogSink("my.experiments")) == "<LogSink my.experiments at INFO>"
