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
