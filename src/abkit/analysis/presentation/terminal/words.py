"""Lines for a terminal: names are shown, never obeyed."""

import re
from collections.abc import Sequence
from math import isfinite
from types import MappingProxyType
from typing import TYPE_CHECKING

from abkit.analysis.findings.badges import Tone
from abkit.analysis.presentation.figures import legible
from abkit.analysis.times import spread

if TYPE_CHECKING:
    from rich.console import Console

_BLOCKS = "▁▂▃▄▅▆▇█"
_LONGEST = 30

GOOD, BAD, NEUTRAL = "bold green", "bold red", "yellow"

STYLES = MappingProxyType({Tone.GOOD: GOOD, Tone.BAD: BAD, Tone.WAIT: NEUTRAL, Tone.PLAIN: "dim"})
"""The colours of good and bad news."""


def line(console: "Console", *parts: str | tuple[str, str], indent: int = 0) -> None:
    """Print one line: texts, or pairs of a text and its style; what follows a fold is indented.

    A word that is longer than a line, such as a path, loses its middle rather than being folded.
    """
    from rich.padding import Padding
    from rich.text import Text

    written, room = Text(), max(1, console.width - indent)
    for part in parts:
        text, style = (part, "") if isinstance(part, str) else part
        fitting = re.sub(r"\S+", lambda word: without_middle(word[0], room), legible(text))
        written.append(fitting, style=style)
    console.print(
        Padding(written, (0, 0, 0, indent), expand=False) if indent else written, highlight=False
    )


def without_middle(text: str, width: int) -> str:
    """A text that takes at most so many cells: its beginning and its end tell it from others.

    Args:
        text: In one line.
        width: From 1.
    """
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return text
    tail, kept = "", width // 2
    for character in reversed(text):
        if cell_len(character + tail) > kept:
            break
        tail = character + tail
    head = set_cell_size(text, width - 1 - cell_len(tail)).rstrip()
    return f"{head}…{tail}"


def unbroken(console: "Console", text: str, style: str = "", *, indent: int = 0) -> None:
    """Print a line that is never folded, so that it can be pasted: a command."""
    from rich.text import Text

    written = Text(" " * indent).append(legible(text), style=style)
    console.print(written, highlight=False, soft_wrap=True)


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
