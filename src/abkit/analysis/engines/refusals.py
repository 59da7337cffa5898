"""Values that cannot be used: named by column and table, though only the database has seen them.

A query must fail at such a value, and say which it was. So a view writes a mark and the value into the
error that it raises, and the engine finds both in the message that its database gives.
"""

import re

from abkit.analysis.reading.columns import Kind
from abkit.errors import AnalysisError

SHOWN = 60
"""Characters of a value that a message shows."""

_WANTED = {
    Kind.TEXT: "a text",
    Kind.EXACT: "a text",
    Kind.KEY: "a text",
    Kind.NUMBER: "a finite number",
    Kind.INSTANT: (
        "a time: give timestamps, ISO 8601 texts, or seconds since 1970 (not milliseconds)"
    ),
    Kind.TRUTH: "true or false, yes or no, t or f, y or n, 1 or 0",
}
_MARKED = re.compile(r"abkit refuses (\d+) <<(.*?)>>", re.DOTALL)
END = ">>"


class Refusals:
    """What the marks of one engine mean."""

    def __init__(self) -> None:
        self._meanings: list[tuple[str, str]] = []

    def mark(self, column: str, table: str, kind: Kind) -> str:
        """What the message of a failing value begins with; the value and END follow.

        Args:
            column: How messages call the column.
            table: How messages call the table.
            kind: What its values should be.
        """
        self._meanings.append((f"the {column} of {table}", _WANTED[kind]))
        return f"abkit refuses {len(self._meanings) - 1} <<"

    def explained(self, message: str) -> AnalysisError | None:
        """What a database's message says, if it has a mark."""
        found = _MARKED.search(message)
        if found is None or int(found[1]) >= len(self._meanings):
            return None
        place, wanted = self._meanings[int(found[1])]
        return AnalysisError(f"{place} has {found[2]!r}, which is not {wanted}")
