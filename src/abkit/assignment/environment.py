"""What a script sees while it runs for one unit."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from attrs import frozen

from abkit.assignment._planout import PlanOutOp
from abkit.assignment.params import Params, draw, is_overridden, mark_randomized


class Environment:
    """The parameters and the inputs of one unit; PlanOut calls it the mapper.

    Operators of one's own are executed with it.

    Args:
        params: What the script writes into.
        inputs: What it reads, unless a parameter has the name.
    """

    __slots__ = ("_inputs", "_operator", "_params")

    salt_sep: Final = "."

    def __init__(self, params: Params, inputs: Mapping[str, Any]) -> None:
        self._params = params
        self._inputs = inputs
        self._operator: PlanOutOp | None = None

    @property
    def experiment_salt(self) -> str:
        """The salt that the operators hash with."""
        return self._params.experiment_salt

    def get(self, name: str, default: Any = None) -> Any:
        """A parameter or, if there is none of the name, an input."""
        if name == "experiment_salt":
            return self._params.experiment_salt
        return self._params[name] if name in self._params else self._inputs.get(name, default)

    def set(self, name: str, value: Any) -> None:
        """Write a parameter."""
        self._params[name] = value

    def draw(self, name: str, value: "Step") -> None:
        """Write a parameter, and know whether a random operator decided its value."""
        self._operator = None
        draw(self._params, name, lambda: value(self), lambda: self._operator)

    def has(self, name: str) -> bool:
        """Whether there is a parameter of the name."""
        return name in self._params

    def has_override(self, name: str) -> bool:
        """Whether a parameter keeps its value, whatever the script writes."""
        return is_overridden(self._params, name)

    def evaluate(self, value: Any) -> Any:
        """The value of an argument as an operator of one's own is given it."""
        if isinstance(value, Deferred):
            return value.step(self)
        return [*map(self.evaluate, value)] if isinstance(value, list) else value

    def randomize(self, operator: PlanOutOp | None = None) -> None:
        """Note that a random operator is executed.

        Args:
            operator: The operator, if what it gives becomes a parameter as it is.
        """
        mark_randomized(self._params)
        self._operator = operator


Step: TypeAlias = Callable[[Environment], Any]
"""A part of a script, made ready: it gives its value, and may write parameters."""


@frozen
class Deferred:
    """A part of a script that an operator of one's own evaluates when it likes."""

    step: Step


class Returned(BaseException):
    """Ends a script. No Exception: an operator that catches those must not keep a script going."""

    def __init__(self, *, takes_part: bool) -> None:
        super().__init__(takes_part)
        self.takes_part = takes_part
