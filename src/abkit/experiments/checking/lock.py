"""What decides an assignment, written down, so that a change of it is seen before it is deployed."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from attrs import frozen

from abkit.errors import ConfigError, DeclarationError
from abkit.events import Variant
from abkit.experiments.checking import phases
from abkit.experiments.checking.lock_file import (
    HISTORIES,
    LOCK_FILE,
    REWRITE,
    lock_exists,
    read_lock,
    write_lock,
)
from abkit.experiments.checking.locked import locked
from abkit.experiments.checking.registration import amendments, differences, judged
from abkit.experiments.deciding.decision import split_of
from abkit.experiments.deciding.gates import checks_of
from abkit.experiments.declaring.declaration import Bucketing, Declaration
from abkit.experiments.declaring.experiment import Experiment
from abkit.experiments.declaring.holdout import Holdout
from abkit.experiments.declaring.layer import Layer

__all__ = [
    "LOCK_FILE",
    "Change",
    "Moves",
    "amended_after_start",
    "compare",
    "lock_exists",
    "locked",
    "read_lock",
    "write_lock",
]

UNITS = 100_000
"""How many units a change is computed on: the ids "0" to "99999"."""


@frozen(kw_only=True)
class Moves:
    """What a change does to units, computed on UNITS ids.

    Attributes:
        enrolled_before: Units that took part before.
        moved: Of these, those that take part in another variant now.
        left: Of these, those that take part no more.
        joined: Units that take part now and did not before.
    """

    enrolled_before: int
    moved: int
    left: int
    joined: int

    @property
    def spares_all(self) -> bool:
        """Whether those that took part before notice nothing."""
        return not (self.moved or self.left)

    def __str__(self) -> str:
        if not (self.moved or self.left or self.joined):
            return "moves nobody"
        said = [
            f"moves {_share(self.moved, self.enrolled_before)} of enrolled units to another variant"
        ]
        if self.left:
            said.append(f"takes {_share(self.left, self.enrolled_before)} of enrolled units out")
        if self.joined:
            said.append(f"enrols {_share(self.joined, UNITS)} of all units anew")
        return ", ".join(said)


@frozen
class Change:
    """How an experiment differs from what was written down.

    Attributes:
        experiment: Its name.
        what: What changed, such as "salt: 'a' -> 'b'".
        moves: What that does to units that keep no variant; None if only code knows.
        sticky: Whether units that were exposed keep their variant all the same.
        phase: What of it starts a new phase, such as "weights 90/10 -> 50/50".
    """

    experiment: str
    what: tuple[str, ...]
    moves: Moves | None
    sticky: bool = False
    phase: tuple[str, ...] = ()

    def __str__(self) -> str:
        effect = "nobody can say whom it moves: code decides" if self.moves is None else self.moves
        begun = f"; starts a new phase: {', '.join(self.phase)}" if self.phase else ""
        return f"{self.experiment}: {'; '.join(self.what)}{begun} ({effect}{self._but()})"

    def _but(self) -> str:
        """What being sticky does about it."""
        if not self.sticky or (self.moves is not None and self.moves.spares_all):
            return ""
        return "; it is sticky: units that were exposed keep their variant and stay"


def compare(
    before: Mapping[str, dict[str, Any]], experiments: Iterable[type[Experiment]]
) -> tuple[Change, ...]:
    """How the experiments differ from what was written down."""
    changes: list[Change] = []
    names = set()
    for experiment in experiments:
        names.add(experiment.name)
        old, new = before.get(experiment.name), locked(experiment)
        if old is None:
            changes.append(Change(experiment.name, ("is new",), None if _in_code(new) else _none()))
        elif differing := (*_differences(old, new), *_differently_judged(old, experiment)):
            moves = None if _in_code(old) or _in_code(new) else _moves(old, new, experiment.name)
            # What was not sticky before has nothing in the store yet.
            sticky = bool(old.get("sticky") and new.get("sticky"))
            begun = _begun(old, new, experiment.name)
            changes.append(Change(experiment.name, differing, moves, sticky, begun))
    changes += [Change(name, ("is gone",), _none()) for name in before if name not in names]
    return tuple(changes)


def _differently_judged(old: Mapping[str, Any], experiment: type[Experiment]) -> tuple[str, ...]:
    """How what an experiment is judged by differs from what was written down last."""
    history = old.get("judged", ())
    return differences(history[-1], judged(experiment.declaration)) if history else ()


def amended_after_start(
    locks: Mapping[str, dict[str, Any]], experiments: Iterable[type[Experiment]]
) -> tuple[str, ...]:
    """What was changed, after its declared start, in how an experiment is judged, in sentences."""
    return tuple(
        f"{experiment.name}: {each.since(start)}, {each.at:%Y-%m-%d}, after the experiment had started"
        for experiment in experiments
        if (starts := experiment.declaration.starts) is not None
        for start in (datetime.fromtimestamp(starts, tz=UTC),)
        for each in amendments(locks.get(experiment.name, {}).get("judged", ()))
        if each.at >= start
    )


def _none() -> Moves:
    return Moves(enrolled_before=0, moved=0, left=0, joined=0)


def _in_code(lock: Mapping[str, Any]) -> bool:
    return any(lock.get("code", {}).values())


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        _difference(key, old.get(key), new.get(key))
        for key in {**new, **old}
        if key not in HISTORIES
        and old.get(key) != new.get(key)
        and not (key == "drawn" and None in (old.get(key), new.get(key)))
    )


def _difference(key: str, before: object, after: object) -> str:
    if key == "code":
        return "code changed"
    if key == "sticky":
        ended = (
            "is sticky no more: what was kept does not count, and units go where their hash says"
        )
        return "is sticky now" if after else ended
    return f"{key}: {_brief(before)} -> {_brief(after)}"


def _brief(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _moves(old: Mapping[str, Any], new: Mapping[str, Any], name: str) -> Moves | None:
    try:
        before, after = _variants(_declaration(old, name)), _variants(_declaration(new, name))
    except (DeclarationError, KeyError, TypeError, ValueError) as error:
        raise _unreadable(name, error) from None
    pairs = [*zip(before, after, strict=True)]
    return Moves(
        enrolled_before=sum(was is not None for was in before),
        moved=sum(was is not None and now is not None and was != now for was, now in pairs),
        left=sum(was is not None and now is None for was, now in pairs),
        joined=sum(was is None and now is not None for was, now in pairs),
    )


def _begun(old: Mapping[str, Any], new: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """What of a change starts a new phase."""
    try:
        return phases.begun(old, new)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unreadable(name, error) from None


def _unreadable(name: str, error: Exception) -> ConfigError:
    message = f"The lock of {name} cannot be read ({error}); {REWRITE}"
    return ConfigError(message)


def _variants(declaration: Declaration) -> list[Variant | None]:
    """The variant of each of the units, None for those that take no part."""
    checks, choose = checks_of(declaration), split_of(declaration).choose
    return [
        None if any(check(unit_id) is not None for check in checks) else choose(unit_id)
        for unit_id in map(str, range(UNITS))
    ]


def _declaration(lock: Mapping[str, Any], name: str) -> Declaration:
    """As much of a declaration as decides, from what was written down."""
    layer = lock["layer"]
    return Declaration(
        name=name,
        salt=lock["salt"],
        unit_type=lock["unit_type"],
        param_name=lock["param_name"],
        weights=MappingProxyType(dict(lock["variants"])),
        control=None,
        bucketing=Bucketing(lock["bucketing"]),
        rollout=lock["rollout"],
        starts=None,
        ends=None,
        enabled=True,
        winner=None,
        forced=MappingProxyType({}),
        layer=None if layer is None else Layer(layer["salt"], size=layer["size"]),
        slots=range(0)
        if layer is None
        else frozenset(slot for first, last in layer["slots"] for slot in range(first, last + 1)),
        holdouts=tuple(Holdout(each["salt"], each["share"]) for each in lock["holdouts"]),
        metrics=(),
        hypothesis="",
        owner="",
    )


def _share(part: int, of: int) -> str:
    return f"{part / of:.1%}" if of else "0%"
