"""Elements of SVG, as text."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from unicodedata import east_asian_width

LETTER = 12
"""The height of letters, in pixels."""


def path_element(
    shape: str,
    colour: str,
    *,
    width: float = 1,
    dash: Sequence[int] = (),
    cap: str = "",
    opacity: float = 1,
) -> str:
    """A path that is not filled."""
    more = f' stroke-width="{width:g}"'
    if len(dash) > 2 or (dash and dash[1]):
        more += f' stroke-dasharray="{" ".join(map(str, dash))}"'
    if cap:
        more += f' stroke-linecap="{cap}"'
    if opacity != 1:
        more += f' stroke-opacity="{opacity:g}"'
    return f'<path d="{shape}" fill="none" stroke="{colour}"{more}/>'


def text_element(
    text: str, x: float, y: float, *, anchor: str = "start", transform: str = ""
) -> str:
    """A text, whatever its characters."""
    more = "" if anchor == "start" else f' text-anchor="{anchor}"'
    if transform:
        more += f' transform="{transform}"'
    return f'<text x="{x:.1f}" y="{y:.1f}"{more}>{escape(text, quote=False)}</text>'


def through(points: Iterable[tuple[float, float]], *, steps: bool = False) -> str:
    """A path through points, the first of which it moves to."""
    if steps:
        return "M" + "L".join(_steps(points))
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _steps(points: Iterable[tuple[float, float]]) -> Iterator[str]:
    height: float | None = None
    for x, y in points:
        if height is not None and height != y:
            yield f"{x:.1f} {height:.1f}"
        yield f"{x:.1f} {y:.1f}"
        height = y


def text_width(text: str) -> float:
    """About how wide a text is, in pixels; rather more than less."""
    wide = sum(1 for character in text if east_asian_width(character) in "WF")
    return LETTER * (0.6 * (len(text) - wide) + wide)


def cut(text: str, width: float) -> str:
    """The text, or its beginning, if it is too wide."""
    if text_width(text) <= width:
        return text
    return text[: max(1, int(width / LETTER / 0.6) - 1)] + "…"
