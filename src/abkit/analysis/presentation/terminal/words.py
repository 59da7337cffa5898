"""Lines and tables for a terminal: names are shown, never obeyed."""

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING

from abkit.analysis.presentation.figures import legible
from abkit.analysis.presentation.times import spread

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

_ROOMY = 90
_BLOCKS = "▁▂▃▄▅▆▇█"
_LONGEST = 30

GOOD, BAD, NEUTRAL = "bold green", "bold red", "yellow"


def line(console: "Console", *parts: str | tuple[str, str], indent: int = 0) -> None:
    """Print one line: texts, or pairs of a text and its style; what follows a fold is indented."""
    from rich.padding import Padding
    from rich.text import Text

    written = Text()
    for part in parts:
        text, style = (part, "") if isinstance(part, str) else part
        written.append(legible(text), style=style)
    console.print(
        Padding(written, (0, 0, 0, indent), expand=False) if indent else written, highlight=False
    )


def plain(text: str) -> "Text":
    """Text without markup: a variant may be called "[red]"."""
    from rich.text import Text

    return Text(legible(text))


def table(names: Sequence[str], numbers: Sequence[str], *, width: int) -> "Table":
    """A table whose first columns are names, and whose other ones are numbers.

    In a narrow terminal names are folded, and no number is cut.
    """
    from rich import box
    from rich.table import Table

    padding = 1 if width >= _ROOMY else 0
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, padding))
    for name in names:
        made.add_column(plain(name), overflow="fold", min_width=8)
    for number in numbers:
        made.add_column(number, justify="right", no_wrap=True)
    return made


def sparkline(values: Sequence[float], *, among: Sequence[float] = ()) -> str:
    """Values as little bars, from the least to the greatest; of many, some evenly spread ones.

    Args:
        values: In the order of time; those that are not finite are left out.
        among: What the scale must include, such as 0.
    """
    shown = [values[i] for i in spread(len(values), at_most=_LONGEST) if isfinite(values[i])]
    if not shown:
        return ""
    low, high = min((*shown, *among)), max((*shown, *among))
    span = high / 2 - low / 2  # halves do not overflow
    if not span:
        return _BLOCKS[3] * len(shown)
    steps = len(_BLOCKS) - 1
    return "".join(_BLOCKS[round(steps * ((value / 2 - low / 2) / span))] for value in shown)
