"""Tables that fit a terminal: names are shortened with …, then columns go and are named, then rows stack.

No number is ever cut, and no name is broken over lines within a table.
"""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from attrs import frozen

from abkit.analysis.presentation.figures import legible
from abkit.analysis.presentation.terminal.words import without_middle

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

GAPS = (3, 2)
"""Cells between columns where there is room, and where there is not."""

SHORTEST = 12
"""A name is not shortened below so many cells: rather a column goes."""


@frozen
class Column:
    """A column of a table.

    Attributes:
        head: What stands above it.
        name: Whether it has names, which may be shortened; else numbers, which may not.
        spare: 0 stays; where there is no room, the column with the largest number goes first.
        left: Whether it is flush left, as names are.
    """

    head: str
    name: bool = False
    spare: int = 0
    left: bool = False


@frozen
class Cell:
    """What stands in a table.

    Attributes:
        text: From anywhere; it is shown, never obeyed.
        tag: Follows the text, and stays whole when that is shortened, such as " (control)".
        style: Of rich.
    """

    text: str
    tag: str = ""
    style: str = ""

    @property
    def shown(self) -> str:
        """All of it."""
        return legible(self.text) + self.tag


Rows = Sequence[Sequence[str | Cell]]


@frozen(kw_only=True)
class Fitted:
    """How a table is laid out.

    Attributes:
        shown: The places of the columns that are shown; empty where rows are stacked instead.
        widths: Of each of these, in cells of the terminal.
        gap: Cells between them.
        left_out: The heads of the columns that are not shown.
    """

    shown: tuple[int, ...] = ()
    widths: tuple[int, ...] = ()
    gap: int = 2
    left_out: tuple[str, ...] = ()


def fit(columns: Sequence[Column], rows: Rows, *, width: int, gaps: Sequence[int] = GAPS) -> Fitted:
    """How a table fits into a width.

    Args:
        columns: The columns.
        rows: A cell for each column.
        width: In cells of the terminal.
        gaps: Between columns, the widest first.
    """
    natural = [
        max(_heading(column.head), *(_length(_cell(row[i]).shown) for row in rows), 0)
        for i, column in enumerate(columns)
    ]
    everything = tuple(range(len(columns)))
    for gap in gaps:
        if _total(natural, gap) <= width:
            return Fitted(shown=everything, widths=tuple(natural), gap=gap)
    least = [_least(columns[i], natural[i], [_cell(row[i]) for row in rows]) for i in everything]
    shown, gone = list(everything), list[int]()
    spare = sorted((i for i in everything if columns[i].spare), key=lambda i: -columns[i].spare)
    while _total([least[i] for i in shown], gap) > width and spare:
        gone.append(spare.pop(0))
        shown.remove(gone[-1])
    left = width - _total([least[i] for i in shown], gap)
    if left < 0:
        return Fitted()
    widths = []
    for i in shown:
        more = min(left, natural[i] - least[i])
        left -= more
        widths.append(least[i] + more)
        if columns[i].name and _ambiguous([_cell(row[i]) for row in rows], widths[-1]):
            return Fitted()
    return Fitted(
        shown=tuple(shown),
        widths=tuple(widths),
        gap=gap,
        left_out=tuple(columns[i].head.replace("\n", " ") for i in sorted(gone)),
    )


def show_table(
    columns: Sequence[Column], rows: Rows, console: "Console", *, ruled: bool = True
) -> None:
    """Print a table, as wide as it needs to be and no wider than the console.

    Args:
        columns: The columns.
        rows: A cell for each column.
        console: Where to.
        ruled: Whether a line is drawn beneath the heads.
    """
    fitted = fit(columns, rows, width=console.width, gaps=GAPS if ruled else GAPS[-1:])
    if not fitted.shown:
        _stack(columns, rows, console)
        return
    console.print(_table(columns, rows, fitted, ruled=ruled))
    if fitted.left_out:
        what = f"Not shown at {console.width} columns: {', '.join(fitted.left_out)}."
        console.print(_styled(what, "dim"), highlight=False)


def _table(columns: Sequence[Column], rows: Rows, fitted: Fitted, *, ruled: bool) -> "Table":
    from rich import box
    from rich.table import Table

    made = Table(
        box=box.SIMPLE_HEAD if ruled else None,
        pad_edge=False,
        show_edge=False,
        padding=(0, fitted.gap - ruled, 0, 0),  # and a cell of the box
    )
    for i, width in zip(fitted.shown, fitted.widths, strict=True):
        made.add_column(
            _styled(columns[i].head),
            justify="left" if columns[i].name or columns[i].left else "right",
            no_wrap=True,
            min_width=width,
            max_width=width,
        )
    for row in rows:
        made.add_row(
            *(
                _styled(shorten(cell, width), cell.style)
                for i, width in zip(fitted.shown, fitted.widths, strict=True)
                for cell in [_cell(row[i])]
            )
        )
    return made


def _stack(columns: Sequence[Column], rows: Rows, console: "Console") -> None:
    """Each row as lines of its own: first its names, then a line for each number."""
    from rich.padding import Padding

    heads = [column.head.replace("\n", " ") for column in columns]
    longest = max(map(_length, heads))
    for row in rows:
        cells = [_cell(each) for each in row]
        names = [cell.shown for cell, column in zip(cells, columns, strict=True) if column.name]
        console.print(_styled(", ".join(filter(None, names)), "bold"), highlight=False)
        for head, cell, column in zip(heads, cells, columns, strict=True):
            if column.name or not cell.shown:
                continue
            entry = _styled(f"{head}{' ' * (longest - _length(head))}  ", "dim")
            entry.append_text(_styled(cell.shown, cell.style))
            console.print(Padding(entry, (0, 0, 0, 2), expand=False), highlight=False)


def shorten(cell: Cell, width: int) -> str:
    """A name with its middle left out: its beginning and its end tell it from others."""
    from rich.cells import set_cell_size

    text, room = legible(cell.text), width - _length(cell.tag)
    if room < min(1, _length(text)):
        return set_cell_size(text + cell.tag, width).rstrip()
    return without_middle(text, room) + cell.tag


def _least(column: Column, natural: int, cells: Sequence[Cell]) -> int:
    if not column.name:
        return natural
    short = [min(_length(legible(cell.text)), SHORTEST) + _length(cell.tag) for cell in cells]
    return max(_heading(column.head), *short, 0)


def _ambiguous(cells: Sequence[Cell], width: int) -> bool:
    """Whether different names are shortened to the same."""
    names = {cell.shown for cell in cells}
    return len({shorten(cell, width) for cell in cells}) < len(names)


def _cell(value: str | Cell) -> Cell:
    return value if isinstance(value, Cell) else Cell(value)


def _heading(head: str) -> int:
    return max(map(_length, head.split("\n")))


def _total(widths: Sequence[int], gap: int) -> int:
    return sum(widths) + gap * (len(widths) - 1)


def _styled(text: str, style: str = "") -> "Text":
    """Text without markup: a variant may be called "[red]"."""
    from rich.text import Text

    return Text(text, style=style)


@cache
def _length(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
