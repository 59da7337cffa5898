"""Whether the units were alike before their exposure, in a terminal."""

from typing import TYPE_CHECKING

from abkit.analysis.presentation.before import before_table
from abkit.analysis.presentation.terminal.tables import Cell, Column, show_table
from abkit.analysis.presentation.terminal.words import STYLES, line

if TYPE_CHECKING:
    from rich.console import Console

    from abkit.analysis.outcome import Outcome


def show_before(result: "Outcome", console: "Console") -> None:
    """Print the metrics before the exposure; nothing where CUPED is off."""
    table = before_table(result)
    if table is None:
        return
    console.print()
    line(console, ("Before the exposure ", "bold"), (table.state, STYLES[table.tone]))
    columns = [
        Column("metric", name=True),
        Column("variant", name=True),
        Column("control", spare=2),
        Column("mean", spare=1),
        Column("difference"),
        Column(f"{table.level} interval", spare=3),
        Column("p-value"),
        Column("units", left=True),
    ]
    rows: list[list[str | Cell]] = [
        [
            row.metric,
            row.variant,
            row.control,
            row.mean,
            row.difference,
            row.interval,
            row.p_value,
            Cell(row.state, style=STYLES[row.tone]),
        ]
        for row in table.rows
    ]
    show_table(columns, rows, console)
    for row in table.rows:
        if row.missing:
            line(console, (f"{row.metric}, {row.variant}: {row.missing}", "dim"), indent=2)
    line(console, (table.note, "dim"), indent=2)
