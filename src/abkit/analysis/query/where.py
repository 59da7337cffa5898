"""Which actions fulfil the conditions of metrics, and the columns by which that is told: the SQL.

A condition holds or it does not: SQL's third answer would leave out actions that have no such property
from `!=` and `~`. So a condition is written without `not`: each comparison as it is, or as its opposite.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Self, TypeAlias

from attrs import frozen

from abkit.analysis.query.values import number, one_if
from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.quoting import literal
from abkit.experiments.declaring.conditions import (
    AllOf,
    Among,
    AnyOf,
    Bound,
    Condition,
    IsNull,
    Not,
    Path,
    Value,
    Within,
    tested,
)
from abkit.experiments.declaring.metrics import ActionMetric

_OPPOSITE = {
    Bound.BELOW: Bound.FROM,
    Bound.UP_TO: Bound.ABOVE,
    Bound.ABOVE: Bound.UP_TO,
    Bound.FROM: Bound.BELOW,
}
_TYPES = {Kind.EXACT: "varchar", Kind.NUMBER: "double", Kind.TRUTH: "double"}

Tested: TypeAlias = tuple[Path, Kind]
"""A property, and what it is read as: a text, a number, or whether something holds."""


@frozen
class Filters:
    """The conditions of some metrics.

    Attributes:
        conditions: Each condition once.
        properties: What they test, each once, and the actions for which it is read.
    """

    conditions: tuple[Condition, ...]
    properties: tuple[tuple[Tested, tuple[str, ...]], ...]

    @classmethod
    def of(cls, parts: Iterable[tuple[ActionMetric, Sequence[str]]]) -> Self:
        """Those of metrics.

        Args:
            parts: The metrics, each with the names of its actions.
        """
        conditions: dict[Condition, None] = {}
        properties: dict[Tested, set[str]] = {}
        for part, actions in parts:
            if part.where is None:
                continue
            conditions[part.where] = None
            for comparison in tested(part.where):
                for kind in _kinds(comparison):
                    properties.setdefault((comparison.path, kind), set()).update(actions)
        return cls(
            tuple(conditions),
            tuple((each, tuple(sorted(actions))) for each, actions in properties.items()),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of `done` that say whether a row fulfils a condition."""
        return tuple(f"where_{i}" for i in range(len(self.conditions)))

    @property
    def read(self) -> tuple[tuple[str, str], ...]:
        """The columns of `actions` by which that is told, and their types."""
        return tuple(
            (f"prop_{i}", _TYPES[kind]) for i, ((_, kind), _) in enumerate(self.properties)
        )

    def columns(self) -> list[Column]:
        """What is needed of the table of actions."""
        return [
            property_column(f"prop_{i}", path, kind, actions)
            for i, ((path, kind), actions) in enumerate(self.properties)
        ]

    def place(self, path: Path, kind: Kind) -> int:
        """Where a property stands in `properties`."""
        return self._places[path, kind]

    def counted(self, condition: Condition) -> str:
        """Whether a row of `done` fulfils a condition, as SQL."""
        return f"{self.names[self.conditions.index(condition)]} = 1"

    def told(self, of: str) -> tuple[str, ...]:
        """The columns of `done`, as SQL over those of `actions`.

        Args:
            of: What the names of these begin with, such as "a.".
        """
        return tuple(
            f"{one_if(self.fulfilled(each, of=of))} as {name}"
            for each, name in zip(self.conditions, self.names, strict=True)
        )

    def fulfilled(self, condition: Condition, *, of: str = "", opposite: bool = False) -> str:
        """Whether an action fulfils a condition, as SQL; null says no.

        Args:
            condition: One of the conditions, or a part of one.
            of: What the names of the columns of `actions` begin with.
            opposite: Whether it is the opposite that must hold.
        """
        match condition:
            case Not(inner):
                return self.fulfilled(inner, of=of, opposite=not opposite)
            case AllOf(conditions) | AnyOf(conditions):
                word = " and " if isinstance(condition, AllOf) is not opposite else " or "
                parts = (self.fulfilled(each, of=of, opposite=opposite) for each in conditions)
                return f"({word.join(parts)})"
            case IsNull(path):
                column = self._column(of, path, Kind.EXACT)
                return f"{column} is not null" if opposite else f"{column} is null"
            case Within(path, bound, value):
                column = self._column(of, path, _kind(value))
                if opposite:
                    return f"({column} is null or {column} {_OPPOSITE[bound].value} {_constant(value)})"
                return f"{column} {bound.value} {_constant(value)}"
            case Among(path, values):
                return self._among(of, path, values, opposite=opposite)
            case _:
                raise TypeError(condition)

    def _among(self, of: str, path: Path, values: Sequence[Value], *, opposite: bool) -> str:
        """A list for each kind of value, as no database compares texts with numbers as another one does."""
        by_kind: dict[Kind, list[Value]] = {}
        for value in values:
            by_kind.setdefault(_kind(value), []).append(value)
        lists = []
        for kind, some in by_kind.items():
            column = self._column(of, path, kind)
            listed = ", ".join(map(_constant, some))
            if opposite:
                lists.append(f"({column} is null or {column} not in ({listed}))")
            else:
                lists.append(f"{column} in ({listed})")
        return f"({(' and ' if opposite else ' or ').join(lists)})"

    def _column(self, of: str, path: Path, kind: Kind) -> str:
        return f"{of}prop_{self.place(path, kind)}"

    @cached_property
    def _places(self) -> dict[Tested, int]:
        return {each: i for i, (each, _) in enumerate(self.properties)}


def property_column(name: str, path: Path, kind: Kind, actions: Sequence[str]) -> Column:
    """A property of some actions, null where it is not of the kind.

    Args:
        name: How queries call it.
        path: The property.
        kind: What it is read as.
        actions: The names of the actions of which it is read.
    """
    key, *inside = path
    return Column(
        name=name,
        kind=kind,
        source="properties",
        key=key,
        inside=tuple(inside),
        when=("action", tuple(actions)),
        required=True,
        elsewhere=(key,),
        strict=False,
    )


def _kinds(comparison: Among | Within | IsNull) -> Sequence[Kind]:
    match comparison:
        case Among(_, values):
            return tuple(dict.fromkeys(map(_kind, values)))
        case Within(_, _, value):
            return (_kind(value),)
        case IsNull():
            return (Kind.EXACT,)


def _kind(value: Value) -> Kind:
    if isinstance(value, bool):
        return Kind.TRUTH
    return Kind.EXACT if isinstance(value, str) else Kind.NUMBER


def _constant(value: Value) -> str:
    return literal(value) if isinstance(value, str) else number(float(value))
