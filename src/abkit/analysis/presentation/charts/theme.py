"""How charts look: in a picture, and within a page that has colours of its own."""

from collections.abc import Sequence
from typing import TypeVar

from attrs import frozen

from abkit.analysis.presentation.charts.plot import Ink

T = TypeVar("T")

DASHES = (
    [12, 3],
    [1, 0],
    [7, 3],
    [2, 2],
    [7, 3, 2, 3],
    [4, 2],
    [10, 2, 2, 2, 2, 2],
    [1, 3],
    [5, 1, 1, 1],
)
"""Lines differ in their dashes as well as in their colours: for print, and for the colour-blind."""

DRAWN = len(DASHES) - 1
"""So many variants beside the control are drawn; tables have all of them."""


@frozen(kw_only=True)
class Theme:
    """Colours and the font.

    Attributes:
        ink: Of what matters.
        quiet: Of labels.
        rule: Of the grid.
        paper: Of the background.
        goal: Of the line of the goal.
        margin: Of the line of a guardrail's margin.
        series: Of the variants, the control first.
        font: Of all texts.
        titled: Whether charts have titles; a page has headings instead.
    """

    ink: str
    quiet: str
    rule: str
    paper: str
    goal: str
    margin: str
    series: tuple[str, ...]
    font: str
    titled: bool


PAPER = Theme(
    ink="#1c2024",
    quiet="#5c6670",
    rule="#dfe3e6",
    paper="#ffffff",
    goal="#15803d",
    margin="#b3261e",
    series=(
        *("#6b7680", "#1f6fd1", "#c2570c", "#8a3ffc", "#b8327a"),
        *("#0f766e", "#a16207", "#be123c", "#4338ca"),
    ),
    font="sans-serif",
    titled=True,
)
"""Dark on white: for pictures and notebooks."""

PAGE = Theme(
    ink="var(--ink)",
    quiet="var(--quiet)",
    rule="var(--rule)",
    paper="transparent",
    goal="var(--goal)",
    margin="var(--bad)",
    series=tuple(f"var(--series-{number})" for number in range(len(DASHES))),
    font="inherit",
    titled=False,
)
"""The custom properties of the report's style sheet, which know light, dark and print."""


@frozen
class Size:
    """The area of the plot, in pixels.

    Attributes:
        width: From the first look to the last.
        height: Of one panel.
    """

    width: int = 620
    height: int = 230

    @property
    def ticks(self) -> int:
        """How many labels have room beneath it."""
        return max(2, self.width // 110)

    @property
    def entries(self) -> int:
        """How many entries of a legend have room beside each other."""
        return max(1, self.width // 130)


def inked(ink: Ink, theme: Theme) -> str:
    """The colour of what is not a variant's."""
    return {
        Ink.FIRST: theme.series[1],
        Ink.INK: theme.ink,
        Ink.QUIET: theme.quiet,
        Ink.GOAL: theme.goal,
        Ink.MARGIN: theme.margin,
    }[ink]


def series_of(variants: Sequence[str], values: Sequence[T], *, first: int) -> Sequence[T]:
    """What of the values of all variants, the control's first, belongs to these."""
    return values[first : first + len(variants)]
