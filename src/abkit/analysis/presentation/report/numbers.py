"""The bodies of the tables behind charts: thousands of rows, so that no template writes them.

What HTML lets leave out is left out: the tables are the largest part of a page.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from attrs import frozen

from abkit.analysis.presentation.figures import legible

if TYPE_CHECKING:
    from markupsafe import Markup

_NEXT = "\x1f"
"""Between cells; no legible text has it."""


@frozen
class Look:
    """The numbers of a day, an hour, or a part of the time.

    Attributes:
        name: What stands before its rows.
        rows: The cells of each row, as texts.
    """

    name: str
    rows: Sequence[Sequence[str]]


def bodies(looks: Iterable[Look]) -> "Markup":
    """A body for each look, in the order of a chart's stops."""
    from markupsafe import Markup

    return Markup("".join(map(_body, looks)))  # noqa: S704 - all texts are escaped


def _body(look: Look) -> str:
    spans = (
        f' scope="rowgroup" rowspan="{len(look.rows)}"' if len(look.rows) > 1 else ' scope="row"'
    )
    rows = "<tr>".join(
        "".join(f"<td>{cell}" for cell in escape(_NEXT.join(row), quote=False).split(_NEXT))
        for row in look.rows
    )
    return f"<tbody><tr><th{spans}>{escape(look.name, quote=False)}{rows}"


def cell(text: str) -> str:
    """A text from anywhere, for a cell."""
    return legible(text)
