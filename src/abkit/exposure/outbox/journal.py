"""The entries of an outbox's files: events, and which of them are settled. Pure: values in, bytes out."""

import json
import json.encoder
import zlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from attrs import frozen

from abkit.events import Action, Event, Exposure, Identity
from abkit.exposure.stats import DeadLetter
from abkit.sinks.records import json_object

# Plain ASCII with escapes, so that an entry has no line break and lone surrogates survive.
_encode = json.JSONEncoder(separators=(",", ":")).encode
_text = json.encoder.encode_basestring_ascii

_CHECKSUM = 8
_EXPOSURE = "exposure"
_ACTION = "action"
_IDENTITY = "identity"
_SETTLED = "settled"
_DEAD_LETTER = "dead letter"
_LENGTHS = {_EXPOSURE: (11, 12), _ACTION: (7,)}  # Older versions wrote no weights.
_SCALAR = str | int | float | None


@frozen
class Journal:
    """What is left of a file's entries.

    Attributes:
        events: Those that are not settled, in the order in which they were written.
        dead_letters: Events that a destination will never take.
        damaged: How many entries cannot be read, because they are damaged or of a form that this version does
            not know. An incomplete last one is not counted: a process that was killed has left it.
    """

    events: tuple[Event, ...]
    dead_letters: tuple[DeadLetter, ...]
    damaged: int


def event_entry(event: Event) -> bytes:
    """The entry of an event.

    Raises:
        TypeError: A part of the event is of a kind that none of its kind has.
        AttributeError: It is no event.
    """
    return _entry(_event_json(event))


def settled_entry(insert_ids: Iterable[str]) -> bytes:
    """The entry that says that the events of these insert ids need not be sent any more."""
    return _entry(_encode([_SETTLED, *insert_ids]))


def dead_letter_entry(letter: DeadLetter) -> bytes:
    """The entry of an event that is set aside."""
    return _entry(f'["{_DEAD_LETTER}",{_json(letter.why)},{_event_json(letter.event)}]')


def read(content: bytes) -> Journal:
    """Read entries, whatever has become of them."""
    events: dict[str, Event] = {}
    letters: list[DeadLetter] = []
    settled: set[str] = set()
    damaged = 0
    lines = content.split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        content = line[_CHECKSUM:]
        if line[:_CHECKSUM] != b"%08x" % zlib.crc32(content):
            damaged += number < len(lines)
            continue
        match _values(content):
            case [str(kind), *names] if kind == _SETTLED and _are_texts(names):
                settled.update(names)
            case [str(kind), str(why), [*values]] if kind == _DEAD_LETTER and _is_event(values):
                letters.append(DeadLetter(_event(values), why))
            case [str(_), str(name), *_] as values if _is_event(values):
                events[name] = _event(values)
            case _:
                damaged += 1
    left = tuple(event for name, event in events.items() if name not in settled)
    return Journal(left, tuple(letters), damaged)


def _entry(content: str) -> bytes:
    # The line break comes first: whatever was written incompletely before does not spoil this entry, and
    # whether this one is complete its checksum says.
    ascii_ = content.encode("ascii")
    return b"\n%08x%b" % (zlib.crc32(ascii_), ascii_)


def _values(content: bytes) -> list[Any]:
    """What an entry says; nothing if that is no JSON array."""
    try:
        values: object = json.loads(content)
    except (ValueError, RecursionError):
        return []
    return values if isinstance(values, list) else []


def _are_texts(values: list[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _is_event(values: list[Any]) -> bool:
    """Whether this is what `_event_json` writes."""
    match values:
        case [str(kind), str(_), int() | float(), str(_), str(_), str(_), str(_)] if (
            kind == _IDENTITY
        ):
            return True
        case [str(kind), str(_), int() | float(), user_id, groups, properties, *rest]:
            return (
                len(values) in _LENGTHS.get(kind, ())
                and all(isinstance(value, _SCALAR) for value in (user_id, *rest))
                and all(not value or isinstance(value, dict) for value in (groups, properties))
            )
        case _:
            return False


def _event_json(event: Event) -> str:
    """The event as a JSON array. Put together by hand: the encoder takes three times as long."""
    if isinstance(event, Identity):
        return _encode([_IDENTITY, event.insert_id, event.time, *event[:4]])
    user_id, groups = event.user_id, event.groups
    common = (
        f"{_json(event.insert_id)},{_json(event.time)},"
        f"{'null' if user_id is None else _json(user_id)},"
        f"{_object(groups) if groups else 0},"
        f"{_properties(event) if event.properties else 0}"
    )
    if isinstance(event, Exposure):
        declared = _declared(event.experiment, event.salt, event.unit_type)
        own = f"{_json(event.unit_id)},{_json(event.variant)}"
        weights = "" if event.weights is None else f",{_declared(event.weights)}"
        return f'["{_EXPOSURE}",{common},{declared},{own}{weights}]'
    return f'["{_ACTION}",{common},{_json(event.name)}]'


def _json(value: object) -> str:
    if type(value) is str:
        return _text(value)
    if type(value) is float and value - value == 0:
        return repr(value)
    return _encode(value)


def _object(groups: Mapping[str, str]) -> str:
    return "{" + ",".join([f"{_json(str(k))}:{_json(v)}" for k, v in groups.items()]) + "}"


@lru_cache(maxsize=1_000)
def _declared(*texts: str) -> str:
    return ",".join([_json(text) for text in texts])


def _properties(event: Exposure | Action) -> str:
    try:
        return _encode(dict(event.properties))
    except (TypeError, ValueError, RecursionError):
        return _encode(json.loads(json_object(event.properties) or "{}"))


def _event(values: list[Any]) -> Event:
    if values[0] == _IDENTITY:
        _, name, time, from_type, from_id, to_type, to_id = values
        return Identity(from_type, from_id, to_type, to_id, time, name)
    kind, name, time, user_id, groups, properties, *rest = values
    known: dict[str, Any] = {"insert_id": name, "time": time, "user_id": user_id}
    if groups:
        known["groups"] = groups
    if properties:
        known["properties"] = properties
    if kind == _ACTION:
        return Action(**known, name=rest[0])
    names = ("experiment", "salt", "unit_type", "unit_id", "variant", "weights")
    return Exposure(**known, **dict(zip(names, rest, strict=False)))
