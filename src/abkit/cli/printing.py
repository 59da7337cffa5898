"""Where commands print: a terminal is as wide as it is, a file or a pipe as wide as it needs to be."""

import os
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING

from abkit.extras import extra

if TYPE_CHECKING:
    from rich.console import Console

    from abkit.analysis.outcome import Outcome


def console() -> "Console":
    """Of stdout; what is written to a file or a pipe is not folded, unless COLUMNS says how wide it is.

    Raises:
        MissingExtraError: rich is not installed.
    """
    with extra("cli"):
        from rich.console import Console
    from abkit.analysis.presentation.terminal import UNLIMITED

    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal in ASCII shows ? rather than fails
    said = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()
    return Console(file=sys.stdout, width=None if said else UNLIMITED)


def show_result(result: "Outcome", *, pairs: bool = False) -> None:
    """Print the tables of a result.

    Args:
        result: The result.
        pairs: Whether every two variants beside the control are compared too.

    Raises:
        MissingExtraError: rich is not installed.
    """
    where = console()
    from abkit.analysis.presentation.terminal import show, show_pairs

    show(result, where)
    if pairs:
        show_pairs(result, where)
