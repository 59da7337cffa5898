"""Columns of units: how each kind is read, and how the answers become a column of the same kind.

A library is looked for only among the modules that are loaded: who passes its column has loaded it.
"""

import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from attrs import frozen

from abkit.errors import UnitsError, with_article
from abkit.events import variant_text

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import polars as pl


class Kind(StrEnum):
    """The type of the values of a column, in Python, in frames and in SQL."""

    TEXT = "text"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    MIXED = "mixed"
    """Of several types, or whole numbers of more than 64 bits: a typed column has them as text."""

    @classmethod
    def of(cls, values: Collection[object]) -> "Kind":
        """The kind that holds all of these values."""
        kinds = {_kind_of_one(value) for value in values}
        if kinds == {cls.INTEGER, cls.NUMBER}:
            return cls.NUMBER
        return kinds.pop() if len(kinds) == 1 else cls.MIXED if kinds else cls.TEXT


@frozen
class Column:
    """A column of units.

    Attributes:
        length: The number of its units.
        read: The units from a position up to before another.
        like: From the answers, all values that they may have, and a name, to a column of the same kind.
        is_typed: Whether `like` asks for the values.
    """

    length: int
    read: Callable[[int, int], Sequence[Any]]
    like: Callable[[list[Any], Collection[object], str], Any]
    is_typed: bool = True


def column_of(units: Any, *, experiment: str) -> Column:
    """How to read these units.

    Args:
        units: A column, or any iterable.
        experiment: Errors name it.

    Raises:
        UnitsError: They are a table, one text, or no column at all.
    """
    for package, (kinds, read) in _READERS.items():
        module = sys.modules.get(package)
        known = () if module is None else tuple(getattr(module, kind) for kind in kinds)
        is_known: bool = isinstance(units, known)
        if is_known:
            if getattr(units, "ndim", 1) != 1:
                problem = f"has {units.ndim} dimensions; pass one column of it"
                raise UnitsError(experiment, problem)
            return read(units)
    if hasattr(type(units), "columns") or isinstance(units, str | bytes):
        problem = f"is {with_article(type(units))}; pass one column of ids, or a list"
        raise UnitsError(experiment, problem)
    try:
        listed = units if isinstance(units, list) else [*units]
    except TypeError:
        problem = f"is {with_article(type(units))}, which cannot be iterated; pass a list"
        raise UnitsError(experiment, problem) from None
    return Column(
        len(listed),
        lambda start, stop: listed[start:stop],
        lambda answers, *_: answers,
        is_typed=False,
    )


def plain(values: Iterable[Any], kind: Kind) -> list[Any]:
    """The values in the one type of their kind; what is mixed is text, as it stands in events."""
    if kind is Kind.BOOLEAN:
        return [*values]
    converted: Mapping[Kind, Callable[[Any], Any]] = {
        Kind.TEXT: str,
        Kind.INTEGER: int,
        Kind.NUMBER: float,
    }
    return [*map(converted.get(kind, variant_text), values)]


def _kind_of_one(value: object) -> Kind:
    if isinstance(value, bool):
        return Kind.BOOLEAN
    if isinstance(value, str):
        return Kind.TEXT
    if isinstance(value, float):
        return Kind.NUMBER
    fits = isinstance(value, int) and -(2**63) <= value < 2**63
    return Kind.INTEGER if fits else Kind.MIXED


def _numpy(units: "np.ndarray[Any, Any]") -> Column:
    import numpy as np

    def like(answers: list[Any], values: Collection[object], _name: str) -> Any:
        kind = Kind.of(values)
        if kind is Kind.MIXED:
            column = np.empty(len(answers), dtype=object)
            column[:] = answers
            return column
        types = {Kind.INTEGER: np.int64, Kind.NUMBER: np.float64, Kind.BOOLEAN: np.bool_}
        return np.array(plain(answers, kind), dtype=types.get(kind, np.str_))

    return Column(len(units), lambda start, stop: units[start:stop].tolist(), like)


def _pandas(units: "pd.Series[Any]") -> Column:
    import pandas as pd

    def like(answers: list[Any], values: Collection[object], name: str) -> Any:
        kind = Kind.of(values)
        column = answers if kind is Kind.MIXED else plain(answers, kind)
        # The type that pandas gives such values, also where there are none.
        typed = {Kind.TEXT: "", Kind.INTEGER: 0, Kind.NUMBER: 0.0, Kind.BOOLEAN: False}
        dtype = pd.Series([typed[kind]]).dtype if kind in typed else object
        return pd.Series(column, index=units.index, name=name, dtype=dtype)

    return Column(len(units), lambda start, stop: units.iloc[start:stop].tolist(), like)


def _polars(units: "pl.Series") -> Column:
    import polars as pl

    def like(answers: list[Any], values: Collection[object], name: str) -> Any:
        kind = Kind.of(values)
        types = {Kind.INTEGER: pl.Int64, Kind.NUMBER: pl.Float64, Kind.BOOLEAN: pl.Boolean}
        return pl.Series(name, plain(answers, kind), dtype=types.get(kind, pl.String))

    return Column(len(units), lambda start, stop: units[start:stop].to_list(), like)


def _arrow(units: Any) -> Column:
    import pyarrow as pa

    def like(answers: list[Any], values: Collection[object], _name: str) -> Any:
        kind = Kind.of(values)
        types = {Kind.INTEGER: pa.int64(), Kind.NUMBER: pa.float64(), Kind.BOOLEAN: pa.bool_()}
        array = pa.array(plain(answers, kind), type=types.get(kind, pa.string()))
        if isinstance(units, pa.Array):
            return array
        # The same chunks, so that it fits into the table that the units came from.
        ends, start = [], 0
        for chunk in units.chunks:
            ends.append(array.slice(start, len(chunk)))
            start += len(chunk)
        return pa.chunked_array(ends, type=array.type)

    return Column(
        len(units), lambda start, stop: units.slice(start, stop - start).to_pylist(), like
    )


_READERS: Mapping[str, tuple[Sequence[str], Callable[[Any], Column]]] = {
    "numpy": (["ndarray"], _numpy),
    "pandas": (["Series"], _pandas),
    "polars": (["Series"], _polars),
    "pyarrow": (["Array", "ChunkedArray"], _arrow),
}
