"""In which state an experiment is: pure."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

from abkit.experiments.declaring.declaration import Declaration


class State(StrEnum):
    """What an experiment does at the moment."""

    DRAFT = "draft"
    """It is switched off in the code, and nobody was exposed yet; or its start is still to come."""
    RUNNING = "running"
    RAMPING = "ramping"
    """It is running, for a part of the units."""
    FROZEN = "frozen"
    """Nobody new is enrolled."""
    ENDED = "ended"
    """Its declared end has passed."""
    CONCLUDED = "concluded"
    """Everybody gets one variant."""
    ROLLED_BACK = "rolled back"
    """The settings switch it off."""
    OFF = "off"
    """Its class switches it off."""


ACTIVE = (State.RUNNING, State.RAMPING, State.FROZEN)
"""The states in which units are exposed."""


def state(
    declaration: Declaration, settings: Collection[str], *, now: datetime, exposed: bool
) -> State:
    """The state of an experiment.

    Args:
        declaration: What is in force.
        settings: The fields of it that the settings changed.
        now: The time.
        exposed: Whether anybody is known to have been exposed.
    """
    if not declaration.enabled:
        if "enabled" in settings:
            return State.ROLLED_BACK
        return State.OFF if exposed else State.DRAFT
    if declaration.winner is not None:
        return State.CONCLUDED
    if declaration.starts is not None and now.timestamp() < declaration.starts:
        return State.DRAFT
    if declaration.ends is not None and now.timestamp() >= declaration.ends:
        return State.ENDED
    if declaration.frozen:
        return State.FROZEN
    return State.RAMPING if declaration.rollout < 1 else State.RUNNING
