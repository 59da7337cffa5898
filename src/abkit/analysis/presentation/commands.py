"""The commands that act on a verdict."""

from shlex import quote
from typing import TYPE_CHECKING

from attrs import frozen

from abkit.analysis.findings.verdict import Action
from abkit.analysis.presentation.figures import legible

if TYPE_CHECKING:
    from abkit.analysis.outcome import Outcome


@frozen
class Command:
    """What can be done at once.

    Attributes:
        purpose: What it does, in words.
        line: For a POSIX shell; whatever the names hold, they are one word each.
    """

    purpose: str
    line: str


def command(result: "Outcome") -> Command | None:
    """The command that acts on the recommendation; None for a table of units, which runs nowhere.

    While an experiment continues, that is the way to stop it all the same.
    """
    if result.several is None:
        return None
    name, advice = quote(legible(result.plan.name)), result.recommendation
    rollback = f"abkit rollback {_operand(name)}"
    match advice.action:
        case Action.ROLL_OUT if advice.variant is not None:
            variant = quote(legible(advice.variant))
            line = f"abkit rollout --variant={variant} {_operand(name)}"
            if not (advice.variant.startswith("-") or name.startswith("-")):
                line = f"abkit rollout {name} --variant {variant}"
            return Command(f"Everybody gets {legible(advice.variant)}", line)
        case Action.ROLL_BACK:
            return Command("Everybody gets the default again", rollback)
        case _:
            return Command("To stop it instead", rollback)


def _operand(name: str) -> str:
    """A name as an argument that is no option."""
    return f"-- {name}" if name.startswith("-") else name
