"""How experiments share units: layers keep them apart."""

from collections.abc import Iterable, Sequence

from attrs import field, frozen

from abkit.assignment.hashing import hash_text
from abkit.errors import DeclarationError
from abkit.experiments.declaring.segments import (
    Added,
    Allocation,
    History,
    Removed,
    no_experiment,
    replayed,
)


@frozen
class Layer:
    """Mutual exclusion: each unit has one slot in a layer, and each slot at most one experiment.

    An experiment takes slots with `layer = CHECKOUT` and `slots = range(0, 5_000)`. Slots that no
    experiment takes stay free; experiments that claim the same slot are refused when registered.

    Attributes:
        name: The layer's name, and the salt of its hash unless `salt` is given.
        size: The number of slots.
        salt: Set it when the layer is renamed, so that no unit changes its slot.
    """

    name: str = field()
    size: int = field(default=10_000, kw_only=True)
    salt: str = field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise DeclarationError(
                "Layer", f"`name` must be a name that is not empty, not {self.name!r}"
            )
        if isinstance(self.size, bool) or not isinstance(self.size, int) or self.size < 1:
            raise DeclarationError(
                self.name, f"`size` must be a whole number above 0, not {self.size!r}"
            )

    @staticmethod
    def from_planout(
        name: str,
        num_segments: int,
        history: Iterable[Added | Removed],
        *,
        fast_sample: bool = False,
    ) -> "Namespace":
        """PlanOut's namespace of that name as a layer, and the slots that its experiments have there.

        Args:
            name: The namespace's name.
            num_segments: How many segments it has.
            history: ("add", experiment, segments) and ("remove", experiment), in their order.
            fast_sample: Whether the namespace was made with `use_fast_sample`.

        Raises:
            DeclarationError: The history cannot have happened.
        """
        return Namespace(name, num_segments, history=history, fast_sample=fast_sample)

    @property
    def prefix(self) -> str:
        """What is hashed before the unit's id; PlanOut's namespaces hash their segments so."""
        return f"{self.salt or self.name}.segment."

    def slot(self, unit_id: str) -> int:
        """The slot of a unit, from 0 to size - 1."""
        return hash_text(f"{self.prefix}{unit_id}") % self.size


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
        return replayed(self.name, self.num_segments, self.history, fast_sample=self.fast_sample)

    def slots(self, experiment: str) -> frozenset[int]:
        """The slots of an experiment.

        Raises:
            DeclarationError: No experiment of that name is in the namespace.
        """
        try:
            return self.allocation[experiment]
        except KeyError:
            raise DeclarationError(self.name, no_experiment(experiment, self.allocation)) from None

    def salt(self, experiment: str) -> str:
        """The salt that PlanOut gives an experiment of the namespace.

        Raises:
            DeclarationError: As `slots`.
        """
        self.slots(experiment)
        return f"{self.name}.{experiment}"


def check_slots(declared: str, layer: Layer, slots: Iterable[int]) -> range | frozenset[int]:
    """The slots that an experiment claims.

    Raises:
        DeclarationError: There is none, or one lies outside the layer.
    """
    if isinstance(slots, str | bytes) or not isinstance(slots, Iterable):
        problem = (
            f"`slots` must be whole numbers such as range(0, {layer.size // 2}), not {slots!r}"
        )
        raise DeclarationError(declared, problem)
    if isinstance(slots, range):
        claimed: Sequence[int] | frozenset[int] = slots
        outside = [slot for slot in (*slots[:1], *slots[-1:]) if not 0 <= slot < layer.size]
    else:
        claimed = frozenset(slots)
        strange = [slot for slot in claimed if not isinstance(slot, int) or isinstance(slot, bool)]
        if strange:
            raise DeclarationError(declared, f"a slot is a whole number, not {strange[0]!r}")
        outside = sorted(slot for slot in claimed if not 0 <= slot < layer.size)
    if not claimed:
        raise DeclarationError(
            declared, f"claims no slot of the layer {layer.name!r}; give `slots`"
        )
    if outside:
        problem = (
            f"claims slot {outside[0]} of the layer {layer.name!r}, "
            f"which has the slots 0 to {layer.size - 1}"
        )
        raise DeclarationError(declared, problem)
    return claimed if isinstance(claimed, range | frozenset) else frozenset(claimed)
