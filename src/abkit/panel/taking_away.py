"""The files that a result is taken away as."""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType

from attrs import frozen

from abkit.analysis.presentation.report import render
from abkit.analysis.result import Result


@frozen
class File:
    """A kind of file.

    Attributes:
        content_type: Of its content.
        write: Writes it.
    """

    content_type: str
    write: Callable[[Result], str]


def _json(result: Result) -> str:
    return json.dumps(result.to_dict(), indent=2, allow_nan=False)


def _sql(result: Result) -> str:
    return "\n\n".join(f"-- {what}\n{query};" for what, query in result.queries.items()) + "\n"


FILES: Mapping[str, File] = MappingProxyType(
    {
        "result.csv": File("text/csv; charset=utf-8", lambda result: result.to_csv()),
        "result.json": File("application/json", _json),
        "report.html": File("text/html; charset=utf-8", render),
        "queries.sql": File("application/sql; charset=utf-8", _sql),
    }
)
"""By name."""
