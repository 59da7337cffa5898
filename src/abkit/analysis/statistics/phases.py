"""Phases: the exposures that were drawn with one and the same weights. Pure."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from math import isfinite
from types import MappingProxyType

from attrs import field, frozen

SAME = 1e-6
"""Shares that differ by no more are one share, rounded in two ways."""

_UNKNOWN: Mapping[str, float] = MappingProxyType({})


@frozen(kw_only=True)
class Phase:
    """A part of an experiment in which all units were drawn with the same weights.

    Attributes:
        weights: Each variant's share; they sum to 1. Empty if they are not known.
        first: The first exposure with these weights, UTC; None if that was not asked for.
        units: The units of each variant whose first exposure was with them.
        compared: The variants that are compared with the control in this phase; of the others, or of the
            control, it has fewer than two units.
    """

    weights: Mapping[str, float]
    first: datetime | None = None
    units: Mapping[str, int] = field(factory=lambda: MappingProxyType({}))
    compared: tuple[str, ...] = ()


@frozen
class Told:
    """What exposures tell of their weights.

    Attributes:
        text: The column's text; None if there is none.
        first: The first exposure that has it, UTC; None if that was not asked for.
    """

    text: str | None
    first: datetime | None = None


def phases_of(
    told: Iterable[Told], designed: Callable[[], Mapping[str, float]]
) -> tuple[tuple[Phase, tuple[str | None, ...]], ...]:
    """The phases, in the order of their first exposures, each with the texts that tell its weights.

    Args:
        told: Each text once, in the order of their first exposures.
        designed: Gives the designed weights, empty if they are not known: those of exposures that tell
            none. It is asked at most once.
    """
    found: list[tuple[Phase, list[str | None]]] = []
    design: Mapping[str, float] | None = None
    for one in told:
        weights = weights_in(one.text)
        if not weights:
            design = shares(designed()) if design is None else design
            weights = design
        same = next((texts for phase, texts in found if are_same(phase.weights, weights)), None)
        if same is None:
            found.append((Phase(weights=weights, first=one.first), [one.text]))
        else:
            same.append(one.text)
    return tuple((phase, tuple(texts)) for phase, texts in found)


def weights_in(text: str | None) -> Mapping[str, float]:
    """The shares that a text of `Exposure.weights` tells; empty if it tells none."""
    try:
        found = json.loads(text or "null")
    except ValueError:
        return _UNKNOWN
    if not isinstance(found, dict) or not all(map(_is_weight, found.values())):
        return _UNKNOWN
    return shares(found)


def shares(weights: Mapping[str, float]) -> Mapping[str, float]:
    """The weights as shares of 1; empty if they are all 0."""
    total = sum(weights.values())
    if not 0 < total < float("inf"):
        return _UNKNOWN
    return MappingProxyType({variant: weight / total for variant, weight in weights.items()})


def are_same(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Whether shares are the same, but for rounding; what is not named has a share of 0."""
    if not one or not other:
        return not one and not other
    return all(abs(one.get(v, 0.0) - other.get(v, 0.0)) <= SAME for v in {*one, *other})


def _is_weight(value: object) -> bool:
    return type(value) in {int, float} and isfinite(value) and value >= 0  # type: ignore[arg-type, operator]
