"""How identities are deduplicated: by the same stores as exposures."""

from abkit.events import Exposure, Identity
from abkit.exposure.dedup.base import Reservation
from abkit.sinks.records import insert_id

_EXPERIMENT = "$identity"
"""What no experiment of a person's is called."""


def as_exposure(identity: Identity) -> Exposure:
    """An exposure of a unit that is named by both ids, to deduplicate the identity by."""
    unit = f"{len(identity.from_id)}:{identity.from_id}{identity.to_id}"
    return Exposure(_EXPERIMENT, identity.from_type, identity.to_type, unit, "", identity.time)


def with_insert_id(identity: Identity, stand_in: Exposure, reserved: Reservation) -> Identity:
    """The identity with its insert id: its own, or the one that follows from it and its window."""
    if identity.insert_id:
        return identity
    name = insert_id(stand_in, window=int(reserved.window), ordinal=reserved.ordinal)
    return identity._replace(insert_id=name)
