"""PlanOut 0.6.0 itself, made to import on today's Python."""

import collections
import collections.abc
from collections.abc import Iterable
from importlib import import_module
from types import ModuleType
from typing import Any, TypeAlias

History: TypeAlias = Iterable[tuple[Any, ...]]


def planout(name: str) -> ModuleType:
    """A module of PlanOut; it looks for MutableMapping where Python 3.9 still had it."""
    collections.MutableMapping = collections.abc.MutableMapping  # type: ignore[attr-defined]
    try:
        return import_module(f"planout.{name}")
    finally:
        del collections.MutableMapping  # type: ignore[attr-defined]


class _Python2Dict(dict[Any, Any]):
    """What `remove_experiment` of 0.6.0 takes a dict for."""

    def iteritems(self) -> Iterable[tuple[Any, Any]]:
        return self.items()


def namespace_of_planout(
    name: str, num_segments: int, history: History, *, fast_sample: bool = False
) -> Any:
    """PlanOut's SimpleNamespace after a history; its experiments assign nothing."""
    experiment = planout("experiment").DefaultExperiment

    class Replayed(planout("namespace").SimpleNamespace):  # type: ignore[misc]
        def setup(self) -> None:
            self.name = name
            self.primary_unit = "unit"
            self.num_segments = num_segments
            self.segment_allocations = _Python2Dict()

        def setup_experiments(self) -> None:
            for event, experiment_name, *segments in history:
                if event == "add":
                    self.add_experiment(experiment_name, experiment, *segments)
                else:
                    self.remove_experiment(experiment_name)

    return Replayed(unit="u", **({"use_fast_sample": True} if fast_sample else {}))


def slots_of(namespace: Any) -> dict[str, frozenset[int]]:
    """The segments of each experiment of a SimpleNamespace."""
    owners = namespace.segment_allocations
    return {
        name: frozenset(segment for segment, owner in owners.items() if owner == name)
        for name in namespace.current_experiments
    }
