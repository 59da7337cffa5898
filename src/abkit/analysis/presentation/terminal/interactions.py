"""Experiments that touch each other, as a matrix for a terminal."""

from io import StringIO
from typing import TYPE_CHECKING

from abkit.analysis.findings.experiment_pairs import ExperimentPair, Interactions, Touch
from abkit.analysis.presentation import experiment_pairs, figures
from abkit.analysis.presentation.terminal.tables import Cell, Column, show_table
from abkit.analysis.presentation.terminal.words import STYLES, line, without_middle
from abkit.extras import extra

if TYPE_CHECKING:
    from rich.console import Console

_CELL = 4
"""Cells of the terminal that a column of the matrix takes."""

_NAME = 24
"""Those that the name of an experiment takes at most, beside the matrix."""

LISTED = 15
"""Of so many pairs, all are listed; of more, those of which something is to be said."""

_UNLIMITED = 1_000_000


def to_text(result: Interactions, *, width: int | None = 100) -> str:
    """The matrix and the pairs as plain text.

    Args:
        result: What the experiments have to do with one another.
        width: Characters a line; None: as many as it needs.

    Raises:
        MissingExtraError: rich is not installed.
    """
    with extra("cli"):
        from rich.console import Console
    text = StringIO()
    cells = _UNLIMITED if width is None else width
    show(result, Console(file=text, width=cells, color_system=None, force_terminal=False))
    return "\n".join(row.rstrip() for row in text.getvalue().splitlines()).strip("\n") + "\n"


def show(result: Interactions, console: "Console") -> None:
    """Print what was found, the matrix, and the pairs.

    Args:
        result: What the experiments have to do with one another.
        console: Where to; names are shown as they are, whatever markup they have.
    """
    line(console, ("Experiments that touch each other", "bold"))
    line(console, ("; ".join(experiment_pairs.facts(result)), "dim"))
    console.print()
    line(console, (experiment_pairs.headline(result), "bold"))
    for pair in experiment_pairs.found_pairs(result):
        for sentence in experiment_pairs.sentences(pair):
            line(console, ("! ", STYLES[experiment_pairs.TONES[pair.touch]]), sentence, indent=2)
    _show_matrix(result, console)
    _show_pairs(result, console)
    console.print()
    line(console, ("Method  ", "bold"), experiment_pairs.METHOD)
    for note in result.notes:
        line(console, ("Note    ", "bold yellow"), note)


def _show_matrix(result: Interactions, console: "Console") -> None:
    names = [of.name for of in result.experiments]
    labels = [f"{number} {name}" for number, name in enumerate(names, start=1)]
    widest = min(_NAME, max(map(len, labels))) + 1
    cells = widest + _CELL * (len(names) - 1)
    if not result.pairs:
        return
    if cells > console.width:
        console.print()
        line(console, (f"The matrix takes {cells} columns; --html has it too.", "dim"))
        return
    signs = {frozenset(pair.experiments): pair.touch for pair in result.pairs}
    console.print()
    heads = "".join(f"{number:>{_CELL}}" for number in range(2, len(names) + 1))
    line(console, (" " * widest + heads, "dim"))
    for row, name in enumerate(names):
        signed: list[tuple[str, str]] = []
        for column, other in enumerate(names[1:], start=1):
            touch = signs.get(frozenset((name, other))) if column > row else None
            text = "" if touch is None else experiment_pairs.SIGNS[touch]
            style = "" if touch is None else STYLES[experiment_pairs.TONES[touch]]
            signed.append((f"{text:>{_CELL}}", style))
        label = without_middle(labels[row], widest - 1)
        _unfolded(console, [(f"{label:<{widest}}", ""), *signed])
    present = dict.fromkeys(touch for touch in Touch if touch in signs.values())
    line(
        console,
        (
            "; ".join(
                f"{experiment_pairs.SIGNS[t]} {experiment_pairs.MEANINGS[t]}" for t in present
            ),
            "dim",
        ),
    )


def _unfolded(console: "Console", parts: list[tuple[str, str]]) -> None:
    from rich.text import Text

    written = Text()
    for text, style in parts:
        written.append(figures.legible(text), style=style)
    console.print(written, highlight=False, soft_wrap=True)


def _show_pairs(result: Interactions, console: "Console") -> None:
    sharing = experiment_pairs.sharing_pairs(result)
    pairs = sharing if len(sharing) <= LISTED else experiment_pairs.found_pairs(result)
    if not pairs:
        return
    console.print()
    columns = [
        Column("experiments", name=True),
        Column("units\nin both"),
        Column("variants\nindependent"),
        Column("first by\nsecond"),
        Column("second by\nfirst"),
        Column("finding", left=True, spare=1),
    ]
    show_table(columns, [_row(pair) for pair in pairs], console)
    line(console, (experiment_pairs.COLUMNS, "dim"))
    if len(pairs) < len(sharing):
        rest = len(sharing) - len(pairs)
        line(console, (f"{rest} more pairs share units; --html and --json have all.", "dim"))


def _row(pair: ExperimentPair) -> list[str | Cell]:
    first, second = (experiment_pairs.effect_p(pair, name) for name in pair.experiments)
    return [
        " and ".join(pair.experiments),
        f"{pair.units:,}",
        *map(experiment_pairs.p, (pair.corrected_p, first, second)),
        Cell(pair.touch.value, style=STYLES[experiment_pairs.TONES[pair.touch]]),
    ]
