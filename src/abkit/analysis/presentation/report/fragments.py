"""Pieces of pages that stand there hundreds of times: made by Python, which is faster than a template."""

import re
from html import escape
from typing import TYPE_CHECKING

from abkit.analysis.presentation.bars import IntervalBar
from abkit.analysis.presentation.figures import legible

if TYPE_CHECKING:
    from markupsafe import Markup


_MAY_BREAK = re.compile(r"(?<=[_./:-])(?=[^_./:-])|(?<=[a-z])(?=[A-Z])")


def escaped(text: str) -> str:
    """Text from anywhere, as HTML; HTML that was made already stays as it is."""
    return text if hasattr(text, "__html__") else escape(legible(text))


def breakable(name: str) -> "Markup":
    """A name that may be broken after its separators, and between its words, rather than within one."""
    from markupsafe import Markup

    return Markup("<wbr>".join(map(escape, _MAY_BREAK.split(legible(name)))))  # noqa: S704 - escaped


def explained(shown: str, text: str, number: int) -> str:
    """A number or a badge that explains itself where somebody points or tabs to it, as HTML.

    Args:
        shown: What is explained; HTML stays as it is.
        text: What explains it.
        number: Its own on the page.
    """
    return (
        f'<span class="explained" tabindex="0" aria-describedby="tip{number}">{escaped(shown)}'
        f'<span class="tip" role="tooltip" id="tip{number}">{escaped(text)}</span></span>'
    )


def interval_bar(bar: IntervalBar, label: str, *, width: float) -> "Markup":
    """An interval as a bar.

    Args:
        bar: Its places.
        label: What it shows, for those who do not see it.
        width: Of its canvas.
    """
    from markupsafe import Markup

    lines = [
        f'<line class="axis" x1="0" x2="{width}" y1="13" y2="13"/>',
        _upright("zero", bar.zero, 1, 25),
        *(_upright("goal", goal, 1, 25) for goal in bar.goals),
        *(_upright("margin", margin, 1, 25) for margin in bar.margins),
        f'<line class="interval" x1="{bar.low}" x2="{bar.high}" y1="13" y2="13"/>',
        "" if bar.open_low else _upright("end", bar.low, 7, 19),
        "" if bar.open_high else _upright("end", bar.high, 7, 19),
        f'<circle class="estimate" cx="{bar.estimate}" cy="13" r="4"/>',
    ]
    return Markup(  # noqa: S704 - all texts are escaped
        f'<svg class="bar" viewBox="0 0 {width} 26" role="img" aria-label="{escaped(label)}">'
        f"{''.join(lines)}</svg>"
    )


def _upright(kind: str, x: float, top: int, bottom: int) -> str:
    return f'<line class="{kind}" x1="{x}" x2="{x}" y1="{top}" y2="{bottom}"/>'
