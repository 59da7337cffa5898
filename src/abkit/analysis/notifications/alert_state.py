"""Which alerts fire, since when, and which destinations have been notified of each. Pure."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar, TypeAlias

from attrs import evolve, frozen

from abkit.analysis.notifications.alerts import Alert, Evaluation
from abkit.former_names import former_attribute, former_names

Key: TypeAlias = tuple[str, ...]
"""Identifies an alert within one experiment: `Alert.key`."""


@frozen(kw_only=True)
class FiringAlert:
    """An alert that started firing and has not been resolved.

    Attributes:
        since: When it was first seen, in UTC.
        notified: The names of the destinations that have been notified.
    """

    since: datetime
    notified: frozenset[str] = frozenset()

    told: ClassVar[property] = former_attribute("told", "notified")


AlertState: TypeAlias = Mapping[Key, FiringAlert]
"""All alerts of one run of an experiment that are firing."""


@frozen(kw_only=True)
class ExperimentRun:
    """An experiment under one salt. A new salt randomizes anew, so its alerts start afresh.

    Attributes:
        experiment: The experiment's name.
        salt: Its salt.
    """

    experiment: str
    salt: str


def next_state(before: AlertState, evaluation: Evaluation, *, now: datetime) -> AlertState:
    """The state after an evaluation: resolved alerts are removed, new ones fire from now on.

    An alert of a kind that was not evaluated stays as it was.
    """
    evaluated = {kind.value for kind in evaluation.evaluated}
    unchanged = {key: firing for key, firing in before.items() if key[0] not in evaluated}
    firing = {
        alert.key: before.get(alert.key, FiringAlert(since=now)) for alert in evaluation.alerts
    }
    return {**unchanged, **firing}


def pending_notifications(
    state: AlertState, evaluation: Evaluation, names: Iterable[str]
) -> list[tuple[Alert, str]]:
    """The alerts that are still to be sent, each with the name of a destination."""
    destinations = tuple(names)
    return [
        (alert, name)
        for alert in evaluation.alerts
        for name in destinations
        if name not in state[alert.key].notified
    ]


def mark_notified(state: AlertState, key: Key, name: str) -> AlertState:
    """The state after a destination has been notified of an alert."""
    firing = state[key]
    return {**state, key: evolve(firing, notified=firing.notified | {name})}


__getattr__: Callable[[str], Any] = former_names(
    globals(), {"Onset": "FiringAlert", "Run": "ExperimentRun"}
)
