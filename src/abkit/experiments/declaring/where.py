"""Conditions on the properties of an action: which actions count for a metric. Pure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any, NoReturn, TypeAlias

from attrs import field, frozen

from abkit.errors import DeclarationError

Value: TypeAlias = str | bool | int | float
"""What a property is compared with."""
Path: TypeAlias = tuple[str, ...]
"""A property: its name, and the names of what lies in it, from the outside in."""

_DECLARED = "where"
_EXACT = 2**53
"""Whole numbers beyond this are rounded as doubles, so that different ids would be equal."""
_BRACKETS = (
    "needs each comparison in brackets, as & and | are done first: "
    "(prop('amount') > 10) & (prop('plan') == 'paid')"
)


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
        raise DeclarationError(_DECLARED, problem)


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
            return f"{_shown(self.path)} == {self.values[0]!r}"
        return f"{_shown(self.path)}.in_({[*self.values]!r})"


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
        return f"{_shown(self.path)} {self.bound.value} {self.value!r}"


@frozen(repr=False)
class IsNull(Condition):
    """That a property is missing: it is not there, or null, NaN or an empty text.

    Attributes:
        path: The property.
    """

    path: Path

    def __repr__(self) -> str:
        return f"{_shown(self.path)}.is_null()"


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
                return f"{_shown(path)} != {value!r}"
            case IsNull(path):
                return f"{_shown(path)}.is_not_null()"
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


class Property:
    """A property of an action, to be compared; `prop` makes one."""

    __slots__ = ("_path",)

    def __init__(self, path: Path) -> None:
        self._path = path

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return self.is_null() if other is None else Among(self._path, (_value(other),))

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return ~(self == other)

    def __hash__(self) -> int:
        return hash(self._path)

    def __lt__(self, other: str | float) -> Condition:
        return Within(self._path, Bound.BELOW, _limit(other))

    def __le__(self, other: str | float) -> Condition:
        return Within(self._path, Bound.UP_TO, _limit(other))

    def __gt__(self, other: str | float) -> Condition:
        return Within(self._path, Bound.ABOVE, _limit(other))

    def __ge__(self, other: str | float) -> Condition:
        return Within(self._path, Bound.FROM, _limit(other))

    def in_(self, values: Collection[Value | None]) -> Condition:
        """That it is one of these values; None among them stands for missing.

        Raises:
            DeclarationError: There is no value, or one that nothing can be compared with.
        """
        if isinstance(values, str | Mapping) or not isinstance(values, Collection) or not values:
            problem = f"`in_` needs a list of values, such as ['DE', 'FR'], not {values!r}"
            raise DeclarationError(_DECLARED, problem)
        found = {
            (isinstance(v, bool), isinstance(v, str), v)
            for v in map(_or_none, values)
            if v is not None
        }
        conditions: list[Condition] = []
        if found:
            conditions.append(Among(self._path, tuple(value for *_, value in sorted(found))))
        if any(value is None for value in values):
            conditions.append(self.is_null())
        return conditions[0] if len(conditions) == 1 else AnyOf(tuple(conditions))

    def between(self, low: str | float, high: str | float) -> Condition:
        """That it is not below the one and not above the other; both are included."""
        return (self >= low) & (self <= high)

    def is_null(self) -> Condition:
        """That it is missing: not there, null, NaN or an empty text."""
        return IsNull(self._path)

    def is_not_null(self) -> Condition:
        """That it is there."""
        return ~self.is_null()

    def __bool__(self) -> NoReturn:
        problem = f"{self!r} is no condition: compare it, as in {self!r} == True"
        raise DeclarationError(_DECLARED, problem)

    def _mixed(self, *_: object) -> NoReturn:
        raise DeclarationError(_DECLARED, _BRACKETS)

    __and__ = __rand__ = __or__ = __ror__ = __invert__ = _mixed

    def __repr__(self) -> str:
        return _shown(self._path)


def prop(name: str, *inside: str) -> Property:
    """A property of an action, to be compared: `prop("amount") > 10`.

    Args:
        name: Its name, whatever its characters: a dot in it has no meaning.
        inside: Where the property is an object, the name of the entry in it, and so on.

    Raises:
        DeclarationError: A name is empty, or no text.
    """
    for each in (name, *inside):
        if not isinstance(each, str) or not each.strip() or "\0" in each:
            problem = f"the name of a property must be a text that is not empty, not {each!r}"
            raise DeclarationError(_DECLARED, problem)
    return Property((name, *inside))


def where(given: Condition | Mapping[Any, Any] | None) -> Condition | None:
    """What is given as `where=`, as a condition; None if nothing is.

    Args:
        given: A condition, or a mapping of properties to what they must be, all of them: a value, a list
            of which it must be one, or None where it must be missing.

    Raises:
        DeclarationError: It is neither, or compares what cannot be compared.
    """
    if given is None or isinstance(given, Condition):
        return given
    if isinstance(given, Mapping) and given:
        found = {repr(named := _named(name)): _is(named, value) for name, value in given.items()}
        conditions = tuple(
            found[name] for name in sorted(found)
        )  # as equal mappings are one condition
        return conditions[0] if len(conditions) == 1 else AllOf(conditions)
    problem = (
        "must be a condition such as prop('amount') > 10, or a mapping such as {'plan': 'paid'}, "
        f"not {given!r}"
    )
    raise DeclarationError(_DECLARED, problem)


def _named(name: Any) -> Property:
    return prop(*name) if isinstance(name, tuple) and name else prop(name)


def _is(property_: Property, value: Any) -> Condition:
    several = isinstance(value, list | tuple | set | frozenset)
    return property_.in_(value) if several else property_ == value


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
    if isinstance(value, Property):
        raise DeclarationError(_DECLARED, _BRACKETS)
    problem = f"conditions are combined with conditions, such as prop('amount') > 10, not {value!r}"
    raise DeclarationError(_DECLARED, problem)


def _or_none(value: object) -> Value | None:
    return None if value is None else _value(value)


def _value(value: object) -> Value:
    """A value that a property can be compared with."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int | float):
        return _number(value)
    problem = f"a property is compared with a text, a number, True or False, not {value!r}"
    if isinstance(value, Property):
        problem = f"a property is compared with a value, not with another property, {value!r}"
    elif isinstance(value, date):
        problem = (
            f"times are compared as they are written: write {value.isoformat()!r} instead of {value!r}, if "
            "that is how the actions have them"
        )
    raise DeclarationError(_DECLARED, problem)


