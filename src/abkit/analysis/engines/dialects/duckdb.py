"""Columns in DuckDB."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from abkit.analysis.engines.dialects.base import EARLIEST_MILLISECONDS, Dialect, Value
from abkit.analysis.engines.dialects.database import Database
from abkit.analysis.engines.refusals import END, SHOWN
from abkit.analysis.engines.sessions import Session
from abkit.analysis.reading.columns import Kind
from abkit.analysis.reading.quoting import identifier, json_path, literal
from abkit.errors import AnalysisError

_JSON = ("VARCHAR", "JSON")
_FLOATS = ("DOUBLE", "FLOAT")
_WHOLE = ("BIGINT", "INTEGER", "SMALLINT", "TINYINT", "HUGEINT")
WHOLE = (*_WHOLE, *(f"U{name}" for name in _WHOLE))
"""Types of whole numbers."""


class DuckDBDialect(Dialect):
    """DuckDB's.

    Args:
        type_of: The type of an expression over the table; None if it cannot be bound.
    """

    types: Mapping[Kind, str] = MappingProxyType(
        {
            Kind.TEXT: "varchar",
            Kind.EXACT: "varchar",
            Kind.KEY: "varchar",
            Kind.INSTANT: "bigint",
            Kind.NUMBER: "double",
            Kind.TRUTH: "double",
        }
    )

    def __init__(self, type_of: Callable[[str], str | None]) -> None:
        self._type_of = type_of

    def name(self, name: str) -> str:
        """A column's name, quoted."""
        return identifier(name)

    def constant(self, text: str) -> str:
        """A text constant, quoted."""
        return literal(text)

    def entry(self, value: Value, key: str) -> Value | None:
        """The entry of a map, a struct, a list of entries, a JSON object or its text."""
        if value.type in _JSON:
            json = f"nullif({value.sql}, '')"
            if value.type == "JSON":  # an object, or the text of one
                text = f"json_extract_string({value.sql}, '$')"
                json = f"case when starts_with({value.sql}, '\"') then {text} else {value.sql} end"
            return Value(f"json_extract_string({json}, {json_path(key)})", "VARCHAR")
        if value.type.endswith("[]"):
            sql = f"map_from_entries({value.sql})[{literal(key)}]"
        elif value.type.startswith(("MAP", "STRUCT")):
            sql = f"{value.sql}[{literal(key)}]"
        else:
            message = (
                f"{value.sql} is a {value.type}, which has no entry {key!r}; "
                "a map, a struct, a JSON object or its text has"
            )
            raise AnalysisError(message)
        type_ = self._type_of(sql)
        return None if type_ is None else Value(sql, type_)

    def text(self, value: Value) -> str:
        """As text; empty is null, and whole floats lose their ".0"."""
        sql, type_ = value.sql, value.type
        if type_ == "JSON":
            return f"nullif(json_extract_string({sql}, '$'), '')"
        if type_ in _FLOATS or type_.startswith("DECIMAL"):
            # A column of ids with a gap in it is one of floats in pandas; 42.0 is still the unit 42.
            return (
                f"case when isnan(cast({sql} as double)) then null "
                f"when {sql} = trunc({sql}) and abs({sql}) < 9e18 "
                f"then cast(cast({sql} as bigint) as varchar) else cast({sql} as varchar) end"
            )
        if type_ == "VARCHAR":
            return f"nullif({sql}, '')"
        if type_ in WHOLE:
            return f"cast({sql} as varchar)"
        return f"nullif(cast({sql} as varchar), '')"

    def key(self, value: Value) -> str:
        """A whole number as it is; anything else as text."""
        return value.sql if value.type in WHOLE else self.text(value)

    def number(self, value: Value, mark: str) -> str:
        """As a double; of text, a finite one."""
        if value.type in _JSON:
            text = self.text(value)
            number = f"try_cast({text} as double)"
            refused = self.refuse(mark, text, Kind.NUMBER)
            return (
                f"case when isfinite({number}) then {number} "
                f"when {text} is not null then {refused} end"
            )
        if not mark and value.type in _FLOATS:
            return f"nullif(cast({value.sql} as double), cast('nan' as double))"
        # What is not finite in a column of floats is found in the sums: a check of each value is dear.
        return f"cast({value.sql} as double)"

    def truth(self, value: Value, mark: str) -> str:
        """1 or 0, as a double."""
        if value.type == "BOOLEAN":
            return f"cast({value.sql} as double)"
        if value.type in WHOLE:
            refused = self.refuse(mark, value.sql, Kind.TRUTH)
            unusable = f"{value.sql} not in (0, 1)"
            return f"case when {unusable} then {refused} else cast({value.sql} as double) end"
        return super().truth(value, mark)

    def instant(self, value: Value, mark: str) -> str:
        """As microseconds since 1970, UTC; the session's time zone must be UTC."""
        if value.type.startswith(("TIMESTAMP", "DATE")):
            return f"epoch_us({value.sql})"
        text = self.text(value)
        refused = self.refuse(mark, text, Kind.INSTANT)
        seconds = f"try_cast({value.sql if value.type not in _JSON else text} as double)"
        of_seconds = (
            f"when abs({seconds}) < {EARLIEST_MILLISECONDS} "
            f"then cast(floor({seconds} * 1e6 + 0.5) as bigint)"
        )
        if value.type not in _JSON:
            return f"case {of_seconds} when {text} is not null then {refused} end"
        iso = f"epoch_us(try_cast({text} as timestamptz))"
        otherwise = f"case {of_seconds} when {text} is not null then {refused} end"
        return f"coalesce({iso}, {otherwise})"

    def refuse(self, mark: str, text: str, kind: Kind) -> str:
        """An expression that fails, with the mark and a text in its message."""
        if not mark:
            return f"cast(null as {self.types[kind]})"
        shown = f"left(cast({text} as varchar), {SHOWN})"
        message = f"{literal(mark)} || {shown} || {literal(END)}"
        return f"cast(error({message}) as {self.types[kind]})"


class DuckDBConnection(Database):
    """A DuckDB of the caller's."""

    keeps = True

    def __init__(self, name: str, session: Session) -> None:
        super().__init__(name, session)
        session.run("set TimeZone = 'UTC'")  # of the cursor only

    def version(self) -> str:
        """Such as "DuckDB 1.4.2"."""
        return f"DuckDB {self.session.run('select version()')[1][0][0]}"

    def types(self, table: str) -> Mapping[str, str]:
        """The columns and their types, as `describe` has them."""
        return {str(row[0]): str(row[1]) for row in self.session.run(f"describe {table}")[1]}

    def dialect(self, table: str) -> DuckDBDialect:
        """What writes the values of a table."""
        return DuckDBDialect(lambda sql: self._type_of(sql, table))

    def _type_of(self, sql: str, table: str) -> str | None:
        try:
            rows = self.session.run(f"describe select {sql} from {table}")[1]  # noqa: S608
        except self.session.error:
            return None
        return str(rows[0][1])
