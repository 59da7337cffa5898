"""Columns in the warehouses that abkit's tests cannot run: written as their documentation says.

Each must have its columns in types of its own: times as timestamps or numbers of seconds, not as texts.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from abkit.analysis.engines.dialects.base import EARLIEST_MILLISECONDS, Dialect, Value
from abkit.analysis.engines.dialects.database import Database
from abkit.analysis.engines.dialects.described import NUMBER, OTHER, TIME, TRUTH, WHOLE, held
from abkit.analysis.engines.refusals import END, SHOWN
from abkit.analysis.engines.sessions import driver_has
from abkit.analysis.engines.translation import constant, quoted, translated
from abkit.analysis.reading.columns import Kind
from abkit.analysis.reading.quoting import literal
from abkit.errors import AnalysisError

_KEY = re.compile(r"[A-Za-z0-9_ :-]+")
_TIMES = {
    "bigquery": "unix_micros(timestamp({}))",
    "databricks": "unix_micros(cast({} as timestamp))",
    "duckdb": "epoch_us({})",
    "redshift": "datediff(microsecond, timestamp '1970-01-01', cast({} as timestamp))",
    "snowflake": "date_part(epoch_microsecond, {})",
    "trino": "cast(floor(to_unixtime({}) * 1e6 + 0.5) as bigint)",
}
GENERIC = tuple(_TIMES)
"""The dialects of this file, as SQLGlot names them; DuckDB is here so that one of them is run."""


class GenericDialect(Dialect):
    """A warehouse's.

    Args:
        dialect: SQLGlot's name of it.
    """

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self.types: Mapping[Kind, str] = MappingProxyType(
            {
                kind: self._sql(f"cast(null as {type_})").removeprefix("CAST(NULL AS ")[:-1]
                for kind, type_ in (
                    (Kind.TEXT, "varchar"),
                    (Kind.EXACT, "varchar"),
                    (Kind.KEY, "varchar"),
                    (Kind.INSTANT, "bigint"),
                    (Kind.NUMBER, "double"),
                    (Kind.TRUTH, "double"),
                )
            }
        )

    def name(self, name: str) -> str:
        """A column's name, quoted."""
        return quoted(name, self._dialect)

    def constant(self, text: str) -> str:
        """A text constant, quoted."""
        return constant(text, self._dialect)

    def entry(self, value: Value, key: str) -> Value:
        """The entry of a JSON object or its text."""
        if not _KEY.fullmatch(key):
            message = (
                f"{key!r} cannot be taken out of {value.sql} in {self._dialect}: use letters, digits, "
                "spaces, _, : and - in the names of properties"
            )
            raise AnalysisError(message)
        path = literal(f'$."{key}"')
        sql = self._sql(f"json_extract_string(value, {path})")
        return Value(sql.replace(self.name("value"), value.sql, 1), OTHER)

    def text(self, value: Value) -> str:
        """As text; empty is null, and whole floats lose their ".0"."""
        sql = value.sql
        cast = f"cast({sql} as {self.types[Kind.TEXT]})"
        if value.type == TRUTH:  # which Redshift does not cast
            return f"case when {sql} then 'true' when not {sql} then 'false' end"
        if value.type == NUMBER:
            whole = f"cast(cast({sql} as {self.types[Kind.INSTANT]}) as {self.types[Kind.TEXT]})"
            return (
                f"case when {sql} = floor({sql}) and abs({sql}) < 9e18 then {whole} else {cast} end"
            )
        return cast if value.type in (WHOLE, TIME) else f"nullif({cast}, '')"

    def number(self, value: Value, mark: str) -> str:
        """As a double."""
        if value.type == TRUTH:
            return self._of_truth(value.sql)
        if not mark and value.type not in (WHOLE, NUMBER):
            # Not by SQLGlot, which leaves out the trying for Snowflake where it knows no type.
            function = "safe_cast" if self._dialect == "bigquery" else "try_cast"
            tried = f"{function}({self.text(value)} as {self.types[Kind.NUMBER]})"
            return f"case when {tried} - {tried} = 0 then {tried} end"
        sql = value.sql if value.type in (WHOLE, NUMBER) else self.text(value)
        return f"cast({sql} as {self.types[Kind.NUMBER]})"

    def truth(self, value: Value, mark: str) -> str:
        """1 or 0, as a double."""
        return self._of_truth(value.sql) if value.type == TRUTH else super().truth(value, mark)

    def instant(self, value: Value, mark: str) -> str:
        """As microseconds since 1970, UTC.

        Raises:
            AnalysisError: It is neither a timestamp nor a number.
        """
        if value.type == TIME:
            return _TIMES[self._dialect].format(value.sql)
        if value.type in (WHOLE, NUMBER):
            seconds = self.number(value, mark)
            refused = self.refuse(mark, self.text(value), Kind.INSTANT)
            return (
                f"case when abs({seconds}) < {EARLIEST_MILLISECONDS} "
                f"then cast(floor({seconds} * 1e6 + 0.5) as {self.types[Kind.INSTANT]}) "
                f"when {value.sql} is not null then {refused} end"
            )
        message = (
            f"a time in {self._dialect} must be a timestamp or a number of seconds since 1970; "
            f"{value.sql} is neither"
        )
        raise AnalysisError(message)

    def refuse(self, mark: str, text: str, kind: Kind) -> str:
        """An expression that fails, with the mark and a text in its message.

        A database says what it could not cast: so it is made to cast the message.
        """
        if not mark:
            return f"cast(null as {self.types[kind]})"
        pieces = [self.constant(mark), f"substr({text}, 1, {SHOWN})", self.constant(END)]
        return f"cast({' || '.join(pieces)} as {self.types[kind]})"

    def _of_truth(self, sql: str) -> str:
        one, zero = (f"cast({number} as {self.types[Kind.TRUTH]})" for number in (1, 0))
        return f"case when {sql} then {one} when not {sql} then {zero} end"

    def _sql(self, expression: str) -> str:
        return translated(f"select {expression}", self._dialect, {}).body.split(None, 1)[1]


class Warehouse(Database):
    """One of these warehouses."""

    def types(self, table: str) -> Mapping[str, str]:
        """The columns, and what they hold, by what the driver says of them."""
        description, _ = self.session.run(f"select * from {table} where 1 = 0")  # noqa: S608 - quoted
        return {column[0]: held(column, self.name, self._driver_has) for column in description}

    def dialect(self, table: str) -> GenericDialect:  # noqa: ARG002 - types say it all
        """What writes its values."""
        return GenericDialect(self.name)

    def _driver_has(self, name: str) -> object:
        return driver_has(self.session.connection, name)
