"""What happened to a unit: the exposure and the action, and the columns of their records.

This is the one schema that the manager, the delivery, the sinks and the analysis share. Events are
named tuples because requests make them: that takes a fifth of the time of an attrs class, whose import
alone would take longer than all of abkit's.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

EXPOSURE_EVENT = "Triggered Experiment"
"""The name under which analytics destinations know an exposure."""

Variant: TypeAlias = str | int | float | bool

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Exposure(NamedTuple):
    """The fact that a unit was subjected to an experiment.

    Attributes:
        experiment: The experiment's name.
        salt: The experiment's salt; a new salt is a new randomization of the same experiment.
        unit_type: What is randomized, such as "org" or "user".
        unit_id: The unit's id, as text.
        variant: The variant that the unit was exposed to.
        time: Seconds since the epoch, UTC.
        user_id: The id of the user or actor of the request, as text; None if there was none.
        groups: The ids of all other subjects by their kind, such as {"org": "42"}.
        properties: Whatever else the application wants to be told with the event.
        insert_id: Names this event for ever: a destination that has seen it ignores it. Empty until
            the exposure is accepted for delivery.
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


class Action(NamedTuple):
    """The behaviour of interest; a metric counts it.

    Attributes:
        name: What was done, such as "integration link clicked".
        time: Seconds since the epoch, UTC.
        user_id: The id of the user or actor who did it, as text; None if there was none.
        groups: The ids of all other subjects by their kind, such as {"org": "42"}.
        properties: Measures and labels of the action, such as {"price": 9.5}.
        insert_id: As for an exposure.
    """

    name: str
    time: float
    user_id: str | None = None
    groups: Mapping[str, str] = _NOTHING
    properties: Mapping[str, object] = _NOTHING
    insert_id: str = ""


Event: TypeAlias = Exposure | Action


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
    }
)
"""Columns of a stored exposure.

timestamp: UTC with microseconds; map: text to text; json: an object as text.
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
