"""Columns in ClickHouse."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from abkit.analysis.engines.dialects.base import EARLIEST_MILLISECONDS, Dialect, Value
from abkit.analysis.engines.dialects.database import Database
from abkit.analysis.engines.refusals import END, SHOWN
from abkit.analysis.reading.columns import Kind
from abkit.errors import AnalysisError

_WRAPPED = re.compile(r"(?:Nullable|LowCardinality)\((.*)\)", re.DOTALL)
_NUMBERS = re.compile(r"U?Int\d+|B?Float\d+|Decimal\d*(\(.*)?|Bool")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FLOATS = ("Float32", "Float64", "BFloat16")
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = "[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?"
_ZONE = "[ ]*(Z|z|UTC|[-+][0-9]{2}(:?[0-9]{2})?)"
_TIME = f"'^{_DAY}({_CLOCK}({_ZONE})?)?$'"

_SHOWN_MARK = re.compile(r"<<'(?:_String)?, substring")
_SETTINGS = (
    "settings aggregate_functions_null_for_empty = 1, join_use_nulls = 1, precise_float_parsing = 1, "
    "prefer_column_name_to_alias = 1, use_variant_as_common_type = 0"
)
"""What makes ClickHouse answer as SQL has it: with null where there is nothing, and names of columns."""


class ClickHouseDialect(Dialect):
    """ClickHouse's.

    Args:
        type_of: The type of an expression over the table; None if it cannot be bound.
    """

    types: Mapping[Kind, str] = MappingProxyType(
        {
            Kind.TEXT: "Nullable(String)",
            Kind.EXACT: "Nullable(String)",
            Kind.KEY: "Nullable(String)",
            Kind.INSTANT: "Nullable(Int64)",
            Kind.NUMBER: "Nullable(Float64)",
            Kind.TRUTH: "Nullable(Float64)",
        }
    )

    def __init__(self, type_of: Callable[[str], str | None]) -> None:
        self._type_of = type_of

    def name(self, name: str) -> str:
        """A column's name, quoted."""
        return "`" + _escaped(name, "`") + "`"

    def constant(self, text: str) -> str:
        """A text constant, quoted."""
        return "'" + _escaped(text, "'") + "'"

    def entry(self, value: Value, key: str) -> Value | None:
        """The entry of a map, a named tuple, a JSON object or its text."""
        sql, type_, name = value.sql, _bare(value.type), self.constant(key)
        if type_.startswith("Map("):
            found = f"if(mapContains({sql}, {name}), {sql}[{name}], null)"
        elif type_.startswith("Tuple("):
            found = f"tupleElement({sql}, {name})"
        elif type_.startswith("JSON"):
            return self._of_object(sql, key)
        elif type_ == "String":
            return Value(_of_text(sql, name), self.types[Kind.TEXT])
        else:
            message = (
                f"{sql} is of the type {value.type}, which has no entry {key!r}; "
                "maps, named tuples, JSON and texts of JSON objects have"
            )
            raise AnalysisError(message)
        of = self._type_of(found)
        return None if of is None else Value(found, of)

    def text(self, value: Value) -> str:
        """As text; empty is null, and whole floats lose their ".0"."""
        sql, type_ = value.sql, _bare(value.type)
        text = f"cast({sql} as Nullable(String))"
        if type_ in _FLOATS:
            return (
                f"case when isNaN({sql}) then null when {sql} = trunc({sql}) and abs({sql}) < 9e18 "
                f"then cast(cast({sql} as Nullable(Int64)) as Nullable(String)) else {text} end"
            )
        if type_.startswith("FixedString"):
            return f"nullif(cast(toStringCutToZero({sql}) as Nullable(String)), '')"
        if type_.startswith(("JSON", "Map(", "Tuple(", "Array(")):
            return f"cast(toJSONString({sql}) as Nullable(String))"
        return f"nullif({text}, '')"

    def number(self, value: Value, mark: str) -> str:
        """As a finite double."""
        sql, type_ = value.sql, _bare(value.type)
        if _NUMBERS.fullmatch(type_) and type_ not in _FLOATS:
            return f"cast({sql} as Nullable(Float64))"
        text = self.text(value)
        number = f"cast({sql} as Nullable(Float64))" if type_ in _FLOATS else _number(text)
        shown = f"toString({sql})" if type_ in _FLOATS else text
        return (
            f"case when isFinite({number}) then {number} "
            f"when {shown} is not null then {self.refuse(mark, shown, Kind.NUMBER)} end"
        )

    def instant(self, value: Value, mark: str) -> str:
        """As microseconds since 1970, UTC."""
        sql, type_ = value.sql, _bare(value.type)
        if type_.startswith("DateTime"):
            return f"toUnixTimestamp64Micro(toDateTime64({sql}, 6))"
        if type_.startswith("Date"):
            return f"toUnixTimestamp64Micro(toDateTime64({sql}, 6, 'UTC'))"
        text = self.text(value)
        refused = self.refuse(mark, text, Kind.INSTANT)
        if _NUMBERS.fullmatch(type_):
            seconds = f"cast({sql} as Nullable(Float64))"
            return f"case {_seconds(seconds)} when {text} is not null then {refused} end"
        iso = f"parseDateTime64BestEffortOrNull({text}, 6, 'UTC')"
        return (
            f"case when match(trim({text}), {_TIME}) and {iso} is not null "
            f"then toUnixTimestamp64Micro({iso}) "
            f"{_seconds(_number(text))} when {text} is not null then {refused} end"
        )

    def refuse(self, mark: str, text: str, kind: Kind) -> str:
        """An expression that fails, with the mark and a text in its message.

        ClickHouse says what it could not read as a number: so it is made to read the message.
        """
        if not mark:
            return f"cast(null as {self.types[kind]})"
        message = f"concat({self.constant(mark)}, substringUTF8({text}, 1, {SHOWN}), {self.constant(END)})"
        return f"cast(cast({message} as Float64) as {self.types[kind]})"

    def _of_object(self, sql: str, key: str) -> Value:
        """An entry of JSON: of a column, only its own part is read; a name that is a path is none there."""
        if not (sql.startswith("`") and _PLAIN_KEY.fullmatch(key)):
            return Value(_of_text(f"toJSONString({sql})", self.constant(key)), "Nullable(String)")
        leaf, inner = f"toString({sql}.{self.name(key)})", f"toJSONString({sql}.^{self.name(key)})"
        text = f"coalesce(nullif({leaf}, ''), nullif({inner}, '{{}}'))"
        return Value(f"cast({text} as Nullable(String))", self.types[Kind.TEXT])


