"""What every sink must keep. A sink's test class inherits it and says how to make and read the sink."""

import threading
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import pytest

from abkit.events import Action, Event, Exposure, Identity, Variant
from abkit.sinks.base import Outcome, Rejected

TIME = datetime(2024, 5, 17, 12, 30, 15, 123456, tzinfo=UTC).timestamp()
WEIGHTS = '{"a":0.9,"true":0.1}'
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
        weights=WEIGHTS,
    )


def action(
    name: str = "clicked",
    *,
    time: float = TIME,
    properties: Mapping[str, object] = _NOTHING,
    insert_id: str = "",
) -> Action:
    return Action(name=name, time=time, user_id="7", properties=properties, insert_id=insert_id)


def identity(
    visitor: str = "v1", user: str = "7", *, time: float = TIME, insert_id: str = ""
) -> Identity:
    return Identity("visitor", visitor, "user", user, time, insert_id)


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


class Mute:
    def __str__(self) -> str:
        raise RuntimeError("nobody shall read this")

    __repr__ = __str__


def by_hand(**parts: Any) -> Action:
    """An action whose parts are not those that a manager would give it."""
    return action()._replace(insert_id=uuid4().hex, **parts)


def identity_by_hand(**parts: Any) -> Identity:
    return identity()._replace(insert_id=uuid4().hex, **parts)


POISON: Mapping[str, Callable[[], Event]] = MappingProxyType(
    {
        "nanoseconds": lambda: by_hand(time=1e18),
        "nanoseconds of an exposure": lambda: exposure(time=1e18, insert_id=uuid4().hex),
        "milliseconds": lambda: by_hand(time=1_700_000_000_000),
        "nan": lambda: by_hand(time=float("nan")),
        "infinite": lambda: by_hand(time=float("inf")),
        "before all dates": lambda: by_hand(time=-1e18),
        "a time beyond all floats": lambda: by_hand(time=10**5_000),
        "a time as text": lambda: by_hand(time="2024-05-17"),
        "no time": lambda: by_hand(time=None),
        "no name": lambda: by_hand(name=None),
        "a user who is no text": lambda: by_hand(user_id=7),
        "a user who cannot be shown": lambda: by_hand(user_id=Mute()),
        "groups that are no mapping": lambda: by_hand(groups=["org"]),
        "properties that are no mapping": lambda: by_hand(properties=["price"]),
        "a property that cannot be shown": lambda: by_hand(properties={"mute": Mute()}),
        "a key that cannot be shown": lambda: by_hand(properties={Mute(): 1}),
        "an id of an identity that is no text": lambda: identity_by_hand(to_id=7),
        "nanoseconds of an identity": lambda: identity_by_hand(time=1e18),
        "deep within": lambda: by_hand(properties={"a": [{"b": (Mute(),)}]}),
    }
)
"""What no sink can tell, except one that tells nothing."""

DOUBTFUL: Mapping[str, Callable[[], Event]] = MappingProxyType(
    {
        "before 1970": lambda: by_hand(time=-5.5),
        "after 2554": lambda: by_hand(time=20_000_000_000),
        "a name with a NUL": lambda: by_hand(name="click\0ed"),
        "a group with a NUL": lambda: by_hand(groups={"o\0rg": "1\0"}),
        "a NUL as property": lambda: by_hand(properties={"x\0": "\0", "y": ["\0"]}),
        "lone surrogates": lambda: by_hand(name="\ud800", properties={"\udfff": "\ud800"}),
        "a long integer": lambda: by_hand(properties={"n": 10**100, "m": -(10**5_000)}),
        "an identity with a NUL": lambda: identity_by_hand(from_id="v\0"),
        "an identity with lone surrogates": lambda: identity_by_hand(from_id="\ud800"),
        "an identity with an empty id": lambda: identity_by_hand(to_id=""),
        "an identity with a long id": lambda: identity_by_hand(from_id="v" * 2_000),
        "strange keys": lambda: by_hand(properties={(1, 2): 3, None: 4, 5.5: 6, b"\xff": 7}),
    }
)
"""What some sinks can tell and others cannot."""


class SinkContract:
    """Override `sink`, `count` and `count_identities`.

    Attributes:
        refuses: Names of events by hand that the sink refuses.
    """

    refuses: AbstractSet[str] = POISON.keys()

    @pytest.fixture
    def sink(self) -> Any:
        raise NotImplementedError

    def count(self, sink: Any) -> tuple[int, int]:
        """How many exposures and actions have arrived."""
        raise NotImplementedError

    def count_identities(self, sink: Any) -> int:
        """How many identities have arrived."""
        raise NotImplementedError

    def send(self, sink: Any, *events: Event) -> None:
        # Events that come from the delivery have an insert id.
        named = [e if e.insert_id else e._replace(insert_id=uuid4().hex) for e in events]
        outcome: Outcome = sink.send(named)
        assert outcome is None

    def outcome(self, sink: Any, batch: Sequence[Event]) -> Outcome:
        """What the sink answers to events that have their insert ids."""
        answer: Outcome = sink.send(batch)
        return answer

    def test_an_empty_batch_is_accepted(self, sink: Any) -> None:
        self.send(sink)
        assert self.count(sink) == (0, 0)

    def test_exposures_and_actions_may_be_mixed(self, sink: Any) -> None:
        self.send(sink, exposure("1"), action(), exposure("2"), action(), action())
        assert self.count(sink) == (2, 3)

    def test_identities_arrive_beside_them(self, sink: Any) -> None:
        self.send(sink, exposure("1"), identity("v1"), action(), identity("v2"))
        assert self.count(sink) == (1, 1)
        assert self.count_identities(sink) == 2

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

    def test_an_event_that_cannot_be_told_is_rejected_and_stops_no_other(self, sink: Any) -> None:
        made = {name: make() for name, make in {**POISON, **DOUBTFUL}.items()}
        batch = [exposure("1", insert_id="1"), *made.values(), exposure("2", insert_id="2")]
        outcome = self.outcome(sink, batch)
        wanted = [event for name, event in made.items() if name in self.refuses]
        refused = outcome.events if isinstance(outcome, Rejected) else ()
        assert {event.insert_id for event in refused} == {event.insert_id for event in wanted}
        assert getattr(outcome, "retry", outcome) is None
        arrived = sum(self.count(sink)) + self.count_identities(sink)
        assert arrived == len(batch) - len(wanted)

    def test_another_thread_may_send(self, sink: Any) -> None:
        self.send(sink, exposure("1"))
        thread = threading.Thread(target=self.send, args=(sink, exposure("2"), action()))
        thread.start()
        thread.join()
        assert self.count(sink) == (2, 1)

    def test_the_same_batch_may_come_twice(self, sink: Any) -> None:
        batch = (exposure(insert_id="i1"), action(insert_id="i2"), identity(insert_id="i3"))
        self.send(sink, *batch)
        self.send(sink, *batch)
        exposures, actions = self.count(sink)
        assert 1 <= exposures <= 2
        assert 1 <= actions <= 2
        assert 1 <= self.count_identities(sink) <= 2
