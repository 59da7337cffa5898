"""What a dialect must be able to write, and the select that is written with it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from attrs import frozen

from abkit.analysis.engines.dialects.described import OTHER
from abkit.analysis.engines.refusals import Refusals
from abkit.analysis.reading.columns import FALSE, TRUE, Column, Kind
from abkit.analysis.reading.matching import Match

EARLIEST_MILLISECONDS = "1e11"
"""Seconds from here on are of the year 5138: they are milliseconds, which someone forgot to divide."""


@frozen
class Value:
    """An expression.

    Attributes:
        sql: Its text.
        type: Its type, as the database names it; empty where that is not known.
    """

    sql: str
    type: str = ""


class Dialect(Protocol):
    """Writes values of a foreign type in the types that queries need.

    A `mark` is the beginning of an error's message; see `Refusals`. Without one, what cannot be used is
    null.

    Attributes:
        types: The database's names for the type of each kind of column.
    """

    types: Mapping[Kind, str]

    def name(self, name: str) -> str:
        """A column's name, quoted."""
        ...

    def constant(self, text: str) -> str:
        """A text constant, quoted."""
        ...

    def entry(self, value: Value, key: str) -> Value | None:
        """The entry of a map, a struct or a JSON object; None if it can have none of that name.

        Raises:
            AnalysisError: The value is nothing that has entries.
        """
        ...

    def text(self, value: Value) -> str:
        """As text; empty is null, and whole floats lose their ".0"."""
        ...

    def number(self, value: Value, mark: str) -> str:
        """As a finite double."""
        ...

    def exact(self, value: Value) -> str:
        """As text that equals only itself, in the order of its characters' numbers."""
        return self.text(value)

    def key(self, value: Value) -> str:
        """As it tells rows apart."""
        return self.text(value)

    def truth(self, value: Value, mark: str) -> str:
        """1 for true, yes and 1; 0 for false, no and 0; as a double."""
        text, number = self.text(value), self.types[Kind.TRUTH]
        true, false = (", ".join(map(self.constant, words)) for words in (TRUE, FALSE))
        return (
            f"case when {text} is null then null "
            f"when lower(trim({text})) in ({true}) then cast(1 as {number}) "
            f"when lower(trim({text})) in ({false}) then cast(0 as {number}) "
            f"else {self.refuse(mark, text, Kind.TRUTH)} end"
        )

    def instant(self, value: Value, mark: str) -> str:
        """As microseconds since 1970, UTC."""
        ...

    def refuse(self, mark: str, text: str, kind: Kind) -> str:
        """An expression of the kind's type that fails, with the mark and a text in its message.

        Without a mark it is null.
        """
        ...


@frozen
class Selection:
    """The two lists of a select from a select, so that an entry of JSON is looked up only once.

    Attributes:
        values: What to take from the table: columns and their entries.
        columns: What queries see, made of that.
    """

    values: tuple[str, ...]
    columns: tuple[str, ...]

    def text(self, source: str) -> str:
        """The whole select.

        Args:
            source: The table, quoted where it must be.
        """
        values, columns = ",\n    ".join(self.values), ",\n  ".join(self.columns)
        return f"select\n  {columns}\nfrom (\n  select\n    {values}\n  from {source}\n) as found"


def select(
    matches: Sequence[Match],
    types: Mapping[str, str],
    *,
    dialect: Dialect,
    refusals: Refusals,
    label: str,
) -> Selection:
    """Each column as queries call it, and in their type.

    Args:
        matches: The columns, and where they stand in the table.
        types: The types of the table's columns.
        dialect: The database's.
        refusals: What remembers what the marks mean.
        label: How messages call the table.
    """
    found = {one.column.name: _value(one, types, dialect) for one in matches}
    values: list[str] = []
    columns: list[str] = []
    for number, one in enumerate(matches):
        kind, value = one.column.kind, found[one.column.name]
        name = dialect.name(f"value_{number}")
        if value is None or _never(one.column, found):
            sql = f"cast(null as {dialect.types[kind]})"
            values.append(f"{sql} as {name}")
        else:
            mark = refusals.mark(one.label, label, kind) if one.column.strict else ""
            values.append(f"{_guarded(value.sql, one.column, found, dialect)} as {name}")
            sql = _canonical(kind, Value(name, value.type), dialect, mark)
        columns.append(f"{sql} as {dialect.name(one.column.name)}")
    return Selection(tuple(values), tuple(columns))


def _never(column: Column, found: Mapping[str, Value | None]) -> bool:
    """Whether no row can fulfil the condition of a column."""
    return column.when is not None and (not column.when[1] or found[column.when[0]] is None)


def _guarded(sql: str, column: Column, found: Mapping[str, Value | None], dialect: Dialect) -> str:
    """A value in the rows that fulfil the condition of its column; null in others."""
    if column.when is None:
        return sql
    name, wanted = column.when
    of = found[name]
    if of is None:
        return sql
    listed = ", ".join(map(dialect.constant, wanted))
    return f"case when {dialect.text(of)} in ({listed}) then {sql} end"


def _value(match: Match, types: Mapping[str, str], dialect: Dialect) -> Value | None:
    if match.source is None:
        return None
    value: Value | None = Value(dialect.name(match.source), types[match.source])
    outermost = len(match.path) - len(match.column.inside)
    for place, key in enumerate(match.path):
        if value is not None and place >= outermost:
            value = _object(value, dialect)
        if value is not None:
            value = dialect.entry(value, key)
    return value


def _object(value: Value, dialect: Dialect) -> Value:
    """A value where it is the text of an object; null where it is a word, in which there is no entry."""
    if value.type.lower() not in (dialect.types[Kind.TEXT].lower(), "", OTHER):
        return value
    opens = f"substr({value.sql}, 1, 1) = {dialect.constant('{')}"
    return Value(f"case when {opens} then {value.sql} end", value.type)


def _canonical(kind: Kind, value: Value, dialect: Dialect, mark: str) -> str:
    match kind:
        case Kind.TEXT:
            return dialect.text(value)
        case Kind.EXACT:
            return dialect.exact(value)
        case Kind.KEY:
            return dialect.key(value)
        case Kind.NUMBER:
            return dialect.number(value, mark)
        case Kind.INSTANT:
            return dialect.instant(value, mark)
        case Kind.TRUTH:
            return dialect.truth(value, mark)