class ClickHouse(Database):
    """ClickHouse. Temporary tables are kept where the connection has a session."""

    keeps = True

    def version(self) -> str:
        """Such as "ClickHouse 26.9.2.1"."""
        return f"ClickHouse {self.session.run('select version()')[1][0][0]}"

    def types(self, table: str) -> Mapping[str, str]:
        """The columns and their types, as `describe` has them."""
        return {str(row[0]): str(row[1]) for row in self.session.run(f"describe {table}")[1]}

    def dialect(self, table: str) -> ClickHouseDialect:
        """What writes the values of a table."""
        return ClickHouseDialect(lambda sql: self._type_of(sql, table))

    def rewrite(self, tree: Any) -> None:
        """Count in signed numbers: what is unsigned has no type in common with what is signed."""
        from sqlglot import exp

        for node in list(tree.find_all(exp.Count, exp.RowNumber)):
            counted = node.parent if isinstance(node.parent, exp.Window) else node
            if not isinstance(counted.parent, exp.Cast):
                counted.replace(exp.cast(counted.copy(), "bigint"))
        for node in list(tree.find_all(exp.Literal)):
            if node.is_int and isinstance(node.parent, exp.Case | exp.If):
                node.replace(exp.cast(node.copy(), "bigint"))

    def query(self, text: str) -> str:
        """With the settings, which so are of the query only."""
        doubled = "\\x25\\x25"  # in texts and names; clickhouse-connect would make one of the two
        return f"{text.replace('%%', doubled)}\n{_SETTINGS}"

    def permanent(self, table: str, text: str) -> str:
        """With what ClickHouse wants to know of a table that stays."""
        return f"create table {table} engine = MergeTree order by tuple() as\n{text}"

    def told(self, error: Exception) -> str:
        """What an error says, without the marks in the parts of the query that it shows."""
        return _SHOWN_MARK.sub("", str(error))

    def _type_of(self, sql: str, table: str) -> str | None:
        try:
            rows = self.session.run(f"describe (select {sql} from {table})")[1]  # noqa: S608
        except self.session.error:
            return None
        return str(rows[0][1])


def _bare(type_: str) -> str:
    """A type without what says how it is stored, and that it may be null."""
    while (inner := _WRAPPED.fullmatch(type_)) is not None:
        type_ = inner[1]
    return type_


def _escaped(text: str, quote: str) -> str:
    """A text within quotes; percent signs, in which drivers see parameters, are written as numbers."""
    return text.replace("\\", "\\\\").replace(quote, f"\\{quote}").replace("%", "\\x25")


def _of_text(sql: str, name: str) -> str:
    """The entry of a text of a JSON object, which fails if it is no JSON."""
    text = f"coalesce(cast({sql} as Nullable(String)), '')"
    failing = f"throwIf({text} != '' and not isValidJSON({text}), 'a text is no JSON object')"
    found = f"JSONExtract({text}, {name}, 'Nullable(String)')"
    return f"coalesce({found}, nullif(cast({failing} as Nullable(String)), '0'))"


def _number(text: str) -> str:
    return f"toFloat64OrNull(trim({text}))"


def _seconds(number: str) -> str:
    return (
        f"when abs({number}) < {EARLIEST_MILLISECONDS} "
        f"then cast(floor({number} * 1e6 + 0.5) as Nullable(Int64))"
    )
