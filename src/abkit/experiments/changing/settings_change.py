"""What somebody changes in the settings of one experiment, as a value."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import field, frozen

from abkit.errors import DeclarationError
from abkit.events import Variant, variant_text
from abkit.experiments.declaring.declaration import Declaration
from abkit.experiments.declaring.declared_class import check_frozen, check_rollout
from abkit.experiments.declaring.subjects import unit_id_of


def _plain(keys: Mapping[str, Any]) -> dict[str, Any]:
    """The keys as a file has them: an allow-list is a table of lists."""
    return {key: _plain_forced(value) if key == "forced" else value for key, value in keys.items()}


def _plain_forced(forced: Any) -> Any:
    if not isinstance(forced, Mapping):
        return forced
    return {variant_text(variant): _plain_units(units) for variant, units in forced.items()}


def _plain_units(units: Any) -> Any:
    if isinstance(units, str) or not isinstance(units, Iterable):
        return units
    return [unit if isinstance(unit, str | int) else unit_id_of(unit) or unit for unit in units]


@frozen
class SettingsChange:
    """A change of the settings of one experiment, and who wants it.

    Attributes:
        experiment: The experiment's name.
        keys: The new values; one that is None is removed. Other keys stay as they are.
        who: Who changes it.
        why: The reason, in their words; empty if they give none.
        seen: The experiment's settings that they decided upon: if others are there when it is written,
            it is refused. None: it is right whatever is there.
        undoes: The id of the change that this one takes back, if it does.
    """

    experiment: str
    keys: Mapping[str, Any] = field(converter=_plain)
    who: str
    why: str = ""
    seen: Mapping[str, Any] | None = None
    undoes: str | None = None

    def applied_to(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """The experiment's settings after the change."""
        merged = {**before, **self.keys}
        return {key: value for key, value in merged.items() if value is not None}


def ramped(declaration: Declaration, share: float) -> Mapping[str, Any]:
    """The keys that enroll a share of the units, from 0 to 1.

    Raises:
        DeclarationError: The experiment cannot have that rollout.
    """
    check_rollout(declaration, share)
    return {"enabled": True, "rollout": share, "winner": None}


def concluded(declaration: Declaration, winner: Variant) -> Mapping[str, Any]:
    """The keys that give everybody one variant.

    Raises:
        DeclarationError: It is none of the experiment's variants.
    """
    return {"enabled": True, "winner": declaration.variant_of(winner)}


def switched_off() -> Mapping[str, Any]:
    """The keys that give everybody the default."""
    return {"enabled": False, "winner": None}


def frozen_to(declared: Declaration, frozen: bool) -> Mapping[str, Any]:
    """The keys that stop enrolling, or resume it.

    Args:
        declared: What the class declares, without settings.
        frozen: Whether nobody new is enrolled.

    Raises:
        DeclarationError: It cannot be frozen.
    """
    check_frozen(declared, frozen)
    return {"frozen": None if not frozen and not declared.frozen else frozen}


def inverse(before: Mapping[str, Any], after: Mapping[str, Any]) -> Mapping[str, Any]:
    """The keys that make `before` of `after`."""
    return {key: before.get(key) for key in {**before, **after}}


def is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two say the same of an experiment: unlike for Python, 1 and true differ."""
    return canonical(_in_one_form(one)) == canonical(_in_one_form(other))


def _in_one_form(keys: Mapping[str, Any]) -> Mapping[str, Any]:
    """A rollout of 1 is one of 1.0; a winner of 1 is not one of 1.0."""
    rollout = keys.get("rollout")
    if type(rollout) is int and rollout in {0, 1}:
        return {**keys, "rollout": float(rollout)}
    return keys


def canonical(settings: Mapping[str, Any]) -> str:
    """One text for settings that a file would hold the same way."""
    return json.dumps(settings, sort_keys=True, default=str)


def check_experiment(change: SettingsChange, declaration: Declaration) -> None:
    """Refuse to judge a change by another experiment's declaration.

    Raises:
        DeclarationError: It is of another experiment.
    """
    if change.experiment != declaration.name:
        problem = f"is not the experiment that the change is about, {change.experiment!r}"
        raise DeclarationError(declaration.name, problem)
