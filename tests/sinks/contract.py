"""What every sink must keep. A sink's test class inherits it and says how to make and read the sink."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import pytest

from abkit.events import Action, Event, Exposure, Variant
from abkit.sinks.base import Outcome

TIME = datetime(2024, 5, 17, 12, 30, 15, 123456, tzinfo=UTC).timestamp()
_NOTHING: Mapping[str, object] = MappingProxyType({})


def exposure(
    unit_id: str = "u1",
    variant: Variant = "a",
    *,
    time: float = TIME,
    properties: Mapping[str, object] = _NOTHING,
    insert_id: str = "",
) -> Exposure:
    return Exposure(
        experiment="Buttons",
        salt="Buttons.1",
        unit_type="org",
        unit_id=unit_id,
        variant=variant,
        time=time,
        user_id="7",
        groups={"org": unit_id},
        properties=properties,
        insert_id=insert_id,
    )


def action(
    name: str = "clicked",
    *,
    time: float = TIME,
    properties: Mapping[str, object] = _NOTHING,
    insert_id: str = "",
) -> Action:
    return Action(name=name, time=time, user_id="7", properties=properties, insert_id=insert_id)


class Odd:
    def __str__(self) -> str:
        return "an odd object"


def circular() -> dict[str, object]:
    inner: dict[str, object] = {"n": 1}
    inner["self"] = inner
    return inner


ODD_PROPERTIES: dict[str, object] = {
    "nan": float("nan"),
    "infinite": float("inf"),
    "price": Decimal("9.50"),
    "date": datetime(2024, 1, 1, tzinfo=UTC),
    "odd": Odd(),
    "bytes": b"\xff",
    "set": {1},
    "nested": {"list": [1, None, {"x": float("nan")}], 3: "a number as a key"},
    "circle": circular(),
    "surrogate": "\ud800",
    "quote": "\"'\\\n\x00",
}


class SinkContract:
    """Override `sink` and `count`."""

    @pytest.fixture
    def sink(self) -> Any:
        raise NotImplementedError

    def count(self, sink: Any) -> tuple[int, int]:
        """How many exposures and actions have arrived."""
        raise NotImplementedError

    def send(self, sink: Any, *events: Event) -> None:
        # Events that come from the delivery have an insert id.
        named = [e if e.insert_id else e._replace(insert_id=uuid4().hex) for e in events]
        outcome: Outcome = sink.send(named)
        assert outcome is None

    def test_an_empty_batch_is_accepted(self, sink: Any) -> None:
        self.send(sink)
        assert self.count(sink) == (0, 0)

    def test_exposures_and_actions_may_be_mixed(self, sink: Any) -> None:
        self.send(sink, exposure("1"), action(), exposure("2"), action(), action())
        assert self.count(sink) == (2, 3)

    def test_unicode_arrives(self, sink: Any) -> None:
        self.send(sink, exposure("Zoë 🦊", "größer"), action("кликнул"), exposure("\udcff lone"))
        assert self.count(sink) == (2, 1)

    @pytest.mark.parametrize("name", ODD_PROPERTIES)
    def test_an_odd_property_does_not_matter(self, sink: Any, name: str) -> None:
        properties = {name: ODD_PROPERTIES[name]}
        self.send(sink, exposure(properties=properties), action(properties=properties))
        assert self.count(sink) == (1, 1)

    def test_every_kind_of_variant_is_accepted(self, sink: Any) -> None:
        self.send(sink, *(exposure(variant=variant) for variant in ("a", 1, 1.5, True)))
        assert self.count(sink) == (4, 0)

    def test_another_thread_may_send(self, sink: Any) -> None:
        self.send(sink, exposure("1"))
        thread = threading.Thread(target=self.send, args=(sink, exposure("2"), action()))
        thread.start()
        thread.join()
        assert self.count(sink) == (2, 1)

    def test_the_same_batch_may_come_twice(self, sink: Any) -> None:
        batch = (exposure(insert_id="i1"), action(insert_id="i2"))
        self.send(sink, *batch)
        self.send(sink, *batch)
        exposures, actions = self.count(sink)
        assert 1 <= exposures <= 2
        assert 1 <= actions <= 2
