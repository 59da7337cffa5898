"""That the effect changes with the days since exposure."""

from typing import TYPE_CHECKING

from abkit.analysis.presentation import novelty
from abkit.analysis.presentation.terminal.words import line

if TYPE_CHECKING:
    from rich.console import Console

    from abkit.analysis.outcome import Outcome


def show_novelty(result: "Outcome", console: "Console") -> None:
    """Print a line for each variant whose effect changes; the report shows the days of all."""
    lines = [
        (found.metric.name, effect.variant, novelty.said(found, effect))
        for found in result.novelty
        for effect in found.treatments
        if effect.trend is not None
    ]
    if not lines:
        return
    console.print()
    for metric, variant, text in lines:
        line(console, ("Trend   ", "bold yellow"), f"{metric}, {variant}. {text}")
