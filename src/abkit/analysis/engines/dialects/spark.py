"""Columns in Spark."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from abkit.analysis.engines.dialects.base import EARLIEST_MILLISECONDS, Dialect, Value
from abkit.analysis.engines.refusals import END, SHOWN
from abkit.analysis.engines.translation import constant, quoted
from abkit.analysis.reading.columns import Kind
from abkit.errors import AnalysisError

_FLOATS = ("double", "float")
_ZONE = "'.*[0-9]:[0-9]{2}.*(Z|z|UTC|[-+][0-9]{1,2}(:?[0-9]{2})?)[ ]*'"


class SparkDialect(Dialect):
    """Spark's, from 3.4 on.

    Args:
        type_of: The type of an expression over the table; None if it cannot be bound.
    """

    types: Mapping[Kind, str] = MappingProxyType(
        {
            Kind.TEXT: "string",
            Kind.EXACT: "string",
            Kind.KEY: "string",
            Kind.INSTANT: "bigint",
            Kind.NUMBER: "double",
            Kind.TRUTH: "double",
        }
    )

    def __init__(self, type_of: Callable[[str], str | None]) -> None:
        self._type_of = type_of

    def name(self, name: str) -> str:
        """A column's name, quoted.

        Raises:
            AnalysisError: Spark would replace a part of it.
        """
        if "${" in name:
            message = f"{name!r} cannot be written in Spark SQL, which replaces what follows ${{"
            raise AnalysisError(message)
        return quoted(name, "spark")

    def constant(self, text: str) -> str:
        """A text constant, quoted."""
        return constant(text, "spark")

    def entry(self, value: Value, key: str) -> Value | None:
        """The entry of a map, a struct, a list of entries, or a text of a JSON object."""
        if value.type == "string":
            # from_json and not get_json_object, whose paths cannot have every key.
            entries = f"from_json({value.sql}, 'map<string,string>', map('mode', 'FAILFAST'))"
            return Value(f"{entries}[{self.constant(key)}]", "string")
        if value.type.startswith("map"):
            sql = f"{value.sql}[{self.constant(key)}]"
        elif value.type.startswith("array<struct"):
            sql = f"map_from_entries({value.sql})[{self.constant(key)}]"
        elif value.type.startswith("struct"):
            sql = f"{value.sql}.{self.name(key)}"
        else:
            message = (
                f"{value.sql} is of the type {value.type}, which has no entry {key!r}; "
                "maps, structs and texts of JSON objects have"
            )
            raise AnalysisError(message)
        type_ = self._type_of(sql)
        return None if type_ is None else Value(sql, type_)

    def text(self, value: Value) -> str:
        """As text; empty is null, and whole floats lose their ".0"."""
        sql = value.sql
        if value.type in _FLOATS or value.type.startswith("decimal"):
            return (
                f"case when isnan({sql}) then null "
                f"when {sql} = floor({sql}) and abs({sql}) < cast('9e18' as double) "
                f"then cast(cast({sql} as bigint) as string) else cast({sql} as string) end"
            )
        if value.type.startswith(("struct", "map", "array")):
            return f"to_json({sql})"
        return f"nullif(cast({sql} as string), '')"

    def number(self, value: Value, mark: str) -> str:
        """As a finite double."""
        if value.type not in (*_FLOATS, "string"):
            return f"cast({value.sql} as double)"
        text = self.text(value) if value.type == "string" else value.sql
        number = f"try_cast({text} as double)"
        return (
            f"case when {number} - {number} = cast(0 as double) then {number} "
            f"when {text} is not null then {self.refuse(mark, text, Kind.NUMBER)} end"
        )

    def instant(self, value: Value, mark: str) -> str:
        """As microseconds since 1970, UTC; the session's time zone does not matter."""
        sql = value.sql
        if value.type == "timestamp":
            return f"unix_micros({sql})"
        if value.type in ("timestamp_ntz", "date"):
            return _micros(sql)
        text = self.text(value)
        refused = self.refuse(mark, text, Kind.INSTANT)
        seconds = f"try_cast({text if value.type == 'string' else sql} as double)"
        of_seconds = (
            f"when abs({seconds}) < cast('{EARLIEST_MILLISECONDS}' as double) then "
            f"cast(floor({seconds} * cast(1000000 as double) + cast('0.5' as double)) as bigint)"
        )
        otherwise = f"case {of_seconds} when {text} is not null then {refused} end"
        if value.type != "string":
            return otherwise
        return (
            f"coalesce(case when {text} rlike '^[0-9]+([.][0-9]*)?$' then null "
            f"when {text} rlike {_ZONE} then unix_micros(try_cast({text} as timestamp)) "
            f"else {_micros(text)} end, {otherwise})"
        )

    def refuse(self, mark: str, text: str, kind: Kind) -> str:
        """An expression that fails, with the mark and a text in its message."""
        if not mark:
            return f"cast(null as {self.types[kind]})"
        shown = f"left(cast({text} as string), {SHOWN})"
        message = f"concat({self.constant(mark)}, {shown}, {self.constant(END)})"
        return f"cast(raise_error({message}) as {self.types[kind]})"


def _micros(sql: str) -> str:
    """Of what has no time zone: it is UTC."""
    epoch = "cast('1970-01-01' as timestamp_ntz)"
    return f"timestampdiff(microsecond, {epoch}, try_cast({sql} as timestamp_ntz))"
