"""What a change is worth, in a terminal."""

from typing import TYPE_CHECKING

from abkit.analysis.presentation.terminal.tables import Cell, Column, show_table
from abkit.analysis.presentation.terminal.words import STYLES, line
from abkit.analysis.presentation.worth import worth_table

if TYPE_CHECKING:
    from rich.console import Console

    from abkit.analysis.outcome import Outcome


def show_worth(result: "Outcome", console: "Console") -> None:
    """Print each choice: the shrunk lift, the effect a day, the risk; nothing where nothing is known."""
    table = worth_table(result)
    if table is None:
        return
    console.print()
    line(console, ("What it is worth", "bold"), (f"  ({table.metric})", "dim"))
    columns = [
        Column("choice", name=True),
        Column("measured", spare=1),
        Column("shrunk"),
        Column(f"{table.level} of it", spare=3),
        *([Column("a day", spare=2), Column("interval a day", spare=4)] if table.daily else []),
        Column("risk"),
    ]
    rows: list[list[str | Cell]] = [
        [
            Cell(row.variant, " (control)" if row.is_control and row.variant != "control" else ""),
            row.measured,
            row.shrunk,
            row.interval,
            *([row.per_day, row.per_day_interval] if table.daily else []),
            Cell(row.risk, style=STYLES[row.tone]),
        ]
        for row in table.rows
    ]
    show_table(columns, rows, console)
    for note in table.notes:
        line(console, (note, "dim"), indent=2)
