"""The experiments of the tests' applications."""

from abkit import ExperimentManager, OrgExperiment, UserExperiment
from abkit.events import Event


class ShowPlugins(OrgExperiment):
    variants = ["0", "1"]


class Buttons(UserExperiment):
    variants = ["old", "new"]


class Ramping(OrgExperiment):
    """Nobody takes part yet."""

    variants = ["0", "1"]
    rollout = 0.0


class Chosen(OrgExperiment):
    """The organization of the session is on the allow-list."""

    variants = ["0", "1"]
    forced = {"1": ["42"]}


EXPERIMENTS = [ShowPlugins, Buttons, Ramping, Chosen]


def manager_of(events: list[Event]) -> ExperimentManager:
    """A strict manager with all of them, whose events go into a list."""
    manager = ExperimentManager(on_event=events.append, strict=True)
    for experiment in EXPERIMENTS:
        manager.add(experiment)
    return manager


def other(variant: object) -> str:
    """The other variant."""
    return {"0": "1", "1": "0", "old": "new", "new": "old"}[str(variant)]
