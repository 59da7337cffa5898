"""The delivery over real HTTP, to a destination that misbehaves."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from abkit.exposure.logger import ExposureLogger
from abkit.exposure.runtime.backoff import Backoff
from abkit.sinks.base import BatchLimits

from .webhook import OK, Answer, Destination, WebhookSink, produce

ALL = {f"u-{number}": 1 for number in range(500)}
SMALL = BatchLimits(count=100)
BACKOFF = Backoff(first=0.01, longest=0.1)


@pytest.fixture
def destination() -> Iterator[Destination]:
    with Destination() as destination:
        yield destination


def deliver(destination: Destination, *, timeout: float = 5.0) -> ExposureLogger:
    logger = ExposureLogger(
        WebhookSink(destination.address, timeout=timeout), limits=SMALL, backoff=BACKOFF
    )
    produce(logger, "u", 500)
    assert logger.close(20)
    return logger


def at_first(answer: Answer, requests: int = 5) -> Any:
    return lambda request, records: answer if request <= requests else OK


def test_all_is_well(destination: Destination) -> None:
    deliver(destination)
    assert destination.units == ALL


@pytest.mark.parametrize(
    "answer",
    [
        Answer(503),
        Answer(500),
        Answer(429),
        Answer(429, {"Retry-After": "0.05"}),
        Answer(413),
        Answer(garbage=True),
    ],
)
def test_after_some_failures_all_500_arrive_once(destination: Destination, answer: Answer) -> None:
    destination.policy = at_first(answer)
    deliver(destination)
    assert destination.units == ALL


def test_a_destination_that_hangs_is_given_up_and_tried_again(destination: Destination) -> None:
    released = threading.Event()
    destination.policy = at_first(Answer(hangs=released), 2)
    deliver(destination, timeout=1.0)
    released.set()
    assert destination.units == ALL


def test_batches_that_are_too_large_are_divided(destination: Destination) -> None:
    destination.policy = lambda request, records: Answer(413) if len(records) > 7 else OK
    deliver(destination)
    assert destination.units == ALL


def test_all_events_but_those_refused_arrive(destination: Destination) -> None:
    def refuse_every_tenth(request: int, records: list[dict[str, Any]]) -> Answer:
        refused = [row["insert_id"] for row in records if row["unit_id"].endswith("0")]
        return Answer(400, rejected=refused)

    destination.policy = refuse_every_tenth
    logger = deliver(destination)
    assert len(destination.units) == 450
    assert logger.stats.rejected == len(logger.dead_letters) == 50
    assert all(letter.why == "HTTP 400" for letter in logger.dead_letters)


def test_everything_at_once(destination: Destination) -> None:
    trouble = [Answer(503), Answer(429), Answer(garbage=True), Answer(500), OK]

    def answer(request: int, records: list[dict[str, Any]]) -> Answer:
        return Answer(413) if len(records) > 60 else trouble[request % len(trouble)]

    destination.policy = answer
    deliver(destination)
    assert destination.units == ALL


def test_a_destination_that_was_down_gets_everything_while_the_process_lives() -> None:
    with Destination() as destination:
        sink = WebhookSink(destination.address)
    logger = ExposureLogger(sink, limits=SMALL, backoff=BACKOFF)
    produce(logger, "u", 500)
    assert not logger.flush(0.2)
    with Destination() as destination:
        sink.address = destination.address
        assert logger.flush(20)
        assert destination.units == ALL
    logger.close()


def test_a_destination_that_is_down_for_five_seconds_gets_everything_once() -> None:
    began = time.monotonic()

    def down_at_first(request: int, records: object) -> Answer:
        return Answer(503) if time.monotonic() - began < 5 else OK

    with Destination(down_at_first) as destination:
        logger = ExposureLogger(WebhookSink(destination.address))
        produce(logger, "u", 500)
        assert logger.flush(40)
        assert destination.units == ALL
        logger.close()
