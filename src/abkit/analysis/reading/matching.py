"""Which column of a table is which column of the queries."""

from collections.abc import Iterable, Sequence

from attrs import frozen

from abkit.analysis.reading.columns import Column
from abkit.analysis.reading.sources import Table
from abkit.errors import MissingColumnError


@frozen
class Match:
    """A column that queries need, found in a table.

    Attributes:
        column: What queries need.
        source: The table's own name for it; None where the table has no such column.
        path: The entries to take, from the outside in.
    """

    column: Column
    source: str | None
    path: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """How messages call it."""
        entries = "".join(f"entry {key!r} of " for key in reversed(self.path))
        return f"{entries}column {self.source!r}"


def match(table: Table, columns: Sequence[Column], available: Sequence[str]) -> tuple[Match, ...]:
    """Find the columns that queries need, by the names that the table has for them.

    A name that only differs in upper and lower case will do, as databases do not agree on that.

    Args:
        table: The table and its own names.
        columns: What queries need.
        available: The columns that the table has.

    Raises:
        MissingColumnError: A column is not there that is required, or that the table was said to have.
    """
    return tuple(_match(table, column, available) for column in columns)


def _match(table: Table, column: Column, available: Sequence[str]) -> Match:
    entry = f"{column.source}.{column.key}"
    place = table.columns.get(column.source, column.source)
    path = () if column.key is None else (column.key, *column.inside)
    innermost = ".".join((entry, *column.inside))
    if innermost in table.columns:  # an entry by its own name is a column of its own
        place, path, entry = table.columns[innermost], (), innermost
    elif entry in table.columns:
        place, path = table.columns[entry], column.inside
    name, *within = (place,) if isinstance(place, str) else place
    source = _same(name, available)
    mapped = column.source in table.columns or entry in table.columns
    if source is None and not mapped:
        others = (_same(other, available) for other in column.elsewhere)
        other = next((other for other in others if other is not None), None)
        if other is not None:
            return Match(column, other, column.inside)
    if source is None and (column.required or mapped):
        raise MissingColumnError(name, table.label, available, advice=_advice(column))
    return Match(column, source, (*within, *path))


def _advice(column: Column) -> str:
    """How the table can say where a column stands."""
    if column.key is None:
        return ""
    entry = ".".join((column.source, column.key, *column.inside))
    return (
        f"It would have {column.key!r}, which may also be a column of that name, or any other: "
        f"Table(..., columns={{{entry!r}: '...'}})."
    )


def _same(name: str, available: Iterable[str]) -> str | None:
    if name in (available := tuple(available)):
        return name
    alike = [one for one in available if one.casefold() == name.casefold()]
    return alike[0] if len(alike) == 1 else None
