"""What happened to a unit: the exposure, the action and the identity, and the columns of their records.

This is the one schema that the manager, the delivery, the sinks and the analysis share. Events are
named tuples because requests make them: that takes a fifth of the time of an attrs class, whose import
alone would take longer than all of abkit's.
"""

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

EXPOSURE_EVENT = "Triggered Experiment"
"""The name under which analytics destinations know an exposure."""

HELD_OUT = "holdout"
"""In exposures to a holdout, the variant of the units that it keeps out: its control."""
SHIPPED = "shipped"
"""In exposures to a holdout, the variant of all others: they get what was shipped, and what still runs."""

Variant: TypeAlias = str | int | float | bool

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Exposure(NamedTuple):
    """A unit experienced its variant of an experiment.

    Attributes:
        experiment: The experiment's name.
        salt: The experiment's salt; a new salt is a new randomization of the same experiment.
        unit_type: The type of unit that is randomized, such as "org" or "user".
        unit_id: The unit's id, as text.
        variant: The variant that the unit was exposed to.
        time: Seconds since the epoch, UTC.
        user_id: The id of the user or actor of the request, as text; None if there was none.
        groups: The ids of all other subjects by type, such as {"org": "42"}.
        properties: Additional properties from the application.
        insert_id: A permanent identifier of this event, which a destination uses to ignore duplicates. Empty
            until the exposure is accepted for delivery.
        weights: The weights with which the variant was drawn, as a JSON object of each variant's share,
            such as '{"0":0.9,"1":0.1}'; None if unknown. Exposures of one experiment with different
            weights are analyzed in separate phases.
    """

    experiment: str
    salt: str
    unit_type: str
    unit_id: str
    variant: Variant
    time: float
    user_id: str | None = None
    groups: Mapping[str, str] = _NOTHING
    properties: Mapping[str, object] = _NOTHING
    insert_id: str = ""
    weights: str | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (Exposure, _picklable(self))


class Action(NamedTuple):
    """Something that a user did; metrics are computed from actions.

    Attributes:
        name: The name of the action, such as "integration link clicked".
        time: Seconds since the epoch, UTC.
        user_id: The id of the user or actor who did it, as text; None if there was none.
        groups: The ids of all other subjects by type, such as {"org": "42"}.
        properties: Values and labels of the action, such as {"price": 9.5}.
        insert_id: As for an exposure.
    """

    name: str
    time: float
    user_id: str | None = None
    groups: Mapping[str, str] = _NOTHING
    properties: Mapping[str, object] = _NOTHING
    insert_id: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (Action, _picklable(self))


class Identity(NamedTuple):
    """Two ids belong together: a visitor signed in as a user, or a user belongs to an organization.

    The analysis counts the actions of the one for the other. No unit's variant changes by it.

    Attributes:
        from_type: The narrower of the two types, such as "visitor".
        from_id: The id of this type, as text.
        to_type: The other type, such as "user".
        to_id: The id of that type, as text.
        time: Seconds since the epoch, UTC.
        insert_id: As for an exposure.
    """

    from_type: str
    from_id: str
    to_type: str
    to_id: str
    time: float
    insert_id: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (Identity, _picklable(self))


Event: TypeAlias = Exposure | Action | Identity


_SCALARS = frozenset({str, int, float, bool, type(None)})
_CONTAINERS = (Mapping, list, tuple, set)
_DEEPEST = 100


def properties_told(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """Properties as they are now: what the caller changes later is in no event."""
    told = dict(properties)
    for value in told.values():
        if type(value) not in _SCALARS:
            return {name: _snapshot(each, {}) for name, each in told.items()}
    return told


def _snapshot(value: Any, made: dict[int, Any], depth: int = 0) -> Any:
    """A value whose containers are its own; what they hold else stays what it is.

    Args:
        value: Any value.
        made: The containers that were made so far, by the id of the caller's: one may hold itself.
        depth: How many containers are around it.
    """
    if not isinstance(value, _CONTAINERS) or depth > _DEEPEST:
        return value
    if id(value) in made:
        return made[id(value)]
    if isinstance(value, Mapping):
        own = made[id(value)] = {}
        own.update((key, _snapshot(item, made, depth + 1)) for key, item in value.items())
        return own
    if isinstance(value, list):
        listed = made[id(value)] = []
        listed += [_snapshot(item, made, depth + 1) for item in value]
        return listed
    if type(value) is tuple:
        return tuple(_snapshot(item, made, depth + 1) for item in value)
    return {*value} if isinstance(value, set) else value


def system_time() -> float:
    """The system's clock, looked up when it is asked: a test may have put another one in its place."""
    return time.time()


def _picklable(event: tuple[Any, ...]) -> list[Any]:
    return [dict(part) if isinstance(part, MappingProxyType) else part for part in event]


def _restored(kind: type[Any], parts: list[Any]) -> Any:
    return kind(*parts)


def variant_text(variant: object) -> str:
    """A variant as it stands in records and tables; a bool as JSON writes it."""
    return str(variant).lower() if isinstance(variant, bool) else str(variant)


EXPOSURE_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "insert_id": "text",
        "time": "timestamp",
        "experiment": "text",
        "salt": "text",
        "unit_type": "text",
        "unit_id": "text",
        "variant": "text",
        "user_id": "text",
        "groups": "map",
        "properties": "json",
        "weights": "text",
    }
)
"""Columns of a stored exposure; a table may lack `weights`, which older versions did not write.

timestamp: UTC with microseconds; map: text to text; json: an object as text. `weights` is the text of
`Exposure.weights`.
"""

ACTION_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "insert_id": "text",
        "time": "timestamp",
        "action": "text",
        "user_id": "text",
        "groups": "map",
        "properties": "json",
    }
)
"""Columns of a stored action; the types are those of EXPOSURE_COLUMNS."""

IDENTITY_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "insert_id": "text",
        "time": "timestamp",
        "from_type": "text",
        "from_id": "text",
        "to_type": "text",
        "to_id": "text",
    }
)
"""Columns of a stored identity; the types are those of EXPOSURE_COLUMNS."""
