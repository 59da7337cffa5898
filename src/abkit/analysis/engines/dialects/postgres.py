"""Columns in PostgreSQL."""

from collections.abc import Mapping
from types import MappingProxyType

from abkit.analysis.engines.dialects.base import EARLIEST_MILLISECONDS, Dialect, Value
from abkit.analysis.engines.dialects.database import Database
from abkit.analysis.engines.refusals import END, SHOWN
from abkit.analysis.engines.sessions import Session
from abkit.analysis.reading.columns import Kind
from abkit.analysis.reading.quoting import identifier, literal
from abkit.errors import AnalysisError

_INLINES = 120_000
"""PostgreSQL 12 is the first that can be told so."""
_TEXTS = ("text", "character", "name", "citext", "json", "jsonb")
_FLOATS = ("double precision", "real", "numeric")
_NUMBER = "'^[[:space:]]*[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?[[:space:]]*$'"
_DAY = "[[:space:]]*[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = "[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?"
_ZONE = "[[:space:]]*(Z|z|UTC|[-+][0-9]{2}(:?[0-9]{2})?)"
_WITH_ZONE = f"'^{_DAY}{_CLOCK}{_ZONE}[[:space:]]*$'"
_WITHOUT_ZONE = f"'^{_DAY}({_CLOCK})?[[:space:]]*$'"

_COLUMNS = """\
select a.attname, format_type(a.atttypid, null)
from pg_attribute a
where a.attrelid = {table}::regclass and a.attnum > 0 and not a.attisdropped
order by a.attnum"""
"""The columns of a table (a text constant, with its quotes) and their types."""


class PostgresDialect(Dialect):
    """PostgreSQL's."""

    types: Mapping[Kind, str] = MappingProxyType(
        {
            Kind.TEXT: "text",
            Kind.EXACT: "text",
            Kind.KEY: "text",
            Kind.INSTANT: "bigint",
            Kind.NUMBER: "double precision",
            Kind.TRUTH: "double precision",
        }
    )

    def name(self, name: str) -> str:
        """A column's name, quoted."""
        return identifier(name)

    def constant(self, text: str) -> str:
        """A text constant, quoted; standard_conforming_strings must be on."""
        return literal(text)

    def entry(self, value: Value, key: str) -> Value:
        """The entry of a JSON object, its text, or an hstore."""
        name = self.constant(key)
        if value.type == "hstore":
            return Value(f"({value.sql} -> {name})", "text")
        if value.type in ("json", "jsonb"):
            return Value(f"({value.sql} ->> {name})", "text")
        if value.type.startswith(_TEXTS):
            return Value(f"(cast(nullif({value.sql}, '') as json) ->> {name})", "text")
        message = (
            f"{value.sql} is of the type {value.type}, which has no entry {key!r}; "
            "json, jsonb, hstore and texts of JSON objects have"
        )
        raise AnalysisError(message)

    def text(self, value: Value) -> str:
        """As text; empty is null, and whole floats lose their ".0"."""
        sql = value.sql
        if value.type in ("json", "jsonb"):
            return f"nullif(({sql} #>> '{{}}'), '')"
        if value.type == "numeric":
            return f"cast(trim_scale({sql}) as text)"
        if value.type in _FLOATS:
            return (
                f"case when {sql} = 'NaN' then null when {sql} = trunc({sql}) and abs({sql}) < 9e18 "
                f"then cast(cast({sql} as bigint) as text) else cast({sql} as text) end"
            )
        return f"nullif(cast({sql} as text), '')"

    def exact(self, value: Value) -> str:
        """As text; databases sort, and some compare, by the rules of a language."""
        return f'{self.text(value)} collate "C"'

    def number(self, value: Value, mark: str) -> str:
        """As a finite double."""
        sql = value.sql
        if value.type == "boolean":
            return f"cast(cast({sql} as integer) as double precision)"
        number = f"cast({sql} as double precision)"
        if value.type in _FLOATS:
            refused = self.refuse(mark, sql, Kind.NUMBER)
            return (
                f"case when {number} - {number} = 0 then {number} "
                f"when {sql} is not null then {refused} end"
            )
        if not value.type.startswith(_TEXTS):
            return number
        text = self.text(value)
        return (
            f"case when {text} ~ {_NUMBER} then cast({text} as double precision) "
            f"when {text} is not null then {self.refuse(mark, text, Kind.NUMBER)} end"
        )

    def instant(self, value: Value, mark: str) -> str:
        """As microseconds since 1970, UTC."""
        sql = value.sql
        if value.type.startswith(("timestamp", "date")):
            return _micros(sql)
        text = self.text(value)
        refused = self.refuse(mark, text, Kind.INSTANT)
        if not value.type.startswith(_TEXTS):
            return f"case {_seconds(sql)} when {text} is not null then {refused} end"
        return (
            f"case when {text} ~ {_WITHOUT_ZONE} then {_micros(f'cast({text} as timestamp)')} "
            f"when {text} ~ {_WITH_ZONE} then {_micros(f'cast({text} as timestamptz)')} "
            f"when {text} ~ {_NUMBER} then case {_seconds(text)} else {refused} end "
            f"when {text} is not null then {refused} end"
        )

    def refuse(self, mark: str, text: str, kind: Kind) -> str:
        """An expression that fails, with the mark and a text in its message.

        PostgreSQL says what it could not cast: so it is made to cast the message.
        """
        if not mark:
            return f"cast(null as {self.types[kind]})"
        shown = f"left(cast({text} as text), {SHOWN})"
        return f"cast({literal(mark)} || {shown} || {literal(END)} as {self.types[kind]})"


class Postgres(Database):
    """PostgreSQL.

    Raises:
        AnalysisError: A backslash in a name could end a constant.
    """

    keeps = True

    def __init__(self, name: str, session: Session) -> None:
        super().__init__(name, session)
        _, ((setting,),) = session.run("show standard_conforming_strings")
        if setting != "on":
            message = "the connection must have standard_conforming_strings on, its default"
            raise AnalysisError(message)
        _, ((number,),) = session.run("show server_version_num")
        self.inlines: bool = int(str(number)) >= _INLINES

    def version(self) -> str:
        """Such as "PostgreSQL 15.13"."""
        return f"PostgreSQL {self.session.run('show server_version')[1][0][0]}"

    def types(self, table: str) -> Mapping[str, str]:
        """The columns and their types, without their precision."""
        rows = self.session.run(_COLUMNS.format(table=literal(table)))[1]
        return {str(name): str(type_) for name, type_ in rows}

    def dialect(self, table: str) -> PostgresDialect:  # noqa: ARG002 - types say it all
        """What writes its values."""
        return PostgresDialect()

    def prepare(self, table: str) -> None:
        """Let it be counted: PostgreSQL knows nothing of a new table, and plans badly."""
        self.session.run(f"analyze {table}")


def _micros(sql: str) -> str:
    """Of a date or a timestamp; the time zone of the session does not matter. Infinity is null."""
    return (
        f"case when isfinite({sql}) then "
        f"cast(floor(extract(epoch from {sql}) * 1000000 + 0.5) as bigint) end"
    )


def _seconds(sql: str) -> str:
    number = f"cast({sql} as double precision)"
    return (
        f"when abs({number}) < {EARLIEST_MILLISECONDS} "
        f"then cast(floor({number} * 1e6 + 0.5) as bigint)"
    )
