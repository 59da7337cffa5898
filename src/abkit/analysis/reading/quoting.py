"""How a name, a text and a foreign column are written in SQL: the one place that quotes.

Everything that a user names (columns, paths, experiments, actions, properties) enters a query
through `identifier`, `literal` or `json_path`, and so cannot change what the query does.
"""

import re

from abkit.errors import AnalysisError

_SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def identifier(name: str) -> str:
    """The name of a table or column, quoted.

    Raises:
        AnalysisError: The name is empty or has a NUL character.
    """
    return _quoted(name, '"')


def literal(text: str) -> str:
    """A text constant, quoted.

    Raises:
        AnalysisError: The text has a NUL character.
    """
    return _quoted(text, "'") if text else "''"


def json_path(name: str) -> str:
    """The path of one top-level property of a JSON object, as a text constant."""
    if _SIMPLE.fullmatch(name):
        return literal(f"$.{name}")
    pointer = name.replace("~", "~0").replace("/", "~1")
    return literal(f"/{pointer}")


def _quoted(text: str, quote: str) -> str:
    if not text or "\0" in text:
        message = f"{text!r} cannot be a name in a query: it is empty or has a NUL character"
        raise AnalysisError(message)
    return f"{quote}{text.replace(quote, quote * 2)}{quote}"


def as_text(column: str, dtype: str) -> str:
    """A column as text; empty is missing.

    Whole floats lose their ".0", because a column of ids with a gap in it becomes one of floats
    in pandas, and 42.0 must still be the unit 42.

    Args:
        column: A quoted column.
        dtype: Its type, as DuckDB names it.
    """
    if dtype == "JSON":
        return f"nullif(json_extract_string({column}, '$'), '')"
    if dtype in {"DOUBLE", "FLOAT"}:
        return (
            f"case when isnan({column}) then null "
            f"when {column} = trunc({column}) and abs({column}) < 9e18 "
            f"then cast(cast({column} as bigint) as varchar) else cast({column} as varchar) end"
        )
    return f"nullif(cast({column} as varchar), '')"


def as_timestamp(column: str, dtype: str) -> str:
    """A column as a timestamp in UTC; numbers are seconds since the epoch."""
    if dtype == "TIMESTAMP WITH TIME ZONE":
        return f"{column} at time zone 'UTC'"
    if dtype.startswith(("TIMESTAMP", "DATE")):
        return f"cast({column} as timestamp)"
    if dtype in {"VARCHAR", "JSON"}:
        text = as_text(column, dtype)
        return (
            f"coalesce(to_timestamp(try_cast({text} as double)), cast({text} as timestamptz)) "
            f"at time zone 'UTC'"
        )
    return f"to_timestamp(cast({column} as double)) at time zone 'UTC'"


def as_map(column: str, dtype: str) -> str:
    """A column of maps, structs, lists of entries or JSON objects as a map from text to text."""
    if dtype.endswith("[]"):
        entries = f"map_from_entries({column})"
    elif dtype.startswith("MAP"):
        entries = column
    elif dtype == "VARCHAR":
        entries = f"cast(nullif({column}, '') as json)"
    elif dtype == "JSON":
        entries = f"cast({as_text(column, dtype)} as json)"
    else:
        entries = f"to_json({column})"
    return f"cast({entries} as map(varchar, varchar))"


def as_json(column: str, dtype: str) -> str:
    """A column of JSON objects, structs or maps as the text of JSON objects."""
    if dtype in {"VARCHAR", "JSON"}:
        return as_text(column, dtype)
    return f"cast(to_json({column}) as varchar)"


def as_value(column: str, dtype: str) -> str:
    """A column of a measure, in its own type; empty text is missing."""
    return as_text(column, dtype) if dtype in {"VARCHAR", "JSON"} else column


_READERS = {
    "text": (as_text, "varchar"),
    "timestamp": (as_timestamp, "timestamp"),
    "map": (as_map, "map(varchar, varchar)"),
    "json": (as_json, "varchar"),
    "value": (as_value, "varchar"),
}


def canonical(column: str | None, dtype: str, *, kind: str) -> str:
    """A foreign column in the type that the schema of events wants.

    Args:
        column: The foreign name; None where the table has no such column, which gives nulls.
        dtype: The foreign type, as DuckDB names it.
        kind: The kind of the schema: text, timestamp, map, json or value.
    """
    read, name = _READERS[kind]
    if column is None:
        return f"cast(null as {name})"
    return read(identifier(column), dtype)
