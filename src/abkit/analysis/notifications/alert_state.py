"""What is to be told to whom: each condition once to each destination, until it ends."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

from attrs import evolve, frozen

from abkit.analysis.notifications.alerts import Condition, Observed

Key: TypeAlias = tuple[str, ...]
"""Names a condition: `Condition.key`."""


@frozen(kw_only=True)
class Onset:
    """A condition that began to hold, and still does.

    Attributes:
        since: When that was seen first, UTC.
        told: The names of the destinations that were told.
    """

    since: datetime
    told: frozenset[str] = frozenset()


State: TypeAlias = Mapping[Key, Onset]
"""All that holds of one run of an experiment."""


@frozen(kw_only=True)
class Run:
    """What a state is about: with another salt, an experiment is randomized anew and starts afresh.

    Attributes:
        experiment: The experiment's name.
        salt: Its salt.
    """

    experiment: str
    salt: str


def advance(before: State, observed: Observed, *, now: datetime) -> State:
    """The state after a look: what ended is forgotten, what is new begins now.

    A condition of a kind that was not judged stays as it was.
    """
    judged = {kind.value for kind in observed.judged}
    kept = {key: onset for key, onset in before.items() if key[0] not in judged}
    holding = {
        condition.key: before.get(condition.key, Onset(since=now))
        for condition in observed.conditions
    }
    return {**kept, **holding}


def untold(state: State, observed: Observed, names: Iterable[str]) -> list[tuple[Condition, str]]:
    """Which condition is still to be told to which destination."""
    wanted = tuple(names)
    return [
        (condition, name)
        for condition in observed.conditions
        for name in wanted
        if name not in state[condition.key].told
    ]


def mark(state: State, key: Key, name: str) -> State:
    """The state after a destination was told of a condition."""
    onset = state[key]
    return {**state, key: evolve(onset, told=onset.told | {name})}
