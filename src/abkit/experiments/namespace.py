"""PlanOut's namespaces: the same units in the same experiments, as a layer and its slots."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

from attrs import field, frozen

from abkit.assignment._planout import FastSample, Sample
from abkit.assignment.params import Params
from abkit.errors import DeclarationError
from abkit.experiments.layer import Layer

Added: TypeAlias = tuple[Literal["add"], str, int]
"""An experiment, by its name in the namespace, and how many segments it was given."""
Removed: TypeAlias = tuple[Literal["remove"], str]
History: TypeAlias = tuple[Added | Removed, ...]
Allocation: TypeAlias = Mapping[str, frozenset[int]]


def _in_order(history: Iterable[Added | Removed]) -> History:
    return tuple(history)


@frozen
class Namespace:
    """A PlanOut namespace, allocated once from its history.

        CHECKOUT = Namespace("checkout", 1_000, history=[("add", "basket", 200)])

        class Basket(UserExperiment):
            layer, slots, salt = CHECKOUT.layer, CHECKOUT.slots("basket"), CHECKOUT.salt("basket")

    It repeats what `SimpleNamespace` does with its `add_experiment` and `remove_experiment`, down to
    the order in which a Python set is iterated. To add an experiment, append to the history; whatever
    else changes in it moves units. A call that PlanOut refused does not belong into it.

    Attributes:
        name: The namespace's name.
        num_segments: How many segments it has.
        history: ("add", experiment, segments) and ("remove", experiment), in their order.
        fast_sample: Whether the namespace was made with `use_fast_sample`.

    Raises:
        DeclarationError: The history cannot have happened.
    """

    name: str
    num_segments: int
    history: History = field(kw_only=True, converter=_in_order)
    fast_sample: bool = field(default=False, kw_only=True)
    layer: Layer = field(init=False, repr=False, eq=False)
    """The layer whose slots are the namespace's segments."""
    allocation: Allocation = field(init=False, repr=False, eq=False)
    """The slots of each experiment that is in the namespace at the end."""

    @layer.default
    def _layer(self) -> Layer:
        return Layer(self.name, size=self.num_segments)

    @allocation.default
    def _allocation(self) -> Allocation:
        operator = FastSample if self.fast_sample else Sample
        return _replayed(self.name, self.num_segments, self.history, operator)

    def slots(self, experiment: str) -> frozenset[int]:
        """The slots of an experiment.

        Raises:
            DeclarationError: No experiment of that name is in the namespace.
        """
        try:
            return self.allocation[experiment]
        except KeyError:
            raise DeclarationError(self.name, _no_experiment(experiment, self.allocation)) from None

    def salt(self, experiment: str) -> str:
        """The salt that PlanOut gives an experiment of the namespace.

        Raises:
            DeclarationError: As `slots`.
        """
        self.slots(experiment)
        return f"{self.name}.{experiment}"


def _replayed(
    name: str, num_segments: int, history: Iterable[object], operator: type[Sample | FastSample]
) -> Allocation:
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
                    raise DeclarationError(name, _no_experiment(experiment, experiments))
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


def _no_experiment(experiment: str, experiments: Iterable[str]) -> str:
    known = ", ".join(map(repr, sorted(experiments))) or "none"
    return f"has no experiment {experiment!r} there; it has: {known}"
