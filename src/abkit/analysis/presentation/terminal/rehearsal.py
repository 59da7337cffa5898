"""A rehearsal, for a terminal."""

from typing import TYPE_CHECKING

from abkit.analysis.presentation import rehearsal as words
from abkit.analysis.presentation.figures import NOTHING
from abkit.analysis.presentation.terminal.tables import Cell, Column, show_table
from abkit.analysis.presentation.terminal.words import BAD, NEUTRAL, line, unbroken
from abkit.analysis.rehearsal.outcome import Rehearsal, RehearsedMetric

if TYPE_CHECKING:
    from rich.console import Console

_COLUMNS = (
    Column("metric", name=True),
    Column("mean", spare=1),
    Column("false alarms"),
    Column("accepted"),
    Column("smallest\nchange"),
    Column("winsorized\nat 99%", spare=2),
    Column("with\nCUPED", spare=2),
    Column("variance of\nthe top 0.1%", spare=3),
)


def show(found: Rehearsal, console: "Console") -> None:
    """Print what was done, a row for each metric, what is doubtful, and the plan to paste.

    Args:
        found: What was found.
        console: Where to; names are shown as they are, whatever markup they have.
    """
    line(console, (f"Rehearsal of {words.headline(found)}", "bold"))
    console.print()
    show_table(_COLUMNS, [_row(of) for of in found.metrics], console)
    console.print()
    for warning in words.warnings(found):
        line(console, ("! ", NEUTRAL), warning)
    for remark in words.remarks(found):
        line(console, (remark, "dim"))
    console.print()
    line(console, ("A plan to paste", "bold"))
    unbroken(console, words.plan_code(found.suggestion.plan), indent=2)
    for reason in words.reasons(found):
        line(console, reason, indent=2)


def _row(of: RehearsedMetric) -> tuple[str | Cell, ...]:
    mean = f"{of.mean:.2%}" if of.metric.binary else f"{of.mean:.4g}"
    change = of.detectable
    alarms = Cell(words.between(of.alarms), style=BAD if of.alarms_too_often else "")
    return (
        of.metric.name,
        mean,
        NOTHING if of.missing else alarms,
        f"{of.allowed:.1%}",
        NOTHING if change is None else f"{change:.2%}",
        _smaller(change, of.gains.winsorizing),
        _smaller(change, of.gains.cuped),
        NOTHING if of.top_share is None else f"{of.top_share:.0%}",
    )


def _smaller(change: float | None, gain: float | None) -> str:
    if change is None or gain is None:
        return NOTHING
    return f"{change * (1 - gain):.2%}"
