"""Identities are deduplicated like exposures, and arrive like them."""

import pickle

import pytest

from abkit.events import Event, Identity
from abkit.exposure.fanout import FanOut
from abkit.exposure.logger import ExposureLogger
from abkit.exposure.outbox.journal import event_entry, read
from abkit.sinks.memory import MemorySink

from .events import NOON

SIGNED_UP = Identity("visitor", "v1", "user", "7", NOON)
DAY = 86_400


def test_it_arrives_once_a_day_with_one_insert_id_at_every_destination() -> None:
    sinks = MemorySink(), MemorySink()
    with FanOut(*sinks) as logger:
        for time in (NOON, NOON + 60, NOON + DAY):
            logger(SIGNED_UP._replace(time=time))
        logger(SIGNED_UP._replace(to_id="8"))
    assert [(each.to_id, each.time) for each in sinks[0].identities] == [
        ("7", NOON),
        ("7", NOON + DAY),
        ("8", NOON),
    ]
    assert sinks[0].events == sinks[1].events
    assert len({each.insert_id for each in sinks[0].identities}) == 3
    assert [stats.deduplicated for stats in logger.stats] == [1, 1]


def test_the_ids_are_told_apart_wherever_one_ends_and_the_other_begins() -> None:
    sink = MemorySink()
    pairs = [("1", "23"), ("12", "3"), ("1:2", "3"), ("", "123")]
    with ExposureLogger(sink) as logger:
        for visitor, user in pairs:
            logger(SIGNED_UP._replace(from_id=visitor, to_id=user))
    assert [(each.from_id, each.to_id) for each in sink.identities] == pairs


def test_what_was_not_taken_may_come_again() -> None:
    sink = MemorySink()
    with ExposureLogger(sink, max_queue=1) as logger:
        logger(SIGNED_UP._replace(from_id=7))  # type: ignore[arg-type]
        logger(SIGNED_UP)
        assert logger.flush()
    assert sink.identities == [SIGNED_UP._replace(insert_id=sink.identities[0].insert_id)]
    assert logger.stats.failed == 1


@pytest.mark.parametrize("user", ["7", "\ud800", 'a"b\n'])
def test_the_outbox_has_it_as_it_was(user: str) -> None:
    event: Event = SIGNED_UP._replace(to_id=user, insert_id="i")
    assert read(event_entry(event)).events == (event,)
    assert pickle.loads(pickle.dumps(event)) == event
