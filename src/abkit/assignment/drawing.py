"""What a random operator draws from, and with which weights."""

from collections.abc import Callable
from typing import Any, NamedTuple

from abkit.assignment._planout import (
    BernoulliTrial,
    PlanOutOp,
    RandomInteger,
    UniformChoice,
    WeightedChoice,
)
from abkit.assignment.weights import weights_text

MOST_CHOICES = 100
"""Of a wider range of numbers it is not told what they are."""


class Drawn(NamedTuple):
    """What a random operator chooses from, and with which weights."""

    choices: tuple[Any, ...]
    weights: tuple[float, ...]


def drawn_by(operator: PlanOutOp) -> Drawn | None:
    """What an operator can give; None if that cannot be listed."""
    args = operator.args
    match operator:
        case WeightedChoice():
            return Drawn(tuple(args["choices"]), tuple(args["weights"]))
        case UniformChoice():
            choices = tuple(args["choices"])
            return Drawn(choices, (1.0,) * len(choices))
        case BernoulliTrial():
            return Drawn((0, 1), (1 - args["p"], args["p"]))
        case RandomInteger() if args["max"] - args["min"] < MOST_CHOICES:
            numbers = tuple(range(args["min"], args["max"] + 1))
            return Drawn(numbers, (1.0,) * len(numbers))
    return None


def weights_told(operator: PlanOutOp) -> str | None:
    """The weights of what an operator can give, as a record tells them; None if that cannot be listed."""
    found = drawn_by(operator)
    return None if found is None else weights_text(*found)


def teller() -> Callable[[PlanOutOp], str | None]:
    """What does as `weights_told`, and remembers the last answer: most code has one for all units."""
    last: tuple[list[Any], list[float], str | None] = [], [], None

    def tell(operator: PlanOutOp) -> str | None:
        nonlocal last
        if type(operator) is not WeightedChoice:
            return weights_told(operator)
        args = operator.args
        choices, weights, told = last
        if choices == args["choices"] and weights == args["weights"]:
            return told
        told = weights_told(operator)
        # 1, 1.0 and True are equal, but not the same variant; texts that are equal are.
        if {*map(type, args["choices"])} == {str}:
            last = [*args["choices"]], [*args["weights"]], told
        return told

    return tell
