"""Columns in SQLite, whose values have types and whose columns have none."""

import json
import math
import re
import sqlite3
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from abkit.analysis.engines.dialects.base import EARLIEST_MILLISECONDS, Dialect, Value
from abkit.analysis.engines.dialects.database import Database
from abkit.analysis.engines.refusals import END, SHOWN
from abkit.analysis.engines.sessions import Session
from abkit.analysis.reading.columns import Kind
from abkit.analysis.reading.quoting import identifier, literal

# In other keys SQLite's own JSON paths go wrong at quotes and escapes.
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_ .:-]+")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = "[0-9]" * 6
_INFINITY = "9e999"


class SQLiteDialect(Dialect):
    """SQLite's; the functions of `Functions` must be there."""

    types: Mapping[Kind, str] = MappingProxyType(
        {
            Kind.TEXT: "text",
            Kind.EXACT: "text",
            Kind.KEY: "text",
            Kind.INSTANT: "integer",
            Kind.NUMBER: "real",
            Kind.TRUTH: "real",
        }
    )

    def name(self, name: str) -> str:
        """A column's name, quoted."""
        return identifier(name)

    def constant(self, text: str) -> str:
        """A text constant, quoted."""
        return literal(text)

    def entry(self, value: Value, key: str) -> Value:
        """The entry of a text of a JSON object."""
        text = f"nullif({value.sql}, '')"
        if not _PLAIN_KEY.fullmatch(key):
            return Value(f"abkit_entry({text}, {literal(key)})")
        path = literal(f'$."{key}"')
        return Value(  # else true were 1
            f"case json_type({text}, {path}) when 'true' then 'true' when 'false' then 'false' "
            f"else json_extract({text}, {path}) end"
        )

    def text(self, value: Value) -> str:
        """As text; empty is null, and whole floats lose their ".0"."""
        sql = value.sql
        return (
            f"nullif(case when typeof({sql}) = 'real' and abs({sql}) < 9e18 "
            f"and {sql} = cast({sql} as integer) "
            f"then cast(cast({sql} as integer) as text) else cast({sql} as text) end, '')"
        )

    def number(self, value: Value, mark: str) -> str:
        """As a finite double."""
        sql = value.sql
        return (
            f"case typeof({sql}) when 'null' then null when 'integer' then cast({sql} as real) "
            f"when 'text' then abkit_number({sql}, {literal(mark)}) "
            f"else case when abs({sql}) < {_INFINITY} then {sql} "
            f"else {self.refuse(mark, sql, Kind.NUMBER)} end end"
        )

    def instant(self, value: Value, mark: str) -> str:
        """As microseconds since 1970, UTC."""
        sql = value.sql
        # What SqlSink and Amplitude write: 2024-03-01 12:00:00.250000, with T and Z or without.
        usual = (
            f"substr({sql}, 20, 7) glob '.{_DIGITS}' and substr({sql}, 27) in ('', 'Z', '+00:00')"
        )
        second = f"cast(strftime('%s', substr({sql}, 1, 19)) as integer)"
        return (
            f"case typeof({sql}) when 'null' then null "
            f"when 'text' then coalesce("
            f"case when {usual} then {second} * 1000000 + cast(substr({sql}, 21, 6) as integer) end, "
            f"abkit_instant({sql}, {literal(mark)})) "
            f"else case when abs({sql}) < {EARLIEST_MILLISECONDS} "
            f"then cast(floor({sql} * 1e6 + 0.5) as integer) "
            f"else {self.refuse(mark, sql, Kind.INSTANT)} end end"
        )

    def refuse(self, mark: str, text: str, kind: Kind) -> str:  # noqa: ARG002 - there are no types
        """An expression that fails, with the mark and a text in its message."""
        if not mark:
            return "null"
        return f"abkit_refuse({literal(mark)} || substr({text}, 1, {SHOWN}) || {literal(END)})"


