"""What a person can do about an experiment: pure. `act_page` shows it, and does it."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from attrs import frozen

from abkit.analysis.amounts import amount
from abkit.analysis.experiment_sums import ExperimentSums
from abkit.errors import ConfigError
from abkit.events import variant_text
from abkit.experiments.changing.audit_log import AuditRecord
from abkit.experiments.changing.settings_change import canonical, concluded, ramped, switched_off
from abkit.experiments.declaring.declaration import Declaration


class Act(StrEnum):
    """What can be done."""

    ROLL_BACK = "roll back"
    ROLL_OUT = "roll out"
    RAMP = "ramp"
    UNDO = "undo"


@frozen(kw_only=True)
class Proposal:
    """What would be done.

    Attributes:
        act: What.
        title: What it is called, as a question.
        keys: The settings that it changes.
        effects: What that means, in sentences.
        fields: What the form says again when it is sent.
    """

    act: Act
    title: str
    keys: Mapping[str, Any]
    effects: tuple[str, ...]
    fields: tuple[tuple[str, str], ...]


def proposed(
    act: Act, said: Mapping[str, str], declaration: Declaration, sums: ExperimentSums | None
) -> Proposal:
    """What a form asks to do.

    Args:
        act: What; not to undo a change.
        said: The other fields of the form: `variant` to roll out, `share` in percent to ramp.
        declaration: The experiment, as it is in force.
        sums: What is known of its units; None: nothing.

    Raises:
        AbkitError: The experiment cannot have it; the message says what would be right.
    """
    name = declaration.name
    if act is Act.ROLL_BACK:
        return Proposal(
            act=act,
            title=f"Roll {name} back?",
            keys=switched_off(),
            effects=tuple(_rolled_back(declaration, sums)),
            fields=(),
        )
    if act is Act.ROLL_OUT:
        variant = declaration.variant_of(said.get("variant", ""))
        return Proposal(
            act=act,
            title=f"Give everybody {variant_text(variant)}?",
            keys=concluded(declaration, variant),
            effects=tuple(_rolled_out(declaration, variant_text(variant), sums)),
            fields=(("variant", variant_text(variant)),),
        )
    share = _share(said.get("share", ""))
    return Proposal(
        act=act,
        title=f"Enroll {100 * share:g}% of the units?",
        keys=ramped(declaration, share),
        effects=tuple(_ramped(declaration, share)),
        fields=(("share", said.get("share", "").strip()),),  # What is written is what was shown.
    )


def stamp(settings: Mapping[str, Any], changes: Sequence[AuditRecord]) -> str:
    """What tells whether an experiment's settings were changed since somebody saw them, even back again.

    Args:
        settings: Of the experiment.
        changes: Of its settings.
    """
    last = changes[-1].id if changes else ""
    return hashlib.sha256(f"{canonical(settings)} {last}".encode()).hexdigest()[:32]


def _share(said: str) -> float:
    try:
        percent = float(said.strip().rstrip("%"))
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 100:
        message = f"The share must be a percentage from 0 to 100, such as 20, not {said[:40]!r}"
        raise ConfigError(message)
    return percent / 100


def _rolled_back(declaration: Declaration, sums: ExperimentSums | None) -> Iterator[str]:
    default = declaration.control
    gets = "the default" if default is None else f"the default, {variant_text(default)}"
    yield f"Everybody gets {gets}, and nobody is exposed to the experiment any more."
    if sums is not None and default is not None:
        others = _units(sums) - _units(sums, variant_text(default))
        yield f"Of {amount(_units(sums), 'unit')} so far, {others:,} have had another variant and lose it."


def _rolled_out(
    declaration: Declaration, variant: str, sums: ExperimentSums | None
) -> Iterator[str]:
    yield f"Everybody gets {variant}, also those who were not enrolled, and nobody is exposed any more."
    if sums is not None:
        others = _units(sums) - _units(sums, variant)
        yield f"Of {amount(_units(sums), 'unit')} so far, {others:,} have had another variant and change."
    for holdout in declaration.holdouts:
        yield f"Units of the holdout {holdout.name} keep the default until it ends."


def _ramped(declaration: Declaration, share: float) -> Iterator[str]:
    before = declaration.rollout
    yield f"{100 * before:g}% of the units are enrolled now, and {100 * share:g}% will be."
    if share == before and declaration.enabled and declaration.winner is None:
        yield "Nothing changes: it is so already."
    if share < before:
        yield "Units that are no longer enrolled get the default, unless the experiment is sticky."
    elif share > before:
        yield "Units that are enrolled keep their variants."
    if not declaration.enabled:
        yield "The experiment is off, and is switched on again."
    if declaration.winner is not None:
        yield f"Everybody gets {variant_text(declaration.winner)} now; units will be randomized again."
    if declaration.frozen:
        yield "It is frozen: nobody new is enrolled until it is unfrozen."


def _units(sums: ExperimentSums, variant: str | None = None) -> int:
    found = sums.measured.sums
    if variant is not None:
        return found[variant].n if variant in found else 0
    return sum(of.n for of in found.values())


def act_of(said: str) -> Act:
    """The act of that name.

    Raises:
        ConfigError: There is none.
    """
    try:
        return Act(said)
    except ValueError:
        message = f"There is no act {said[:40]!r}; there are {', '.join(Act)}"
        raise ConfigError(message) from None
