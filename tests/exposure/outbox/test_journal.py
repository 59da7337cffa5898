"""The entries of an outbox's files."""

import json
import zlib
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from abkit.events import Action, Event, Exposure, Identity
from abkit.exposure.outbox.journal import dead_letter_entry, event_entry, read, settled_entry
from abkit.exposure.stats import DeadLetter

from ..events import action, exposure

texts = st.text(max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
common: dict[str, Any] = {
    "time": st.floats(allow_nan=False, allow_infinity=False),
    "user_id": st.none() | texts,
    "groups": st.dictionaries(texts, texts, max_size=2),
    "properties": st.dictionaries(texts, values, max_size=3),
}
exposures = st.builds(
    Exposure,
    experiment=texts,
    salt=texts,
    unit_type=texts,
    unit_id=texts,
    variant=texts | st.integers() | st.booleans() | st.floats(allow_nan=False),
    weights=st.none() | texts,
    **common,
)
actions = st.builds(Action, name=texts, **common)
identities = st.builds(
    Identity,
    from_type=texts,
    from_id=texts,
    to_type=texts,
    to_id=texts,
    time=common["time"],
)


@st.composite
def named_events(draw: st.DrawFn) -> list[Event]:
    events: list[Event] = draw(st.lists(exposures | actions | identities, max_size=6))
    names = draw(st.lists(texts, min_size=len(events), max_size=len(events), unique=True))
    return [event._replace(insert_id=name) for event, name in zip(events, names, strict=True)]


@given(named_events())
def test_what_is_written_is_read(events: list[Event]) -> None:
    journal = read(b"".join(map(event_entry, events)))
    assert journal.events == tuple(events)
    assert journal.damaged == 0
    for written, found in zip(events, journal.events, strict=True):
        if isinstance(written, Exposure) and isinstance(found, Exposure):
            assert type(written.variant) is type(found.variant)


@given(named_events(), st.data())
def test_what_is_settled_is_not_read(events: list[Event], data: st.DataObject) -> None:
    settled = [event for event in events if data.draw(st.booleans())]
    content = b"".join(map(event_entry, events))
    content += settled_entry(event.insert_id for event in settled)
    assert read(content).events == tuple(event for event in events if event not in settled)


@given(named_events(), st.data())
def test_a_file_that_ends_anywhere_has_all_entries_before(
    events: list[Event], data: st.DataObject
) -> None:
    entries = [event_entry(event) for event in events]
    content = b"".join(entries)
    end = data.draw(st.integers(0, len(content)))
    complete = sum(len(b"".join(entries[: n + 1])) <= end for n in range(len(entries)))
    journal = read(content[:end])
    assert journal.events == tuple(events[:complete])
    assert journal.damaged == 0


@given(named_events().filter(bool), st.data())
def test_a_flipped_byte_costs_one_entry_at_most_two(
    events: list[Event], data: st.DataObject
) -> None:
    """Two if it was the break between them."""
    entries = [event_entry(event) for event in events]
    content = bytearray(b"".join(entries))
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    found = read(bytes(content)).events
    assert all(event in events for event in found)
    assert len(found) >= len(events) - 2


@given(st.binary(max_size=200))
def test_garbage_is_read_as_nothing(content: bytes) -> None:
    assert read(content).events == ()


def test_damage_in_the_middle_is_counted_and_what_follows_is_read() -> None:
    events = [exposure("1"), exposure("2"), exposure("3")]
    named = [event._replace(insert_id=event.unit_id) for event in events]
    first, second, third = map(event_entry, named)
    journal = read(first + second.replace(b"Buttons", b"Bottons") + third)
    assert journal.events == (named[0], named[2])
    assert journal.damaged == 1


def test_an_entry_after_an_incomplete_one_is_read() -> None:
    """As a full disk leaves them."""
    one, other = (event_entry(exposure(unit)._replace(insert_id=unit)) for unit in "12")
    journal = read(one[:-7] + other)
    assert [event.insert_id for event in journal.events] == ["2"]
    assert journal.damaged == 1


def test_an_entry_of_a_kind_that_is_not_known_is_damage() -> None:
    unknown = settled_entry(["x"]).replace(b"settled", b"decided")
    content = unknown[9:]
    line = b"\n%08x%b" % (zlib.crc32(content), content)
    assert read(line + settled_entry(["y"])).damaged == 1


def test_an_entry_of_an_older_version_is_read_it_had_no_weights() -> None:
    content = b'["exposure","i",86400.5,"7",{"org":"42"},0,"Buttons","Buttons","org","42","a"]'
    journal = read(b"\n%08x%b" % (zlib.crc32(content), content))
    (event,) = journal.events
    assert journal.damaged == 0
    assert isinstance(event, Exposure)
    assert (event.unit_id, event.variant, event.weights) == ("42", "a", None)


def test_a_dead_letter_is_read() -> None:
    letter = DeadLetter(action()._replace(insert_id="1"), "HTTP 400\n")
    assert read(dead_letter_entry(letter)).dead_letters == (letter,)


@pytest.mark.parametrize(
    ("value", "becomes"),
    [(object, "<class 'object'>"), ({1}, [1]), (b"\xff", "b'\\xff'"), ((1, 2), [1, 2])],
)
def test_what_json_cannot_say_becomes_text_as_in_a_sink(value: object, becomes: object) -> None:
    event = Action(name="paid", time=0.0, properties={"value": value}, insert_id="1")
    (found,) = read(event_entry(event)).events
    assert isinstance(found, Action)
    assert found.properties == {"value": becomes}


def test_lone_surrogates_survive() -> None:
    event = exposure("\udcff")._replace(insert_id="\ud800")
    assert read(event_entry(event)).events == (event,)


@pytest.mark.parametrize("wrong", [None, "text", 5])
def test_what_is_no_event_is_an_error(wrong: Any) -> None:
    with pytest.raises(AttributeError):
        event_entry(wrong)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.text(max_size=3), inner),
    )
    | st.tuples(
        st.sampled_from(["exposure", "action", "settled", "dead letter"]),
        st.just("0") | st.integers() | st.lists(st.integers(), max_size=1),
        st.lists(st.none() | st.integers() | st.text() | st.lists(st.none()), max_size=9),
    ).map(lambda parts: [parts[0], parts[1], *parts[2]])
)
def test_a_record_of_any_other_form_costs_itself_alone(record: object) -> None:
    assume(record != ["settled", "1"])
    content = json.dumps(record).encode()
    line = b"\n%08x%b" % (zlib.crc32(content), content)
    events = [exposure(unit)._replace(insert_id=unit) for unit in "12"]
    first, second = map(event_entry, events)
    journal = read(first + line + second)
    assert [event for event in journal.events if event.insert_id != "0"] == events


@pytest.mark.parametrize("content", [b"[" * 100_000, b"9" * 5_000, b"no JSON", b"\xff"])
def test_what_is_no_json_is_damage_though_its_checksum_is_right(content: bytes) -> None:
    line = b"\n%08x%b" % (zlib.crc32(content), content)
    assert read(line + settled_entry(["y"])).damaged == 1
