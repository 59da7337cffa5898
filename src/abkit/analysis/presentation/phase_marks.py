"""When phases began, as charts and texts mark it: one definition for all of them. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from attrs import frozen

from abkit.analysis import times
from abkit.analysis.presentation import figures
from abkit.analysis.statistics.phases import Phase
from abkit.analysis.statistics.standardizing import FEWEST

if TYPE_CHECKING:
    from abkit.analysis.outcome import Outcome


TOO_FEW = f"an arm has fewer than {FEWEST} units"
"""Why a variant is not compared in a phase."""


@frozen(kw_only=True)
class PhaseMark:
    """The beginning of a phase.

    Attributes:
        number: What charts call it: "2" is the second phase.
        at: When it began, UTC.
        what: What was changed, such as "weights a 50.0%, b 50.0%".
        splits: Whether units before it are not compared with those after it: the weights changed.
    """

    number: int
    at: datetime
    what: str
    splits: bool

    def __str__(self) -> str:
        how = "apart" if self.splits else "together, as the split stayed the same"
        return (
            f"Phase {self.number} from {times.day(self.at)}: {self.what}; "
            f"units before and after are compared {how}."
        )


def phase_marks(result: "Outcome") -> tuple[PhaseMark, ...]:
    """The phases after the first one, in their order: of other weights, and of who enters."""
    variants = [of.variant for of in result.counts]
    weighed = [
        (phase.first, _weights(phase, variants), True)
        for phase in result.phases[1:]
        if phase.first is not None and any(phase.units.values())
    ]
    entering = [(phase.at, ", ".join(phase.entering), False) for phase in result.entering]
    return tuple(
        PhaseMark(number=number, at=at, what=what, splits=splits)
        for number, (at, what, splits) in enumerate(sorted([*weighed, *entering]), start=2)
    )


def compared_in(phase: Phase, control: str) -> str:
    """Which variants were compared with the control in a phase, and why others were not."""
    treatments = [variant for variant in phase.units if variant != control]
    if not phase.compared:
        return f"nothing: {TOO_FEW}"
    left_out = [variant for variant in treatments if variant not in phase.compared]
    said = ", ".join(phase.compared)
    if not left_out:
        return said
    return f"{said}; not {', '.join(left_out)}: {TOO_FEW}"


def _weights(phase: Phase, variants: Sequence[str]) -> str:
    if not phase.weights:
        return "weights not known"
    shares = (
        f"{variant} {figures.percent(phase.weights.get(variant, 0.0), digits=1)}"
        for variant in variants
    )
    return f"weights {', '.join(shares)}"
