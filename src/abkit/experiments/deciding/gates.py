"""What keeps a unit out by its hash alone, in order: holdouts, the layer, the freeze, the rollout.

A gate is a value: whoever serves requests compiles it once, whoever explains an answer reads its numbers.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from abkit.assignment.assignment import Reason
from abkit.assignment.hashing import first_64_bits, hash_text, sha1
from abkit.assignment.split import amplitude_allocation
from abkit.assignment.weights import HASH_RANGE
from abkit.experiments.declaring.declaration import Bucketing, Declaration
from abkit.experiments.declaring.share import share_bound

if TYPE_CHECKING:
    from abkit.experiments.declaring.holdout import Holdout
    from abkit.experiments.declaring.layer import Layer

Check: TypeAlias = Callable[[str], Reason | None]
"""From a unit's id to the reason that keeps it out; None lets it through."""


class HashGate(NamedTuple):
    """A holdout or a rollout: a hash, and the bound that it is compared with.

    Attributes:
        what: What it is called, such as "rollout".
        prefix: What is hashed before the unit's id.
        bound: The first hash that is not below it.
        share: The share of the units below it.
        below: Why a unit below it is kept out; None lets it through.
        above: The same of all others.
    """

    what: str
    prefix: str
    bound: int
    share: float
    below: Reason | None
    above: Reason | None

    def hash_of(self, unit_id: str) -> int:
        """The hash of a unit, which is compared with the bound."""
        return hash_text(f"{self.prefix}{unit_id}")

    @property
    def check(self) -> Check:
        """The gate, compiled."""
        prefix, below, above = self.prefix, self.below, self.above
        if self.bound >= HASH_RANGE:
            return lambda _: below
        end = (self.bound << 4).to_bytes(8)
        return lambda unit_id: (
            below if sha1(f"{prefix}{unit_id}".encode()).digest() < end else above
        )


class LayerGate(NamedTuple):
    """The slots of an experiment in its layer."""

    layer: "Layer"
    slots: range | frozenset[int]

    @property
    def check(self) -> Check:
        """The gate, compiled."""
        # As layer.slot, without its calls: a layer should cost little more than its hash.
        prefix, size, excluded = self.layer.prefix, self.layer.size, Reason.EXCLUDED
        slots = self.slots
        ends = (slots[0], slots[-1]) if isinstance(slots, range) else slots
        first, last = min(ends), max(ends)
        some_of_them = slots if len(slots) <= last - first else None
        # The slot is the first 60 bits modulo the size. To shift after dividing, and only where it must be,
        # is the same and quicker: so 16 values of 64 bits share a slot.
        divisor, begin, end = size << 4, first << 4, (last + 1) << 4

        def check(unit_id: str) -> Reason | None:
            (first_64,) = first_64_bits(sha1(f"{prefix}{unit_id}".encode()).digest())
            rest = first_64 % divisor
            if begin <= rest < end and (some_of_them is None or rest >> 4 in some_of_them):
                return None
            return excluded

        return check


class PercentGate(NamedTuple):
    """A rollout as Amplitude allocates: whole percentages of a hash that the variant shares.

    Attributes:
        salt: What is hashed before the unit's id.
        percent: The first allocation that is not enrolled.
    """

    salt: str
    percent: int

    @property
    def check(self) -> Check:
        """The gate, compiled."""
        salt, percent = self.salt, self.percent
        return lambda unit_id: (
            None if amplitude_allocation(salt, unit_id) < percent else Reason.NOT_ENROLLED
        )


class FreezeGate(NamedTuple):
    """Nobody new is enrolled: units that keep a variant do not come here."""

    @property
    def check(self) -> Check:
        """The gate, compiled."""
        return lambda _: Reason.NOT_ENROLLED


Gate: TypeAlias = HashGate | LayerGate | FreezeGate | PercentGate


def gate_of(holdout: "Holdout") -> HashGate:
    """A holdout as a gate: it keeps a share of the units out."""
    what, prefix, bound = f"holdout {holdout.name}", holdout.prefix, holdout.bound
    return HashGate(what, prefix, bound, holdout.share, below=Reason.HOLDOUT, above=None)


def gates_of(declaration: Declaration) -> Iterator[Gate]:
    """What can keep a unit out, in order."""
    yield from map(gate_of, declaration.holdouts)
    if declaration.layer is not None:
        yield LayerGate(declaration.layer, declaration.slots)
    if declaration.frozen:
        yield FreezeGate()
    if declaration.rollout < 1:
        if declaration.bucketing is Bucketing.AMPLITUDE:
            yield PercentGate(declaration.salt, round(declaration.rollout * 100))
        else:
            prefix, share = rollout_prefix(declaration), declaration.rollout
            yield HashGate(
                "rollout", prefix, share_bound(share), share, below=None, above=Reason.NOT_ENROLLED
            )


def checks_of(declaration: Declaration) -> tuple[Check, ...]:
    """The same, compiled."""
    return tuple(gate.check for gate in gates_of(declaration))


def rollout_prefix(declaration: Declaration) -> str:
    """What is hashed before the unit's id to enrol it: a salt that no parameter can have."""
    return f"{declaration.salt}.abkit:rollout."
