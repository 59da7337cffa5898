"""The panel as tables for a terminal."""

from io import StringIO
from typing import TYPE_CHECKING

from abkit.analysis.presentation.terminal.before import show_before
from abkit.analysis.presentation.terminal.metrics import show_metric, show_scorecard
from abkit.analysis.presentation.terminal.novelty import show_novelty
from abkit.analysis.presentation.terminal.pairs import show_pairs
from abkit.analysis.presentation.terminal.parts import (
    show_counts,
    show_growth,
    show_head,
    show_identities,
    show_method,
    show_phases,
    show_ratio,
    show_segments,
    show_unassigned,
)
from abkit.analysis.presentation.terminal.worth import show_worth
from abkit.extras import extra

if TYPE_CHECKING:
    from rich.console import Console

    from abkit.analysis.outcome import Outcome


__all__ = ["UNLIMITED", "show", "show_pairs", "to_text"]

UNLIMITED = 1_000_000
"""The width of what is no terminal: each line is as long as it needs to be."""


def to_text(result: "Outcome", *, width: int | None = 100) -> str:
    """The tables as plain text.

    Args:
        result: The result of an analysis.
        width: Characters a line; None: as many as it needs, for a file or a pipe. A command is one
            line at any width, so that it can be pasted.

    Raises:
        MissingExtraError: rich is not installed.
    """
    with extra("cli"):
        from rich.console import Console
    text = StringIO()
    cells = UNLIMITED if width is None else width
    show(result, Console(file=text, width=cells, color_system=None, force_terminal=False))
    lines = [line.rstrip() for line in text.getvalue().splitlines()]
    return "\n".join(lines).strip("\n") + "\n"


def show(result: "Outcome", console: "Console") -> None:
    """Print the tables.

    Args:
        result: The result of an analysis.
        console: Where to; names are shown as they are, whatever markup they have.
    """
    show_head(result, console)
    show_worth(result, console)
    show_scorecard(result, console)
    for found in result.metrics:
        show_metric(found, result, console)
    show_counts(result, console)
    show_growth(result, console)
    show_novelty(result, console)
    show_segments(result, console)
    show_unassigned(result, console)
    show_identities(result, console)
    show_ratio(result, console)
    show_before(result, console)
    show_phases(result, console)
    show_method(result, console)