class SQLite(Database):
    """SQLite, which is lent functions that it lacks."""

    keeps = True
    materializes = True  # else it joins rows by computing their columns once for each pair of them

    def __init__(self, name: str, session: Session) -> None:
        super().__init__(name, session)
        self._functions: Functions = Functions(session.connection)

    def version(self) -> str:
        """Such as "SQLite 3.40.1"."""
        return f"SQLite {self.session.run('select sqlite_version()')[1][0][0]}"

    def types(self, table: str) -> Mapping[str, str]:
        """The columns, which have no types."""
        description, _ = self.session.run(f"select * from {table} limit 0")  # noqa: S608 - quoted
        return dict.fromkeys((column[0] for column in description), "")

    def dialect(self, table: str) -> SQLiteDialect:  # noqa: ARG002 - values say it all
        """What writes values."""
        return SQLiteDialect()

    def told(self, error: Exception) -> str:
        """The message of the value that was refused last: SQLite only says that a function has failed."""
        return self._functions.taken() or str(error)

    def close(self) -> None:
        """Take the functions away again."""
        self._functions.close()


class Functions:
    """What SQLite lacks, as functions of a connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._refused = ""
        self._connection = connection
        self._made: list[tuple[str, int]] = []
        self._make("abkit_refuse", 1, self._refuse)
        self._make("abkit_number", 2, self._number)
        self._make("abkit_instant", 2, self._instant)
        self._make("abkit_entry", 2, _entry)
        for name, function in (("ln", math.log), ("floor", math.floor), ("exp", math.exp)):
            if not self._has(name):  # SQLite can be built without mathematics
                self._make(name, 1, _of_numbers(function))

    def close(self) -> None:
        """Take the functions away again."""
        for name, arguments in self._made:
            self._connection.create_function(name, arguments, None)

    def taken(self) -> str:
        """The message of the value that was refused last: SQLite only says that a function has failed."""
        message, self._refused = self._refused, ""
        return message

    def _has(self, name: str) -> bool:
        try:
            self._connection.execute(f"select {name}(1.5)")
        except sqlite3.OperationalError:
            return False
        return True

    def _make(self, name: str, arguments: int, function: Callable[..., Any]) -> None:
        self._connection.create_function(name, arguments, function, deterministic=True)
        self._made.append((name, arguments))

    def _refuse(self, message: str) -> None:
        self._refused = message
        raise ValueError(message)

    def _number(self, text: str, mark: str) -> float | None:
        if not text:
            return None
        number = _float(text)
        if number is None or not math.isfinite(number):
            if not mark:
                return None
            self._refuse(f"{mark}{text[:SHOWN]}{END}")
        return number

    def _instant(self, text: str, mark: str) -> int | None:
        if not text:
            return None
        seconds = _float(text)
        if seconds is not None and abs(seconds) < float(EARLIEST_MILLISECONDS):
            return math.floor(seconds * 1e6 + 0.5)
        try:
            time = datetime.fromisoformat(text.strip())
        except ValueError:
            self._refuse(f"{mark}{text[:SHOWN]}{END}")
            raise
        aware = time if time.tzinfo else time.replace(tzinfo=UTC)
        return (aware - _EPOCH) // timedelta(microseconds=1)


def _of_numbers(function: Callable[[float], float]) -> Callable[[float | None], float | None]:
    """A function that is null where it has no value, as SQLite's own are."""

    def of(number: float | None) -> float | None:
        try:
            return None if number is None else function(number)
        except (ValueError, OverflowError):
            return None

    return of


def _float(text: str) -> float | None:
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def _entry(text: str | None, key: str) -> object:
    """The entry of a JSON object, as `json_extract` would give it."""
    if text is None:
        return None
    found = json.loads(text)
    value = found.get(key) if isinstance(found, dict) else None
    if isinstance(value, bool | dict | list):
        return json.dumps(value, separators=(",", ":"))
    return value
