"""What decides who enters and what they get, written down with the time of each change. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from math import isfinite
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

from abkit.events import variant_text
from abkit.experiments.checking.written_times import time_of, written_time

State = Mapping[str, Any]
"""JSON-ready values: `weights` by variant (null if only code knows them), and what decides who enters:
`rollout`, `layer`, `holdouts` and `eligible`, which names the code of that hook."""


@frozen(kw_only=True)
class LockedPhase:
    """A time in which the same weights were drawn with, and the same units could enter.

    Attributes:
        at: When it was first written down, UTC. What the first phase says also holds for the time before.
        weights: Each variant's weight; empty if only code knows them.
        entering: What was changed in who enters, such as "rollout 10% -> 50%"; empty for the first phase.
    """

    at: datetime
    weights: Mapping[str, float] = field(factory=lambda: MappingProxyType({}))
    entering: tuple[str, ...] = ()


def state_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What starts a phase when it changes, of all that the lock holds of an experiment.

    Args:
        entry: As `locked` gives it, or as a lock has it that was written without phases.
    """
    code = entry.get("code", {})
    weights = entry.get("drawn") if code.get("assign") else entry.get("variants")
    return {
        "weights": None if not weights else {variant_text(v): weight for v, weight in weights},
        "rollout": entry.get("rollout", 1),
        "layer": entry.get("layer"),
        "holdouts": entry.get("holdouts", []),
        "eligible": code.get("eligible"),
    }


def recorded(
    before: Mapping[str, Any] | None, now: Mapping[str, Any], *, at: datetime
) -> list[State]:
    """The history of an experiment's phases, with a new one if something was changed.

    A lock that was written without phases tells what held until now: its history begins with that.

    Args:
        before: What the lock holds of the experiment; None if it is new.
        now: The same as it is now.
        at: The time, UTC.
    """
    said = written_time(at)
    history = [] if before is None else [*before.get("phases", ())]
    if before is not None and not history:
        history = [{"at": said, **state_of(before)}]
    if before is not None and not begun(before, now):
        return history
    return [*history, {"at": said, **state_of(now)}]


def begun(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """What starts a new phase, such as "weights 90/10 -> 50/50"; empty if nothing does.

    Args:
        before: What the lock holds of the experiment.
        now: The same as it is now.
    """
    history = before.get("phases", ())
    last, state = history[-1] if history else state_of(before), state_of(now)
    return (*_weights(last, state), *_entering(last, state))


def locked_phases(history: Sequence[State]) -> tuple[LockedPhase, ...]:
    """The phases that were written down, the oldest first.

    Raises:
        ValueError: A phase has no time; or a `KeyError`, a `TypeError` or an `AttributeError`, as it has
            another form.
    """
    # Two branches that were merged may have left them in another order.
    states = sorted(history, key=time_of)
    changes = [(), *(tuple(_entering(*pair)) for pair in pairwise(states))]
    return tuple(
        LockedPhase(at=time_of(state), weights=_weights_of(state), entering=entering)
        for state, entering in zip(states, changes, strict=False)
    )


def _weights_of(state: State) -> Mapping[str, float]:
    weights = {variant: float(weight) for variant, weight in (state["weights"] or {}).items()}
    usable = all(isfinite(weight) and weight >= 0 for weight in weights.values())
    if weights and not (usable and 0 < sum(weights.values()) < float("inf")):
        message = f"weights must be numbers >= 0, one of them above 0, not {state['weights']!r}"
        raise ValueError(message)
    return MappingProxyType(weights)


def _weights(before: State, after: State) -> Iterable[str]:
    old, new = before.get("weights") or {}, after.get("weights") or {}
    if _shares(old) != _shares(new):
        named = [*old] != [*new]
        yield f"weights {_split(old, named=named)} -> {_split(new, named=named)}"


def _entering(before: State, after: State) -> Iterable[str]:
    for name, told in _TOLD.items():
        was, now = before.get(name), after.get(name)
        if was != now:
            yield told(was, now)


def _shares(weights: Mapping[str, float]) -> Mapping[str, float]:
    total = sum(weights.values())
    return {variant: round(weight / total, 9) for variant, weight in weights.items() if total}


def _split(weights: Mapping[str, float], *, named: bool) -> str:
    """The shares in percent, such as "90/10", or "old 90/new 10" where the variants are others."""
    if not weights:
        return "not known"
    shares = _shares(weights) or dict.fromkeys(weights, 0.0)
    return "/".join(
        f"{variant} {100 * share:.4g}" if named else f"{100 * share:.4g}"
        for variant, share in shares.items()
    )


def _rollout(before: float, after: float) -> str:
    return f"rollout {100 * before:.4g}% -> {100 * after:.4g}%"


def _layer(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    return f"layer {_slots(before)} -> {_slots(after)}"


def _slots(layer: Mapping[str, Any] | None) -> str:
    if layer is None:
        return "none"
    held = sum(last - first + 1 for first, last in layer["slots"])
    return f"{layer['salt']!r} ({held} of {layer['size']} slots)"


def _holdouts(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> str:
    return f"holdouts {_kept_out(before)} -> {_kept_out(after)}"


def _kept_out(holdouts: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{of['salt']!r} ({100 * of['share']:.4g}%)" for of in holdouts) or "none"


def _eligible(before: str | None, after: str | None) -> str:
    if before is None:
        return "eligible() was added"
    return "eligible() was removed" if after is None else "the code of eligible() changed"


_TOLD: Mapping[str, Callable[[Any, Any], str]] = MappingProxyType(
    {"rollout": _rollout, "layer": _layer, "holdouts": _holdouts, "eligible": _eligible}
)
