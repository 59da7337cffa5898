"""The commands that act on a verdict."""

from collections.abc import Sequence
from shlex import join, quote
from typing import TYPE_CHECKING

from attrs import frozen

from abkit.analysis.advice.verdict import RecommendedAction
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
    """The command that acts on the recommendation; None where there is none.

    A table of units runs nowhere, and who ends a holdout changes the code. That nothing is better than a
    control which is not the declared one is no reason to go back to the declared one.
    It is called as `result.invocation` says. While an experiment continues, that is the way to stop
    it all the same.
    """
    if result.several is None or result.design.holdout_of:
        return None
    name, advice = quote(legible(result.design.name)), result.recommendation
    called, program = result.invocation, join(result.invocation.program)
    rollback = f"{program} rollback {_options(called.options)}{_operand(name)}"
    match advice.action:
        case RecommendedAction.ROLL_OUT if advice.variant is not None:
            variant = quote(legible(advice.variant))
            options = _options(called.options)
            line = f"{program} rollout --variant={variant} {options}{_operand(name)}"
            if not (advice.variant.startswith("-") or name.startswith("-")):
                line = f"{program} rollout {name} --variant {variant} {options}".rstrip()
            return Command(f"Everybody gets {legible(advice.variant)}", line)
        case RecommendedAction.ROLL_BACK if result.declared_control not in (
            None,
            result.design.control,
        ):
            return None
        case RecommendedAction.ROLL_BACK:
            return Command("Everybody gets the default again", rollback)
        case _:
            return Command("To stop it instead", rollback)


def _options(words: Sequence[str]) -> str:
    return f"{join(words)} " if words else ""


def _operand(name: str) -> str:
    """A name as an argument that is no option."""
    return f"-- {name}" if name.startswith("-") else name
