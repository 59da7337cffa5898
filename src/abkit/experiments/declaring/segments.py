"""Which segments PlanOut's namespaces give their experiments."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

from abkit.assignment._planout import FastSample, Sample
from abkit.assignment.params import Params
from abkit.errors import DeclarationError

Added: TypeAlias = tuple[Literal["add"], str, int]
"""An experiment, by its name in the namespace, and how many segments it was given."""
Removed: TypeAlias = tuple[Literal["remove"], str]
History: TypeAlias = tuple[Added | Removed, ...]
Allocation: TypeAlias = Mapping[str, frozenset[int]]


def replayed(
    name: str, num_segments: int, history: Iterable[object], *, fast_sample: bool
) -> Allocation:
    """The segments of each experiment that is in a namespace at the end of its history.

    Raises:
        DeclarationError: The history cannot have happened.
    """
    operator = FastSample if fast_sample else Sample
    # PlanOut samples from the list of a set. Its order depends on all that was added and removed:
    # hence the same operations on the same types, in the same order.
    available = set(range(num_segments))
    owners: dict[int, str] = {}
    experiments: set[str] = set()
    for event in history:
        match event:
            case ("add", str(experiment), int(segments)):
                _check_addition(name, experiment, segments, experiments, len(available))
                params = Params(name)
                params.sampled_segments = operator(
                    choices=[*available], draws=segments, unit=experiment
                )
                for segment in params.sampled_segments:
                    owners[segment] = experiment
                    available.remove(segment)
                experiments.add(experiment)
            case ("remove", str(experiment)):
                if experiment not in experiments:
                    raise DeclarationError(name, no_experiment(experiment, experiments))
                for segment in [each for each, owner in owners.items() if owner == experiment]:
                    del owners[segment]
                    available.add(segment)
                experiments.remove(experiment)
            case _:
                problem = (
                    'its history is made of ("add", experiment, segments) and ("remove", experiment), '
                    f"not {event!r}"
                )
                raise DeclarationError(name, problem)
    slots: dict[str, set[int]] = {experiment: set() for experiment in sorted(experiments)}
    for segment, experiment in owners.items():
        slots[experiment].add(segment)
    return MappingProxyType({experiment: frozenset(own) for experiment, own in slots.items()})


def _check_addition(
    name: str, experiment: str, segments: int, experiments: set[str], available: int
) -> None:
    if experiment in experiments:
        raise DeclarationError(name, f"has the experiment {experiment!r} already: remove it first")
    if isinstance(segments, bool) or segments < 0:
        problem = f"gives {experiment!r} {segments!r} segments; it must be a number of them"
        raise DeclarationError(name, problem)
    if segments > available:
        problem = f"gives {experiment!r} {segments} segments, of which only {available} are free"
        raise DeclarationError(name, problem)


def no_experiment(experiment: str, experiments: Iterable[str]) -> str:
    """What is wrong with naming an experiment that is not there."""
    known = ", ".join(map(repr, sorted(experiments))) or "none"
    return f"has no experiment {experiment!r} there; it has: {known}"
