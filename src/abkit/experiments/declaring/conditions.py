"""Conditions on the properties of an action, as values. Pure."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NoReturn, TypeAlias

from attrs import field, frozen

from abkit.errors import DeclarationError

Value: TypeAlias = str | bool | int | float
"""What a property is compared with."""
Path: TypeAlias = tuple[str, ...]
"""A property: its name, and the names of what lies in it, from the outside in."""

DECLARED = "where"
"""What errors call the declaration."""
BRACKETS = (
    "& and | take conditions, and each comparison needs brackets, as they are done before it: "
    "(prop('amount') > 10) & (prop('plan') == 'paid')"
)
"""What is right where something else is combined."""


class Bound(StrEnum):
    """On which side of a value a property lies."""

    BELOW = "<"
    UP_TO = "<="
    ABOVE = ">"
    FROM = ">="


class Condition:
    """What can be combined by & (and), | (or) and ~ (not)."""

    __slots__ = ()

    def __and__(self, other: "Condition") -> "Condition":
        return AllOf((*_within(AllOf, self), *_within(AllOf, _condition(other))))

    def __or__(self, other: "Condition") -> "Condition":
        return AnyOf((*_within(AnyOf, self), *_within(AnyOf, _condition(other))))

    def __invert__(self) -> "Condition":
        return self.condition if isinstance(self, Not) else Not(self)

    def __bool__(self) -> NoReturn:
        problem = (
            "a condition holds for each action by itself, so that Python's `and`, `or`, `not`, `if` and "
            "chains such as 1 < prop('amount') < 5 cannot use it: combine conditions by &, | and ~, and use "
            "prop('amount').between(1, 5)"
        )
        raise DeclarationError(DECLARED, problem)


def _kinds(values: Any) -> object:
    """Values with their types: True and 1 are equal to Python, and different conditions."""
    return tuple((isinstance(value, bool), value) for value in values)


@frozen(repr=False)
class Among(Condition):
    """That a property is one of some values; not where it is missing.

    Attributes:
        path: The property.
        values: The values, in one order however they were given, each once.
    """

    path: Path
    values: tuple[Value, ...] = field(eq=_kinds)

    def __repr__(self) -> str:
        if len(self.values) == 1:
            return f"{shown(self.path)} == {self.values[0]!r}"
        return f"{shown(self.path)}.in_({[*self.values]!r})"


@frozen(repr=False)
class Within(Condition):
    """That a property is below or above a value; not where it is missing.

    Attributes:
        path: The property.
        bound: The side.
        value: The value. Texts are in the order of their characters' numbers.
    """

    path: Path
    bound: Bound
    value: str | int | float

    def __repr__(self) -> str:
        return f"{shown(self.path)} {self.bound.value} {self.value!r}"


@frozen(repr=False)
class IsNull(Condition):
    """That a property is missing: it is not there, or null, NaN or an empty text.

    Attributes:
        path: The property.
    """

    path: Path

    def __repr__(self) -> str:
        return f"{shown(self.path)}.is_null()"


@frozen(repr=False)
class Not(Condition):
    """The exact opposite of a condition.

    Attributes:
        condition: The condition.
    """

    condition: Condition

    def __repr__(self) -> str:
        match self.condition:
            case Among(path, (value,)):
                return f"{shown(path)} != {value!r}"
            case IsNull(path):
                return f"{shown(path)}.is_not_null()"
            case _:
                return f"~({self.condition!r})"


@frozen(repr=False)
class AllOf(Condition):
    """That several conditions hold.

    Attributes:
        conditions: The conditions.
    """

    conditions: tuple[Condition, ...]

    def __repr__(self) -> str:
        return " & ".join(f"({each!r})" for each in self.conditions)


@frozen(repr=False)
class AnyOf(Condition):
    """That at least one of several conditions holds.

    Attributes:
        conditions: The conditions.
    """

    conditions: tuple[Condition, ...]

    def __repr__(self) -> str:
        return " | ".join(f"({each!r})" for each in self.conditions)


def tested(condition: Condition) -> Sequence["Among | Within | IsNull"]:
    """The comparisons that a condition is made of, as often as they stand in it."""
    match condition:
        case Among() | Within() | IsNull():
            return (condition,)
        case Not():
            return tested(condition.condition)
        case AllOf() | AnyOf():
            return tuple(each for part in condition.conditions for each in tested(part))
        case _:
            raise TypeError(condition)


def _within(kind: "type[AllOf | AnyOf]", condition: Condition) -> tuple[Condition, ...]:
    """The conditions that a chain of & or | consists of, so that brackets make no difference."""
    return condition.conditions if isinstance(condition, kind) else (condition,)


def _condition(value: object) -> Condition:
    if isinstance(value, Condition):
        return value
    raise DeclarationError(DECLARED, f"{BRACKETS}; {value!r} is no condition")


def shown(path: Path) -> str:
    """A property as it is written."""
    return f"prop({', '.join(map(repr, path))})"