def _text(value: str) -> str:
    text = str.__str__(value)  # of an enumeration, its value
    problem = ""
    if not text:
        problem = "an empty text is taken for missing: use is_null() or is_not_null()"
    elif "\0" in text:
        problem = f"no property has a NUL character, as {text!r} has"
    if problem:
        raise DeclarationError(_DECLARED, problem)
    return text


def _number(value: float) -> int | float:
    if not abs(value) < float("inf"):
        problem = f"a property is compared with a finite number, not {value!r}"
        raise DeclarationError(_DECLARED, problem)
    if isinstance(value, int) and abs(value) > _EXACT:
        problem = (
            f"{value!r} is too large to be compared as a number to the last digit: if it is an id, write "
            f"it as a text, '{value}'"
        )
        raise DeclarationError(_DECLARED, problem)
    # One text for one number: 10.0 is 10, and -0.0 is 0.
    return int(value) if value == int(value) and abs(value) <= _EXACT else float(value)


def _limit(value: object) -> str | int | float:
    if isinstance(value, bool) or value is None:
        problem = f"{value!r} has no order: use ==, != or in_"
        raise DeclarationError(_DECLARED, problem)
    return _value(value)


def _shown(path: Path) -> str:
    return f"prop({', '.join(map(repr, path))})"
