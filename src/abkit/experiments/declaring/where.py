"""How conditions are written: `prop("amount") > 10`, or a mapping. Pure."""

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any, NoReturn

from abkit.errors import DeclarationError
from abkit.experiments.declaring.conditions import (
    BRACKETS,
    DECLARED,
    AllOf,
    Among,
    AnyOf,
    Bound,
    Condition,
    IsNull,
    Path,
    Value,
    Within,
    shown,
)

_EXACT = 2**53
"""Whole numbers beyond this are rounded as doubles, so that different ids would be equal."""


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
            raise DeclarationError(DECLARED, problem)
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
        """That it is not below the one and not above the other; both are included.

        Raises:
            DeclarationError: Nothing is between them, or one is a text and the other a number.
        """
        least, most = _limit(low), _limit(high)
        if isinstance(least, str) != isinstance(most, str):
            problem = f"`between` needs two numbers or two texts, not {low!r} and {high!r}"
            raise DeclarationError(DECLARED, problem)
        if least > most:  # type: ignore[operator]
            problem = (
                f"nothing is between {low!r} and {high!r}: write the smaller one first, "
                f"between({high!r}, {low!r})"
            )
            raise DeclarationError(DECLARED, problem)
        return (self >= low) & (self <= high)

    def is_null(self) -> Condition:
        """That it is missing: not there, null, NaN or an empty text."""
        return IsNull(self._path)

    def is_not_null(self) -> Condition:
        """That it is there."""
        return ~self.is_null()

    def __bool__(self) -> NoReturn:
        problem = f"{self!r} is no condition: compare it, as in {self!r} == True"
        raise DeclarationError(DECLARED, problem)

    def _mixed(self, *_: object) -> NoReturn:
        raise DeclarationError(DECLARED, BRACKETS)

    __and__: Callable[..., NoReturn] = _mixed
    __rand__: Callable[..., NoReturn] = _mixed
    __or__: Callable[..., NoReturn] = _mixed
    __ror__: Callable[..., NoReturn] = _mixed
    __invert__: Callable[..., NoReturn] = _mixed

    def __repr__(self) -> str:
        return shown(self._path)


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
            raise DeclarationError(DECLARED, problem)
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
    raise DeclarationError(DECLARED, problem)


def _named(name: Any) -> Property:
    return prop(*name) if isinstance(name, tuple) and name else prop(name)


def _is(property_: Property, value: Any) -> Condition:
    several = isinstance(value, list | tuple | set | frozenset)
    return property_.in_(value) if several else property_ == value


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
    raise DeclarationError(DECLARED, problem)


def _text(value: str) -> str:
    text = str.__str__(value)  # of an enumeration, its value
    problem = ""
    if not text:
        problem = "an empty text is taken for missing: use is_null() or is_not_null()"
    elif "\0" in text:
        problem = f"no property has a NUL character, as {text!r} has"
    if problem:
        raise DeclarationError(DECLARED, problem)
    return text


def _number(value: float) -> int | float:
    if not abs(value) < float("inf"):
        problem = f"a property is compared with a finite number, not {value!r}"
        raise DeclarationError(DECLARED, problem)
    if isinstance(value, int) and abs(value) > _EXACT:
        problem = (
            f"{value!r} is too large to be compared as a number to the last digit: if it is an id, write "
            f"it as a text, '{value}'"
        )
        raise DeclarationError(DECLARED, problem)
    # One text for one number: 10.0 is 10, and -0.0 is 0.
    return int(value) if value == int(value) and abs(value) <= _EXACT else float(value)


def _limit(value: object) -> str | int | float:
    if isinstance(value, bool) or value is None:
        problem = f"{value!r} has no order: use ==, != or in_"
        raise DeclarationError(DECLARED, problem)
    return _value(value)
