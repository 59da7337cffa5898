"""Every two variants beside the control, as tables."""

from typing import TYPE_CHECKING

from abkit.analysis.presentation import figures, sentences
from abkit.analysis.presentation.terminal.metrics import compared, outcome, outcome_columns
from abkit.analysis.presentation.terminal.tables import Cell, Column, show_table
from abkit.analysis.presentation.terminal.words import line

if TYPE_CHECKING:
    from rich.console import Console

    from abkit.analysis.outcome import Outcome


def show_pairs(result: "Outcome", console: "Console") -> None:
    """Print a table of pairs for each metric; that there are none, if there are not three variants."""
    console.print()
    line(console, ("Every two variants beside the control", "bold"))
    if not result.pairs:
        line(console, ("There is one variant beside the control.", "dim"), indent=2)
    for metric in result.metrics:
        pairs = [pair for pair in result.pairs if pair.metric == metric.metric]
        if not pairs:
            continue
        console.print()
        line(console, (metric.metric.name, "bold"))
        shown = next((pair.found for pair in pairs if pair.second.comparison), pairs[0].found)
        columns = [
            Column("variant", name=True),
            Column("beside", name=True),
            Column("lift"),
            Column(f"{figures.confidence(result.plan)} interval", spare=1),
            *(_beside(column) for column in outcome_columns(shown)),
        ]
        rows: list[list[str | Cell]] = [
            [
                pair.second.arm.variant,
                pair.first.variant,
                *compared(pair.second),
                *outcome(pair.second, shown),
            ]
            for pair in pairs
        ]
        show_table(columns, rows, console)
        waits = [
            f"{' and '.join(pair.variants)}: {', '.join(pair.second.missing)}"
            for pair in pairs
            if pair.second.missing
        ]
        for note in (sentences.confidence(shown, result.plan), *waits):
            if note:
                line(console, (note, "dim"), indent=2)


def _beside(column: Column) -> Column:
    """The chance to beat the control is that to beat the other one here."""
    return Column("beats\nit") if column.head == "beats\ncontrol" else column
