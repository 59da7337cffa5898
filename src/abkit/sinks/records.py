"""Events as plain records with the columns of `abkit.events`, and the insert ids of exposures."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Literal, TypeAlias

from abkit.events import Action, Event, Exposure, Identity, Variant, variant_text

Record: TypeAlias = dict[str, object]

_DEEPEST = 40
_LONGEST_INT = 2_000  # bits
_KINDS = {bool: "bool", int: "int", float: "float", str: "str"}
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def exposure_record(exposure: Exposure) -> Record:
    """Return the exposure as a record with exactly the columns of EXPOSURE_COLUMNS."""
    return {
        "insert_id": _clean(exposure.insert_id),
        "time": _instant(exposure.time),
        "experiment": _clean(exposure.experiment),
        "salt": _clean(exposure.salt),
        "unit_type": _clean(exposure.unit_type),
        "unit_id": _clean(exposure.unit_id),
        "variant": _clean(variant_text(exposure.variant)),
        **_context(exposure),
        "weights": None if exposure.weights is None else _clean(exposure.weights),
    }


def action_record(action: Action) -> Record:
    """Return the action as a record with exactly the columns of ACTION_COLUMNS."""
    return {
        "insert_id": _clean(action.insert_id),
        "time": _instant(action.time),
        "action": _clean(action.name),
        **_context(action),
    }


def identity_record(identity: Identity) -> Record:
    """Return the identity as a record with exactly the columns of IDENTITY_COLUMNS."""
    return {
        "insert_id": _clean(identity.insert_id),
        "time": _instant(identity.time),
        "from_type": _clean(identity.from_type),
        "from_id": _clean(identity.from_id),
        "to_type": _clean(identity.to_type),
        "to_id": _clean(identity.to_id),
    }


def kind_of(event: Event) -> Literal["exposure", "action", "identity"]:
    """What an event is called in texts."""
    if isinstance(event, Exposure):
        return "exposure"
    return "identity" if isinstance(event, Identity) else "action"


def record(event: Event) -> Record:
    """Return the event as a record with the columns of its kind, as `abkit.events` has them.

    Raises:
        Exception: A part of the event cannot be converted. This is whatever the objects in it raise.
    """
    if isinstance(event, Exposure):
        return exposure_record(event)
    return identity_record(event) if isinstance(event, Identity) else action_record(event)


def by_kind(
    told: Iterable[tuple[Event, Record]],
) -> tuple[list[Record], list[Record], list[Record]]:
    """The records of the exposures, the actions and the identities, in the order of the events."""
    exposures: list[Record] = []
    actions: list[Record] = []
    identities: list[Record] = []
    for event, each in told:
        if isinstance(event, Exposure):
            exposures.append(each)
        else:
            (identities if isinstance(event, Identity) else actions).append(each)
    return exposures, actions, identities


def json_line(record: Record) -> str:
    """Return the record as a JSON object on one line; its time is ISO 8601 with microseconds and Z."""
    time = record["time"]
    if isinstance(time, datetime):
        iso = time.isoformat(timespec="microseconds")
        record = {**record, "time": iso.replace("+00:00", "Z")}
    return _encode(record)


def json_object(properties: Mapping[str, object]) -> str | None:
    """Return the properties as a JSON object, or None if there are none.

    Values that JSON does not have (dates, decimals, NaN, a container that contains itself) become text.
    """
    if not properties:
        return None
    try:
        text = _encode(properties)
    except (TypeError, ValueError, RecursionError):
        text = _encode(_plain(properties, ()))
    return _clean(text)


def insert_id(exposure: Exposure, *, window: int, ordinal: int) -> str:
    """Return the insert id of an exposure. It is the same in every process and Python version.

    Args:
        exposure: The exposure; its time and its properties do not matter.
        window: The index of the deduplication window.
        ordinal: How many times the unit had changed its variant before, within the window.

    Returns:
        32 hexadecimal digits. The hashed text has the length before each part, so that two
        different exposures never have the same text, and the type of the variant, so that 1 is not "1".
    """
    unit_id, variant = exposure.unit_id, exposure.variant
    # All but the unit's id is what the units of an experiment share: it is worded once.
    before = _lengths(exposure.experiment, exposure.salt, exposure.unit_type)
    after = _suffix(variant, window, ordinal)
    text = f"{before}{len(unit_id)}:{unit_id}{after}"
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@lru_cache(maxsize=1_000, typed=True)
def _suffix(variant: Variant, window: int, ordinal: int) -> str:
    value = variant_text(variant)
    return f"{_KINDS.get(type(variant)) or _kind(variant)}{len(value)}:{value}{window}:{ordinal}"


@lru_cache(maxsize=1_000)
def _lengths(*parts: str) -> str:
    return "".join([f"{len(part)}:{part}" for part in parts])


def _kind(variant: Variant) -> str:
    """The kind of a variant whose type derives from one of the four, such as an enumeration's."""
    return next((name for kind, name in _KINDS.items() if isinstance(variant, kind)), "str")


def _context(event: Exposure | Action) -> Record:
    properties: object = event.properties
    if not isinstance(properties, Mapping):
        message = f"the properties must be a mapping, not {type(properties).__name__}"
        raise TypeError(message)
    return {
        "user_id": None if event.user_id is None else _clean(event.user_id),
        "groups": {_clean(str(kind)): _clean(str(group)) for kind, group in event.groups.items()},
        "properties": json_object(properties),
    }


def _instant(time: float) -> datetime:
    """Seconds since the epoch as a date.

    Raises:
        ValueError: No date is so far away. Python may call that an OSError, which is what a destination
            raises that is down.
    """
    try:
        return datetime.fromtimestamp(time, UTC)
    except (OSError, OverflowError):
        message = f"{time!r} seconds since the epoch are beyond all dates"
        raise ValueError(message) from None


def _clean(text: object) -> str:
    """The text without lone surrogates, which no file or destination takes.

    Raises:
        TypeError: It is no text.
    """
    if not isinstance(text, str):
        message = f"{text!r} must be a text"
        raise TypeError(message)
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")


def _plain(value: object, within: tuple[int, ...]) -> object:
    """The value in terms of JSON; `within` are the ids of the containers around it."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        # Python writes no longer ones: see sys.set_int_max_str_digits.
        return value if value.bit_length() < _LONGEST_INT else f"({type(value).__name__})"
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    if not isinstance(value, Mapping | list | tuple | set | frozenset):
        return str(value)
    if id(value) in within or len(within) >= _DEEPEST:
        return f"({type(value).__name__})"
    within = (*within, id(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item, within) for key, item in value.items()}
    return [_plain(item, within) for item in value]
