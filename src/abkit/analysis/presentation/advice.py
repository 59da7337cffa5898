"""What is recommended, in the words of what was compared: of a holdout there is nothing to roll out."""

from typing import TYPE_CHECKING

from abkit.analysis.advice.verdict import RecommendedAction

if TYPE_CHECKING:
    from abkit.analysis.outcome import Outcome

_OF_A_HOLDOUT = {
    RecommendedAction.ROLL_OUT: "end the holdout, and keep what was shipped",
    RecommendedAction.ROLL_BACK: "find out what of it did harm",
}


def advised(result: "Outcome") -> str:
    """The recommended action, with the variant that it is about."""
    advice = result.recommendation
    if result.design.holdout_of and advice.action in _OF_A_HOLDOUT:
        return _OF_A_HOLDOUT[advice.action]
    target = "" if advice.variant is None else f" {advice.variant}"
    return f"{advice.action.value}{target}"


def compared(result: "Outcome") -> str | None:
    """What a holdout compares, in words; None of an experiment."""
    names = result.design.holdout_of
    if not names:
        return None
    return f"all that was shipped by {', '.join(names)}, against the units that were held out"
