"""Columns in the warehouses that abkit's tests cannot run: written as their documentation says.

Each must have its columns in types of its own: times as timestamps or numbers of seconds, not as texts.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from abkit.analysis.engines.dialects.base import Dialect, Value
from abkit.analysis.engines.translation import constant, quoted, translated
from abkit.analysis.reading.columns import Kind
from abkit.analysis.reading.quoting import literal
from abkit.errors import AnalysisError

TIME, NUMBER, OTHER = "time", "number", "other"
"""What is known of a column's type: what PEP 249 distinguishes."""

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
        """As text; empty is null."""
        return f"nullif(cast({value.sql} as {self.types[Kind.TEXT]}), '')"

    def number(self, value: Value, mark: str) -> str:  # noqa: ARG002 - the cast says it
        """As a double."""
        sql = value.sql if value.type == NUMBER else self.text(value)
        return f"cast({sql} as {self.types[Kind.NUMBER]})"

    def instant(self, value: Value, mark: str) -> str:
        """As microseconds since 1970, UTC.

        Raises:
            AnalysisError: It is neither a timestamp nor a number.
        """
        if value.type == TIME:
            return _TIMES[self._dialect].format(value.sql)
        if value.type == NUMBER:
            seconds = self.number(value, mark)
            return f"cast(floor({seconds} * 1e6 + 0.5) as {self.types[Kind.INSTANT]})"
        message = (
            f"a time in {self._dialect} must be a timestamp or a number of seconds since 1970, "
            "not a text"
        )
        raise AnalysisError(message)

    def refuse(self, mark: str, text: str, kind: Kind) -> str:  # noqa: ARG002 - the cast says it
        """An expression that fails at a text that is no number."""
        return f"cast({text} as {self.types[kind]})"

    def _sql(self, expression: str) -> str:
        return translated(f"select {expression}", self._dialect, {}).body.split(None, 1)[1]
