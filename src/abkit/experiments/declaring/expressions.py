"""Arithmetic of metrics: what a formula says, as a tree."""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from attrs import frozen

from abkit.errors import DeclarationError


class Operator(StrEnum):
    """What is done with two operands."""

    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE = "/"


class Operand:
    """What can be added, subtracted, multiplied and divided: metrics, and expressions of them."""

    __slots__ = ()

    def __add__(self, other: "Operand | float") -> "Expression":
        return Expression(Operator.ADD, self, _checked(other))

    def __radd__(self, other: float) -> "Expression":
        return Expression(Operator.ADD, _checked(other), self)

    def __sub__(self, other: "Operand | float") -> "Expression":
        return Expression(Operator.SUBTRACT, self, _checked(other))

    def __rsub__(self, other: float) -> "Expression":
        return Expression(Operator.SUBTRACT, _checked(other), self)

    def __mul__(self, other: "Operand | float") -> "Expression":
        return Expression(Operator.MULTIPLY, self, _checked(other))

    def __rmul__(self, other: float) -> "Expression":
        return Expression(Operator.MULTIPLY, _checked(other), self)

    def __truediv__(self, other: "Operand | float") -> "Expression":
        return Expression(Operator.DIVIDE, self, _checked(other))

    def __rtruediv__(self, other: float) -> "Expression":
        return Expression(Operator.DIVIDE, _checked(other), self)


def _checked(value: "Operand | float") -> "Operand | float":
    if isinstance(value, Operand) or (
        isinstance(value, int | float) and not isinstance(value, bool)
    ):
        return value
    problem = f"is made of metrics and numbers, not {value!r}"
    raise DeclarationError("a formula", problem)


@frozen(repr=False)
class Expression(Operand):
    """Two operands and what is done with them; `Sum(...) / Total(...)` makes one."""

    operator: Operator
    left: Operand | float
    right: Operand | float

    def operands(self) -> Iterator[Operand]:
        """Its metrics, from left to right, as often as they stand in it."""
        for side in (self.left, self.right):
            if isinstance(side, Expression):
                yield from side.operands()
            elif isinstance(side, Operand):
                yield side

    def evaluate(self, means: Mapping[Operand, float]) -> tuple[float, dict[Operand, float]]:
        """Its value where its metrics have these means, and its derivative by each of them.

        Raises:
            ZeroDivisionError: A divisor is 0.
        """
        left, by_left = _evaluated(self.left, means)
        right, by_right = _evaluated(self.right, means)
        match self.operator:
            case Operator.ADD:
                return left + right, _combined(by_left, 1.0, by_right, 1.0)
            case Operator.SUBTRACT:
                return left - right, _combined(by_left, 1.0, by_right, -1.0)
            case Operator.MULTIPLY:
                return left * right, _combined(by_left, right, by_right, left)
            case Operator.DIVIDE:
                value = left / right
                return value, _combined(by_left, 1 / right, by_right, -value / right)

    @property
    def is_quotient(self) -> bool:
        """Whether the last thing that is done is a division."""
        return self.operator is Operator.DIVIDE

    def quotient_slopes(
        self, means: Mapping[Operand, float], *, value: float
    ) -> dict[Operand, float]:
        """The derivative of a quotient by each of its metrics, where it has a value of its own.

        Args:
            means: Of its metrics: the divisor's value is that of these.
            value: Of the quotient, instead of that of the means.

        Raises:
            ZeroDivisionError: A divisor is 0.
        """
        _, by_left = _evaluated(self.left, means)
        right, by_right = _evaluated(self.right, means)
        return _combined(by_left, 1 / right, by_right, -value / right)

    def __repr__(self) -> str:
        return f"({_shown(self.left)} {self.operator.value} {_shown(self.right)})"


def _evaluated(
    side: Operand | float, means: Mapping[Operand, float]
) -> tuple[float, dict[Operand, float]]:
    if isinstance(side, Expression):
        return side.evaluate(means)
    if isinstance(side, Operand):
        return means[side], {side: 1.0}
    return float(side), {}


def _combined(
    first: Mapping[Operand, float], a: float, second: Mapping[Operand, float], b: float
) -> dict[Operand, float]:
    """The chain rule: a times the one derivative plus b times the other."""
    combined = {operand: a * slope for operand, slope in first.items()}
    for operand, slope in second.items():
        combined[operand] = combined.get(operand, 0.0) + b * slope
    return combined


def _shown(side: Operand | float) -> str:
    return repr(side) if isinstance(side, Expression | float | int) else str(side)
